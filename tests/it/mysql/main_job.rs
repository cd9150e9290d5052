//! The main job from a topic to a table: each record is there once under its id, as a program of its own worked out, though the
//! process and the server are killed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use tamis_core::id::{Partition, RecordId};
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{dead_letters_at_least_once, positions};
use tamis_tests::kafka::{Group, Kafka, unique};
use tamis_tests::mariadb::{Database, MariaDb};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};
use tamis_tests::wait::{LONG, eventually};

use super::stored;
use crate::main_job::kafka_source;

const PARTITIONS: usize = 4;

/// The main job from a topic to the table `logs`.
struct Job {
    topic: String,
    place: Place,
    config: PathBuf,
    group: Group,
    expected: Expected,
}

impl Job {
    fn new(database: &Database, kind: Kind, columns: &str) -> Self {
        let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("mysql"));
        let topic = kafka.new_topic("mysql", 4, &[]);
        let input = data::logs(20_000, kind);
        kafka.produce_lines(&topic, data::lines(&input), 4);
        // Few records at a time, so that there is a middle in which something can happen.
        let sink = format!(
            "{{ mysql: {{ url: \"{}\", table: logs, create: true, timeout_ms: 5000, requests: {{ records_max: 5, requests_max: 1 }}, {columns} }} }}",
            database.url()
        );
        let job = Pipeline {
            sink: Some(&sink),
            ..Pipeline::default()
        };
        // The source has a name, so that ids are known.
        let source =
            kafka_source(&kafka, &topic, &group).replacen("kafka: {", "kafka: { name: fleet,", 1);
        Self {
            config: place.main_job(&source, job),
            group: kafka.group(&group, &topic),
            expected: data::expected(&input, PARTITIONS),
            topic,
            place,
        }
    }

    fn start(&self) -> Running {
        Running::start(&mut run(&self.config))
    }

    fn await_middle(&self, tamis: &mut Running, settled: u64) {
        tamis.until("records are settled", || {
            self.group.committed().is_ok_and(|it| it > settled)
        });
    }

    /// How many records are settled, which are not all of them.
    fn settled_in_the_middle(&self) -> u64 {
        let settled = self.group.committed().unwrap();
        assert!(settled < self.expected.counts.taken, "it is the middle");
        settled
    }

    /// Waits until all is settled, and stops `tamis`.
    fn finish(&self, mut tamis: Running) {
        tamis.await_settled(&self.group, self.expected.counts.taken);
        tamis.signal("TERM");
        let ended = tamis.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let letters = dead_letters_at_least_once(&self.place.dead());
        assert_eq!(positions(&letters), self.expected.dead);
    }

    /// What must be there of one partition: values in the order of their offsets, which the ids hold.
    fn of_partition<'a, V>(&self, number: usize, there: &'a BTreeMap<String, V>) -> Vec<&'a V> {
        let place = Partition {
            source: "fleet".into(),
            topic: self.topic.as_str().into(),
            number: i32::try_from(number).unwrap(),
            split: 0,
        };
        let id = |offset| {
            let (partition, number) = (&place, 0);
            RecordId {
                partition,
                offset,
                number,
            }
            .to_string()
        };
        let offsets = 0..self.expected.counts.taken;
        offsets
            .filter_map(|offset| there.get(&id(offset)))
            .collect()
    }

    fn check_values(&self, database: &Database) {
        let there = stored(database, "logs", "v");
        let mut count = 0;
        for (number, expected) in self.expected.written.iter().enumerate() {
            let actual = self.of_partition(number, &there);
            let expected: Vec<_> = data::lines(expected).collect();
            count += expected.len();
            assert_eq!(actual.len(), expected.len(), "partition {number}");
            for (actual, expected) in actual.iter().zip(expected) {
                assert_eq!(
                    String::from_utf8_lossy(actual),
                    String::from_utf8_lossy(expected),
                    "partition {number}"
                );
            }
        }
        assert_eq!(there.len(), count, "nothing else is there");
    }
}

const VALUE: &str = "columns: { v: { from: '{value}', type: longtext } }";

#[test]
fn each_record_is_there_once_when_the_process_and_the_server_are_killed() {
    let server = MariaDb::with("");
    server.start();
    let database = server.fresh();
    let job = Job::new(&database, Kind::Odd, VALUE);
    let mut tamis = job.start();
    job.await_middle(&mut tamis, 2_000);
    server.kill();
    tamis.await_words("sink is unavailable");
    server.start();
    job.await_middle(&mut tamis, 6_000);
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    let settled = job.settled_in_the_middle();
    // Where it begins anew the server is away.
    server.kill();
    let mut tamis = job.start();
    tamis.await_words("sink is unavailable");
    server.start();
    job.await_middle(&mut tamis, settled);
    // Both at once.
    server.kill();
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    job.settled_in_the_middle();
    server.start();
    job.finish(job.start());
    job.check_values(&database);
}

#[test]
fn the_fleets_records_are_in_the_fleets_columns() {
    let database = Database::shared();
    let job = Job::new(&database, Kind::Usual, "");
    job.finish(job.start());
    let row = "JSON_OBJECT('Type', Type, 'Action', Action, 'Time', Time, 'Msg', Msg, 'FuncName', FuncName, \
               'Field', JSON_COMPACT(Field), 'rest', JSON_COMPACT(rest))";
    let there = stored(&database, "logs", row);
    let mut count = 0;
    for (number, expected) in job.expected.written.iter().enumerate() {
        let actual = job.of_partition(number, &there);
        let expected: Vec<_> = data::lines(expected).collect();
        count += expected.len();
        assert_eq!(actual.len(), expected.len(), "partition {number}");
        for (actual, expected) in actual.iter().zip(expected) {
            let actual: Value = serde_json::from_slice(actual).unwrap();
            assert_eq!(
                actual,
                in_columns(serde_json::from_slice(expected).unwrap())
            );
        }
    }
    assert_eq!(there.len(), count);
    assert!(count > 10_000, "{count}");
    eventually(LONG, "no one writes any more", || {
        database.sql("SELECT COUNT(*) FROM logs") == [count.to_string()]
    });
}

/// A record as its row must be.
fn in_columns(mut record: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    let mut row = serde_json::Map::new();
    for name in ["Type", "Action", "Time", "Msg", "FuncName", "Field"] {
        row.insert(name.to_owned(), fields.remove(name).unwrap());
    }
    let time = row["Time"].as_str().unwrap();
    row["Time"] = format!("{time}.000").into();
    row.insert("rest".to_owned(), record);
    row.into()
}
