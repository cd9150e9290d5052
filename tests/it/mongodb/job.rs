//! The main job from a topic into a collection: every record is there once, as a program of its own worked it out, though the server
//! and the process are killed.

use std::collections::BTreeMap;

use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{dead_letters_at_least_once, positions};
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::mongo::{Document, MongoServer};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};

use crate::main_job::kafka_source;

const PARTITIONS: usize = 4;

/// Panics unless `found` are the documents of the records that `expected` says are written, each once; returns how many of those
/// can be no document.
fn check(found: Vec<Document>, topic: &str, expected: &Expected) -> usize {
    let mut partitions = vec![BTreeMap::new(); PARTITIONS];
    for mut document in found {
        assert_eq!(document.collection, topic);
        let fields = document.fields.as_object_mut().unwrap();
        let id = fields.shift_remove("_id").unwrap();
        let id = id.as_str().unwrap();
        let parts: Vec<_> = id.rsplitn(5, '/').collect();
        let [n, offset, partition, of, _] = parts[..] else {
            panic!("{id} is not an id")
        };
        assert_eq!((n, of), ("0", topic), "{id}");
        let partition: usize = partition.parse().unwrap();
        let offset: u64 = offset.parse().unwrap();
        let before = partitions[partition].insert(offset, document.fields);
        assert_eq!(before, None, "{id} is there twice");
    }
    let mut refused = 0;
    for (partition, (found, lines)) in partitions.into_iter().zip(&expected.written).enumerate() {
        let (kept, others): (Vec<_>, Vec<_>) = data::documents(lines)
            .into_iter()
            .partition(|document| document != "refused");
        refused += others.len();
        assert_eq!(found.len(), kept.len(), "partition {partition}");
        for ((offset, found), expected) in found.into_iter().zip(kept) {
            assert_eq!(found, expected, "partition {partition}, offset {offset}");
        }
    }
    refused
}

#[test]
fn each_record_is_there_once_when_server_and_process_are_killed() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("mongodb"));
    let server = MongoServer::default();
    server.start();
    let topic = kafka.new_topic("mongodb", 4, &[]);
    let input = data::logs(20_000, Kind::Odd);
    kafka.produce_lines(&topic, data::lines(&input), 4);
    let expected = data::expected(&input, PARTITIONS);
    let mongo = server.mongo();
    // Few records at a time, so that there is a middle in which something can happen.
    let sink = format!(
        "{{ mongodb: {{ uri: 'mongodb://{}/?directConnection=true', database: logs, collection: '{{topic}}', \
         timeout_ms: 5000, requests: {{ records_max: 20 }} }} }}",
        mongo.address
    );
    let job = Pipeline {
        sink: Some(&sink),
        ..Pipeline::default()
    };
    let config = place.main_job(&kafka_source(&kafka, &topic, &group), job);
    let group = kafka.group(&group, &topic);
    let mut tamis = Running::start(&mut run(&config));
    tamis.until("records are settled", || {
        group.committed().is_ok_and(|it| it > 2_000)
    });
    server.kill();
    tamis.await_words("sink is unavailable");
    server.start();
    tamis.until("more records are settled", || {
        group.committed().is_ok_and(|it| it > 5_000)
    });
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    let committed = group.committed().unwrap();
    assert!(
        committed < expected.counts.taken,
        "it was killed in the middle"
    );
    // The server is away when the next one starts.
    server.kill();
    let mut tamis = Running::start(&mut run(&config));
    tamis.await_words("sink is unavailable");
    server.start();
    tamis.await_settled(&group, expected.counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let refused = check(mongo.documents("logs"), &topic, &expected);
    let letters = dead_letters_at_least_once(&place.dead());
    let of_sink = letters.iter().filter(|it| it.stage == "archive").count();
    assert_eq!(of_sink, refused);
    assert_eq!(positions(&letters).len(), expected.dead.len() + refused);
}
