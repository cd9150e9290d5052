//! The main job from topic to topic: every record is there under its id, and in order, though the process is killed.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use tamis_tests::broker::Broker;
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{assert_same, dead_letters_at_least_once, positions};
use tamis_tests::kafka::{Group, Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};

use crate::main_job::kafka_source;

const PARTITIONS: usize = 4;

/// The main job from a topic of a broker to another one.
struct Job {
    kafka: Kafka,
    topic: String,
    output: String,
    place: Place,
    config: PathBuf,
    group: Group,
    expected: Expected,
}

impl Job {
    fn new(kafka: Kafka) -> Self {
        let (place, group) = (Place::default(), unique("kafka-sink"));
        let topic = kafka.new_topic("kafka-sink", 4, &[]);
        let output = kafka.new_topic("kafka-sink-out", 3, &[]);
        let input = data::logs(20_000, Kind::Odd);
        kafka.produce_lines(&topic, data::lines(&input), 4);
        // Few records at a time, so that there is a middle in which something can happen.
        let sink = format!("{{ kafka: {{ topic: {output}, batch: {{ records_max: 20 }} }} }}");
        let job = Pipeline {
            sink: Some(&sink),
            ..Pipeline::default()
        };
        let source = kafka_source(&kafka, &topic, &group);
        Self {
            config: place.main_job(&source, job),
            group: kafka.group(&group, &topic),
            expected: data::expected(&input, PARTITIONS),
            kafka,
            topic,
            output,
            place,
        }
    }

    fn start(&self) -> Running {
        Running::start(&mut run(&self.config))
    }

    /// Waits for the middle.
    fn await_middle(&self, tamis: &mut Running) {
        tamis.until("records are settled", || {
            self.group.committed().is_ok_and(|it| it > 2_000)
        });
    }

    /// Waits until all is settled, stops `tamis` and looks at what it wrote; returns how many records it took.
    fn check(&self, mut tamis: Running) -> u64 {
        let Expected {
            written,
            dead,
            counts,
            ..
        } = &self.expected;
        tamis.await_settled(&self.group, counts.taken);
        tamis.signal("TERM");
        let ended = tamis.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let records = self.kafka.read_all(&self.output);
        for (partition, expected) in written.iter().enumerate() {
            let actual = first_of(&records, &self.topic, partition);
            assert_same(&format!("partition {partition}"), &actual, expected);
        }
        let letters = dead_letters_at_least_once(&self.place.dead());
        assert_eq!(&positions(&letters), dead);
        ended.summary()["taken"].as_u64().unwrap()
    }
}

#[test]
fn each_record_is_there_in_order_by_its_id_when_a_process_is_killed() {
    let job = Job::new(Kafka::shared());
    let mut tamis = job.start();
    job.await_middle(&mut tamis);
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    let settled = job.group.committed().unwrap();
    let taken = job.expected.counts.taken;
    assert!(settled < taken, "it was killed in the middle");
    let again = job.check(job.start());
    assert_eq!(again, taken - settled, "what was settled is not read again");
}

#[test]
fn each_record_is_there_in_order_by_its_id_when_a_broker_is_killed() {
    let broker = Broker::default();
    broker.start();
    let job = Job::new(broker.kafka());
    let mut tamis = job.start();
    job.await_middle(&mut tamis);
    broker.kill();
    tamis.await_words("waiting for kafka");
    broker.start();
    job.check(tamis);
}

/// The values of the records that come from this partition of `topic`, one a line, each where it came first.
fn first_of(records: &[OwnedMessage], topic: &str, partition: usize) -> Vec<u8> {
    let (from, mut seen) = (format!("/{topic}/{partition}/"), BTreeSet::new());
    let mut lines = Vec::new();
    for record in records {
        let id = id(record);
        if id.contains(&from) {
            assert_eq!(
                record.partition(),
                i32::try_from(partition % 3).unwrap(),
                "{id}"
            );
            if seen.insert(id) {
                lines.extend_from_slice(record.payload().unwrap());
                lines.push(b'\n');
            }
        }
    }
    lines
}

fn id(record: &OwnedMessage) -> String {
    let headers = record.headers().unwrap();
    let id = headers
        .iter()
        .find(|header| header.key == "tamis-id")
        .unwrap();
    String::from_utf8(id.value.unwrap().to_vec()).unwrap()
}

#[test]
fn a_topic_that_does_not_exist_stops_the_pipeline_with_advice() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("no-output"));
    let topic = kafka.new_topic("no-output", 1, &[]);
    kafka.produce_lines(&topic, [&b"line"[..]], 1);
    let job = Pipeline {
        sink: Some("{ kafka: { topic: '{topic}.clean' } }"),
        ..Pipeline::default()
    };
    let job = place.copy(&kafka_source(&kafka, &topic, &group), job);
    let ended = Running::start(&mut run(&job)).wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let advice = format!("topic {topic}.clean does not exist: make it, or correct its name");
    let summary = ended.summary();
    assert!(
        summary["error"].as_str().unwrap().contains(&advice),
        "{summary}"
    );
    let settled = kafka.group(&group, &topic).committed();
    assert_eq!(settled.unwrap(), 0);
}
