//! A process that ends, however it does, and the one that goes on.

use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{
    assert_same, by_partition, dead_letters, dead_letters_at_least_once, positions, staged,
};
use tamis_tests::kafka::{Group, Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};

use crate::main_job::kafka_source;

/// Runs end by their size alone, so that the last records of each partition wait for more.
const WAITS_FOR_MORE: &str = "{ records_max: 1000, age_ms_max: 3600000 }";

/// The main job, to be run more than once.
struct Job {
    kafka: Kafka,
    topic: String,
    group: String,
    place: Place,
}

impl Job {
    fn new(name: &str) -> Self {
        let (kafka, place) = (Kafka::shared(), Place::default());
        let topic = kafka.new_topic(name, 4, &[]);
        Self {
            kafka,
            topic,
            group: unique(name),
            place,
        }
    }

    fn start(&self, run_limits: &'static str) -> Running {
        let source = kafka_source(&self.kafka, &self.topic, &self.group);
        let job = Pipeline {
            run: run_limits,
            ..Pipeline::default()
        };
        Running::start(&mut run(&self.place.main_job(&source, job)))
    }

    fn group(&self) -> Group {
        self.kafka.group(&self.group, &self.topic)
    }
}

#[test]
fn a_second_run_goes_on_where_the_first_one_was_stopped() {
    let job = Job::new("stopped");
    let input = data::logs(40_000, Kind::Odd);
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, 4);
    let lines: Vec<_> = data::lines(&input).collect();
    let (first, second) = lines.split_at(20_000);

    job.kafka
        .produce_lines(&job.topic, first.iter().copied(), 4);
    let mut tamis = job.start(WAITS_FOR_MORE);
    let group = job.group();
    // A part of the first half, because no run ends by its age; the signal makes the rest of it settle.
    tamis.until("runs are settled", || {
        group.committed().is_ok_and(|it| it > 10_000)
    });
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(group.committed().unwrap(), 20_000);
    assert_eq!(ended.summary()["taken"], 20_000);

    job.kafka
        .produce_lines(&job.topic, second.iter().copied(), 4);
    let mut tamis = job.start("{ age_ms_max: 200 }");
    tamis.await_settled(&group, counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.summary()["taken"], 20_000, "nothing is read twice");
    let actual = by_partition(&job.place.out());
    for (partition, expected) in (0..).zip(&written) {
        let name = format!("{}-{partition}", job.topic);
        assert_same(&name, &actual[&name], expected);
    }
    assert_eq!(positions(&dead_letters(&job.place.dead())), dead);
    assert_eq!(staged(&job.place.out()), [""; 0]);
}

#[test]
fn each_record_is_there_once_when_a_process_is_killed() {
    let job = Job::new("killed");
    let input = data::logs(20_000, Kind::Odd);
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, 4);
    job.kafka.produce_lines(&job.topic, data::lines(&input), 4);

    let mut tamis = job.start(WAITS_FOR_MORE);
    let group = job.group();
    tamis.until("runs are settled", || {
        group.committed().is_ok_and(|it| it > 10_000)
    });
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    let settled = group.committed().unwrap();
    assert!(settled < counts.taken, "the last runs were still open");

    let mut tamis = job.start("{ age_ms_max: 200 }");
    tamis.await_settled(&group, counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let again = ended.summary()["taken"].as_u64().unwrap();
    assert_eq!(
        again,
        counts.taken - settled,
        "what was settled is not read again"
    );
    let actual = by_partition(&job.place.out());
    for (partition, expected) in (0..).zip(&written) {
        let name = format!("{}-{partition}", job.topic);
        assert_same(&name, &actual[&name], expected);
    }
    assert_eq!(staged(&job.place.out()), [""; 0]);
    assert_eq!(
        positions(&dead_letters_at_least_once(&job.place.dead())),
        dead
    );
}
