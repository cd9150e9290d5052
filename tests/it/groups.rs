//! Members of a group on a real broker: where they start, and who reads what when one comes, goes, or is stuck.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{assert_same, by_partition, staged};
use tamis_tests::kafka::{Group, Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, run};
use tamis_tests::wait::eventually;

use crate::disk_full::on_full_disk;
use crate::main_job::kafka_source;

/// A topic of numbered lines that is copied to files.
pub(crate) struct Copy {
    pub(crate) kafka: Kafka,
    pub(crate) place: Place,
    pub(crate) topic: String,
    partitions: i32,
    group: String,
}

impl Copy {
    pub(crate) fn new(name: &str, partitions: i32) -> Self {
        let kafka = Kafka::shared();
        Self {
            topic: kafka.new_topic(name, partitions, &[]),
            kafka,
            place: Place::default(),
            partitions,
            group: unique(name),
        }
    }

    /// Sends the lines with the numbers `from..to`, to each partition in turn.
    pub(crate) fn produce(&self, from: u32, to: u32) {
        let text = numbers(from, to);
        let lines = data::lines(text.as_bytes());
        self.kafka
            .produce_lines(&self.topic, lines, self.partitions);
    }

    /// The command line of a member.
    pub(crate) fn member(&self) -> Command {
        let job = Pipeline {
            compression: "none",
            run: "{ age_ms_max: 100 }",
            ..Pipeline::default()
        };
        let source = kafka_source(&self.kafka, &self.topic, &self.group);
        run(&self.place.copy(&source, job))
    }

    /// What the group has committed.
    pub(crate) fn committed(&self) -> Group {
        self.kafka.group(&self.group, &self.topic)
    }

    /// How many lines are seen.
    fn seen(&self) -> usize {
        let all = by_partition(&self.place.out());
        all.values().map(|lines| data::lines(lines).count()).sum()
    }

    /// The lines of partition 0 that are seen.
    pub(crate) fn lines(&self) -> String {
        let lines = by_partition(&self.place.out()).remove(&format!("{}-0", self.topic));
        String::from_utf8(lines.unwrap_or_default()).unwrap()
    }
}

/// Lines with the numbers `from..to`.
pub(crate) fn numbers(from: u32, to: u32) -> String {
    (from..to).map(|number| format!("{number}\n")).collect()
}

/// Ends a member in good order.
pub(crate) fn stop(member: Running) -> Ended {
    member.signal("TERM");
    let ended = member.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// How often partitions came to `member` or left it.
fn moves(member: &Running) -> usize {
    let said = member.said();
    let moves = said
        .lines()
        .filter(|line| line.contains("partitions assigned") || line.contains("partitions revoked"));
    moves.filter(|line| !line.ends_with("partitions=0")).count()
}

fn check_start(start_at: &str, first: u32) {
    let copy = Copy::new("start", 1);
    let start = || {
        let mut member = copy.member();
        Running::start(member.env("TAMIS__SOURCE__KAFKA__START_AT", start_at))
    };
    copy.produce(0, 100);
    let mut member = start();
    member.await_settled(&copy.committed(), 100);
    copy.produce(100, 150);
    member.await_settled(&copy.committed(), 150);
    assert_eq!(stop(member).summary()["taken"], 150 - first, "{start_at}");
    // From now on the group goes on where it was.
    copy.produce(150, 160);
    let mut member = start();
    member.await_settled(&copy.committed(), 160);
    assert_eq!(stop(member).summary()["taken"], 10, "{start_at}");
    assert_eq!(copy.lines(), numbers(first, 160), "{start_at}");
}

#[test]
fn a_group_that_starts_at_the_earliest_reads_what_is_there() {
    check_start("earliest", 0);
}

#[test]
fn a_group_that_starts_at_the_latest_reads_what_comes_and_goes_on_there() {
    check_start("latest", 100);
}

#[test]
fn a_member_with_a_name_that_is_back_in_time_moves_no_partition() {
    let copy = Copy::new("static", 4);
    let start = |name| {
        let mut member = copy.member();
        let property = |name| format!("TAMIS__SOURCE__KAFKA__PROPERTIES__{name}");
        member
            .env(property("group.instance.id"), name)
            .env(property("session.timeout.ms"), "45000");
        Running::start(&mut member)
    };
    copy.produce(0, 400);
    let mut stays = start("stays");
    stays.await_words("partitions assigned partitions=4");
    let mut goes = start("goes");
    goes.await_words("partitions assigned partitions=2");
    stays.await_settled(&copy.committed(), 400);
    let before = moves(&stays);
    assert_eq!(before, 2, "four came, two left: {}", stays.said());

    stop(goes);
    copy.produce(400, 800);
    let mut back = start("goes");
    back.await_words("partitions assigned partitions=2");
    back.await_settled(&copy.committed(), 800);
    assert_eq!(moves(&stays), before, "{}", stays.said());
    assert_eq!(stop(back).summary()["taken"], 200);
    stop(stays);
    assert_eq!(copy.seen(), 800);
}

/// A member with a name in the group that outlives it.
fn named(copy: &Copy, name: &str) -> Running {
    let mut member = copy.member();
    Running::start(member.env("TAMIS__SOURCE__KAFKA__PROPERTIES__group.instance.id", name))
}

#[test]
fn a_member_whose_name_another_one_took_joins_anew_and_nothing_is_lost() {
    let copy = Copy::new("fenced", 2);
    copy.produce(0, 200);
    let mut member = named(&copy, "one");
    member.await_settled(&copy.committed(), 200);

    let other: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &copy.kafka.address)
        .set("group.id", &copy.group)
        .set("group.instance.id", "one")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    other.subscribe(&[&copy.topic]).unwrap();
    eventually(LETS_GO_WITHIN, "each of them is fenced", || {
        // What it reads is thrown away and committed nowhere.
        let _record = other.poll(Duration::from_millis(100));
        other.client().fatal_error().is_some()
    });
    member.await_words("joining anew");

    copy.produce(200, 400);
    member.await_settled(&copy.committed(), 400);
    assert_eq!(stop(member).summary()["taken"], 400);
    assert_eq!(copy.seen(), 400);
}

#[test]
fn of_two_members_by_one_name_one_ends_and_says_why() {
    let copy = Copy::new("two-by-one-name", 2);
    copy.produce(0, 200);
    let mut members = vec![named(&copy, "one"), named(&copy, "one")];
    let mut ended = None;
    eventually(LETS_GO_WITHIN, "one of them ends", || {
        ended = members.iter_mut().position(|it| it.ended().is_some());
        ended.is_some()
    });
    let ended = members.remove(ended.unwrap()).wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let why = "the group has another member with this group.instance.id: give each one its own";
    assert!(ended.stderr.contains(why), "{ended:?}");
    let mut stays = members.remove(0);
    copy.produce(200, 400);
    stays.await_settled(&copy.committed(), 400);
    stop(stays);
    assert_eq!(copy.seen(), 400);
}

/// Far above `drain_timeout_ms` and what a last commit may take, and far below `max.poll.interval.ms`, after which the broker
/// would take the partitions away by itself.
const LETS_GO_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn a_member_with_a_stuck_sink_lets_go_in_time_and_nothing_is_lost() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("stuck"));
    let topic = kafka.new_topic("stuck", 4, &[]);
    let input = data::logs(20_000, Kind::Usual);
    kafka.produce_lines(&topic, data::lines(&input), 4);
    let Expected {
        written, counts, ..
    } = data::expected(&input, 4);
    let pipeline = Pipeline {
        compression: "none",
        run: "{ age_ms_max: 200 }",
        limits: "{ commit_interval_ms: 200, drain_timeout_ms: 2000 }",
        ..Pipeline::default()
    };
    let job = place.main_job(&kafka_source(&kafka, &topic, &group), pipeline);
    fs::create_dir_all(place.out()).unwrap();
    let mut stuck = Running::start(&mut on_full_disk(&place.out(), &run(&job)));
    let group = kafka.group(&group, &topic);
    stuck.await_words("No space left on device");

    let mut joins = Running::start(&mut stuck.beside(&run(&job)));
    stuck.await_words("partitions revoked");
    let assigned = "partitions assigned partitions=2";
    eventually(LETS_GO_WITHIN, "the other member has partitions", || {
        joins.count(assigned) > 0
    });
    stuck.await_words("not all was settled in time; the rest will be read again");
    assert!(group.committed().unwrap() < counts.taken);

    let disk = stuck.sees(&place.out());
    fs::remove_file(disk.join("filler")).unwrap();
    stuck.await_settled(&group, counts.taken);
    joins.until("all is seen", || staged(&disk).is_empty());
    let actual = by_partition(&disk);
    for (partition, expected) in (0..).zip(&written) {
        let name = format!("{topic}-{partition}");
        assert_same(&name, &actual[&name], expected);
    }
    stop(stuck);
    stop(joins);
}
