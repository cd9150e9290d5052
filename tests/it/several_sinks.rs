//! Several sinks of one pipeline: which records each takes, and what the others feel of one whose store is away.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tamis_tests::files::{by_partition, dead_letters};
use tamis_tests::kafka::{Group, Kafka, unique};
use tamis_tests::mariadb::{Database, MariaDb};
use tamis_tests::place::Place;
use tamis_tests::tamis::{Ended, Running, output, run, tamis};
use tamis_tests::wait::{LONG, eventually};

use crate::main_job::kafka_source;

const TYPES: [&str; 3] = ["error", "info", "debug"];

/// A pipeline that writes errors into a table, and all but what is for debugging into files.
struct Job {
    server: MariaDb,
    database: Database,
    kafka: Kafka,
    topic: String,
    group: Group,
    place: Place,
    file: PathBuf,
}

impl Job {
    fn new(name: &str, on_outage: impl Fn(&Place) -> String) -> Self {
        let server = MariaDb::with("");
        server.start();
        let (database, kafka, place) = (server.fresh(), Kafka::shared(), Place::default());
        let (topic, group) = (kafka.new_topic(name, 1, &[]), unique(name));
        let text = format!(
            r#"pipeline: several
source: {source}
sinks:
  rows:
    mysql: {{ url: "{url}", table: logs, create: true, timeout_ms: 2000 }}
    when: {{ field: /Type, is: [error] }}
    on_outage: {on_outage}
  archive:
    file: {{ url: "file://{out}", path: all, format: ndjson, run: {{ age_ms_max: 200 }} }}
    when: {{ field: /Type, is_not: [debug] }}
dead_letters: {{ folder: {{ path: {dead} }} }}
limits: {{ commit_interval_ms: 100 }}
"#,
            source = kafka_source(&kafka, &topic, &group),
            url = database.url(),
            on_outage = on_outage(&place),
            out = place.out().display(),
            dead = place.dead().display(),
        );
        Self {
            file: place.write("several.yaml", text),
            group: kafka.group(&group, &topic),
            server,
            database,
            kafka,
            topic,
            place,
        }
    }

    /// Sends the records with these numbers.
    fn send(&self, numbers: Range<usize>) {
        let lines: Vec<_> = numbers
            .map(|n| format!(r#"{{"Type":"{}","Msg":"{n}"}}"#, TYPES[n % 3]))
            .collect();
        self.kafka
            .produce_lines(&self.topic, lines.iter().map(String::as_bytes), 1);
    }

    /// Sends records from this number on until the store is asked again, as it is by one in five seconds, and answers; the number
    /// after the last.
    fn send_until_back(&self, tamis: &Running, mut next: usize) -> usize {
        eventually(LONG, "the store is asked again", || {
            self.send(next..next + TYPES.len());
            next += TYPES.len();
            tamis.count("sink is back") > 0
        });
        next
    }

    /// Numbers in the table, each of which is there once.
    fn rows(&self) -> BTreeSet<usize> {
        let rows = self.database.sql("SELECT Msg FROM logs");
        distinct(rows.iter().map(|number| number.parse().unwrap()))
    }

    /// Numbers in the files, each of which is there once.
    fn archived(&self) -> BTreeSet<usize> {
        let files: Vec<u8> = by_partition(&self.place.out())
            .into_values()
            .flatten()
            .collect();
        let lines = files
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        distinct(lines.map(|line| {
            let record: Value = serde_json::from_slice(line).unwrap();
            record["Msg"].as_str().unwrap().parse().unwrap()
        }))
    }
}

fn distinct(numbers: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    for number in numbers {
        assert!(seen.insert(number), "{number} is there twice");
    }
    seen
}

/// Those of `numbers` whose records have one of these types.
fn of(numbers: Range<usize>, types: &[&str]) -> BTreeSet<usize> {
    numbers.filter(|n| types.contains(&TYPES[n % 3])).collect()
}

fn dead(command: &str, file: &Path, more: &[&str]) -> Ended {
    let command = ["dead", command, file.to_str().unwrap()];
    output(&mut tamis(command.iter().chain(more)))
}

fn park_after(ms: u32) -> impl Fn(&Place) -> String {
    move |place| {
        let parking = place.path("parked");
        format!(
            "{{ park: {{ folder: {{ path: {} }}, after_ms: {ms} }} }}",
            parking.display()
        )
    }
}

#[test]
fn records_are_parked_while_a_store_is_away_and_replayed_when_it_is_back() {
    let job = Job::new("parked", park_after(500));
    let mut tamis = Running::start(&mut run(&job.file));
    job.send(0..300);
    tamis.await_settled(&job.group, 300);
    assert_eq!(job.rows(), of(0..300, &["error"]));
    job.server.kill();
    job.send(300..600);
    tamis.await_settled(&job.group, 600);
    tamis.await_words("parking its records");
    tamis.until("files have what the table has not", || {
        job.archived() == of(0..600, &["error", "info"])
    });
    job.server.start();
    let next = job.send_until_back(&tamis, 600);
    tamis.await_settled(&job.group, next as u64);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.summary();
    let (parked, written) = (&summary["parked"], &summary["written"]["rows"]);
    let errors = of(0..next, &["error"]);
    assert_eq!(
        parked.as_u64().unwrap() + written.as_u64().unwrap(),
        errors.len() as u64
    );
    assert!(parked.as_u64().unwrap() >= 100, "{summary}");
    let letters = dead_letters(&job.place.dead());
    assert_eq!(letters.len(), of(0..next, &["debug"]).len());
    for letter in &letters {
        assert_eq!(letter.stage, "router");
        assert_eq!(letter.reason, "it is not as the `when` of any sink says");
    }

    for replayed in [parked.clone(), json!(0)] {
        let ended = dead(
            "replay",
            &job.file,
            &["--parked", "rows", "--yes", "--json"],
        );
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.summary()["replayed"], replayed, "{ended:?}");
        assert_eq!(job.rows(), errors);
    }
    assert_eq!(dead_letters(&job.place.dead()).len(), letters.len());
    let ended = dead("list", &job.file, &["--parked", "archive"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("these do: rows"), "{ended:?}");
}

#[test]
fn a_store_that_is_away_holds_up_the_others_where_its_records_wait() {
    let job = Job::new("waits", |_| "wait".to_owned());
    let mut tamis = Running::start(&mut run(&job.file));
    job.send(0..300);
    tamis.await_settled(&job.group, 300);
    job.server.kill();
    job.send(300..600);
    tamis.await_words("sink is unavailable");
    let settled = job.group.committed().unwrap();
    assert!(settled <= 300, "offset 300 is an error: {settled}");
    job.server.start();
    tamis.await_settled(&job.group, 600);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.summary()["parked"], 0);
    assert_eq!(job.rows(), of(0..600, &["error"]));
    assert_eq!(job.archived(), of(0..600, &["error", "info"]));
}

#[test]
fn a_store_that_is_away_at_the_start_holds_up_no_one_where_its_records_are_parked() {
    let job = Job::new("late", park_after(0));
    job.server.kill();
    let mut tamis = Running::start(&mut run(&job.file));
    job.send(0..300);
    tamis.await_settled(&job.group, 300);
    tamis.until("files have what no table has", || {
        job.archived() == of(0..300, &["error", "info"])
    });
    job.server.start();
    let next = job.send_until_back(&tamis, 300);
    tamis.await_settled(&job.group, next as u64);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let replay = ["--parked", "rows", "--yes", "--json"];
    let replayed = dead("replay", &job.file, &replay);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert_eq!(replayed.summary()["replayed"], ended.summary()["parked"]);
    assert_eq!(job.rows(), of(0..next, &["error"]));
}
