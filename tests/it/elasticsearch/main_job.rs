//! The main job from Kafka to Elasticsearch, while both ends of the sink are killed; and the fleet's own pipeline in the place of
//! Logstash.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::elasticsearch::{Elasticsearch, Node};
use tamis_tests::files::dead_letters_at_least_once;
use tamis_tests::kafka::{Group, Kafka, Message, unique};
use tamis_tests::place::{Pipeline, Place, root};
use tamis_tests::tamis::{Running, run};

use super::{Names, sink};
use crate::main_job::kafka_source;

const PARTITIONS: usize = 4;
/// One record of so many is none that the index takes.
const IMPOSSIBLE: usize = 500;

/// Usual records, and among them those that no index takes in which `Msg` is a text.
fn input(count: usize) -> Vec<u8> {
    let usual = data::logs(count, Kind::Usual);
    let mut lines = Vec::new();
    for (index, line) in data::lines(&usual).enumerate() {
        lines.extend_from_slice(line);
        lines.push(b'\n');
        if index.is_multiple_of(IMPOSSIBLE) {
            lines.extend_from_slice(
                br#"{"Type":"Error","Time":"2023-01-18 12:00:00","Msg":{"an":"object"}}"#,
            );
            lines.push(b'\n');
        }
    }
    lines
}

/// Waits until this share of all is settled.
fn await_share(tamis: &mut Running, group: &Group, count: u64) {
    tamis.until("records are settled", || {
        group.committed().is_ok_and(|it| it >= count)
    });
}

#[test]
fn each_record_is_there_once_though_server_and_process_are_killed() {
    let (kafka, place, group, node) = (
        Kafka::shared(),
        Place::default(),
        unique("es-kills"),
        Node::default(),
    );
    node.start();
    let elasticsearch = node.elasticsearch();
    let mapping = json!({
        "settings": { "number_of_replicas": 0 },
        "mappings": { "properties": { "Msg": { "type": "text" } } },
    });
    elasticsearch.put("main", &mapping);
    let topic = kafka.new_topic("es-kills", 4, &[]);
    let input = input(40_000);
    kafka.produce_lines(&topic, data::lines(&input), 4);
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, PARTITIONS);
    assert!(dead.is_empty(), "plugins refuse none of them");

    // Few records at a time, so that there is a middle in which something can happen.
    let sink = sink(
        &elasticsearch.address,
        "main",
        ", requests: { records_max: 20, requests_max: 1 }",
    );
    let sink = format!("{{ {sink} }}");
    let job = Pipeline {
        sink: Some(&sink),
        ..Pipeline::default()
    };
    let config = place.main_job(&kafka_source(&kafka, &topic, &group), job);
    let group = kafka.group(&group, &topic);
    let mut tamis = Running::start(&mut run(&config));
    await_share(&mut tamis, &group, counts.taken / 5);
    node.kill();
    tamis.await_words("sink is unavailable");
    node.start();
    await_share(&mut tamis, &group, counts.taken * 2 / 5);
    tamis.signal("KILL");
    assert_eq!(tamis.wait().code, None);
    assert!(
        group.committed().unwrap() < counts.taken,
        "it was killed in the middle"
    );
    let mut tamis = Running::start(&mut run(&config));
    node.kill();
    node.start();
    tamis.await_settled(&group, counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    check(&elasticsearch, &place, &topic, &written);
}

/// Looks whether just what of `written` an index takes is there, and the rest among the dead letters.
fn check(elasticsearch: &Elasticsearch, place: &Place, topic: &str, written: &[Vec<u8>]) {
    let (mut there, mut refused) = (documents(elasticsearch, "main", topic), letters(place));
    for (partition, lines) in written.iter().enumerate() {
        let is_refused = |value: &Value| value["Msg"].is_object();
        let values = data::lines(lines).map(|line| serde_json::from_slice(line).unwrap());
        let (bad, good): (Vec<Value>, Vec<Value>) = values.partition(is_refused);
        assert!(
            there.remove(&partition) == Some(good),
            "partition {partition} is another"
        );
        let letters = refused.remove(&partition).unwrap_or_default();
        assert_eq!(letters.len(), bad.len(), "partition {partition}");
        for reason in letters {
            assert!(
                reason.contains("failed to parse field [Msg] of type [text]"),
                "{reason}"
            );
        }
    }
    assert!(there.is_empty() && refused.is_empty());
}

/// The documents of each partition of `topic`, in the order of their offsets. Each is there under the id of its record.
fn documents(
    elasticsearch: &Elasticsearch,
    index: &str,
    topic: &str,
) -> BTreeMap<usize, Vec<Value>> {
    let mut there = BTreeMap::<usize, BTreeMap<u64, Value>>::new();
    for document in elasticsearch.documents(index) {
        let parts: Vec<_> = document.id.split('/').collect();
        let [_source, of, partition, offset, "0"] = parts[..] else {
            panic!("no id: {}", document.id)
        };
        assert_eq!(of, topic);
        let partition = there.entry(partition.parse().unwrap()).or_default();
        let before = partition.insert(offset.parse().unwrap(), document.source);
        assert_eq!(before, None, "{} is there twice", document.id);
    }
    let in_order = |(partition, documents): (_, BTreeMap<_, _>)| {
        (partition, documents.into_values().collect())
    };
    there.into_iter().map(in_order).collect()
}

/// The reasons of the dead letters of each partition.
fn letters(place: &Place) -> BTreeMap<usize, Vec<String>> {
    let mut letters = BTreeMap::<usize, Vec<String>>::new();
    for letter in dead_letters_at_least_once(&place.dead()) {
        assert_eq!(letter.stage, "archive");
        let partition = usize::try_from(letter.partition).unwrap();
        letters.entry(partition).or_default().push(letter.reason);
    }
    letters
}

/// What Logstash makes of a record: its `json` codec takes the fields as they are, and it adds a version and a time. That time is
/// when it read the record, unless it is told otherwise; here it is the record's own.
fn of_logstash(record: &Value, time: &str) -> Value {
    let mut document = record.clone();
    document["@version"] = json!("1");
    document["@timestamp"] = json!(time);
    document
}

#[test]
fn the_fleets_pipeline_gives_the_documents_of_logstash_in_its_indexes() {
    let (kafka, place, names) = (
        Kafka::shared(),
        Place::default(),
        Names::shared("msproject_log"),
    );
    let topic = kafka.new_topic("msproject", 1, &[]);
    // Local times of two days, which are of three days in UTC.
    let cases = [
        (
            "2023-01-18 07:59:59",
            "2023.01.17",
            "2023-01-18T07:59:59+08:00",
        ),
        (
            "2023-01-18 08:00:00",
            "2023.01.18",
            "2023-01-18T08:00:00+08:00",
        ),
        (
            "2023-01-19 12:00:00",
            "2023.01.19",
            "2023-01-19T12:00:00+08:00",
        ),
    ];
    let record = |time: &str| {
        json!({ "Type": "error", "Action": "支付", "Time": time, "Msg": "支付网关超时", "FuncName": "pay.Charge",
            "Field": { "id": 9_007_199_254_740_993_u64, "rate": 0.1, "tags": ["a", null], "nested": { "a": {} } } })
    };
    let messages = cases
        .iter()
        .map(|(time, ..)| Message::value(record(time).to_string()));
    kafka.produce(&topic, messages);

    let (config, group) = (
        msproject(&kafka, &place, &names, &topic),
        unique("msproject"),
    );
    let mut command = run(&config);
    let mut tamis = Running::start(command.env("TAMIS__SOURCE__KAFKA__GROUP", &group));
    tamis.await_settled(&kafka.group(&group, &topic), 3);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let start = &names.start;
    let days = cases.map(|(_, day, _)| format!("{start}-{day}"));
    assert_eq!(names.elasticsearch.indexes(start), days);
    for ((time, _, timestamp), index) in cases.iter().zip(&days) {
        let documents = names.elasticsearch.documents(index);
        let found: Vec<_> = documents.iter().map(|it| &it.source).collect();
        assert_eq!(found, [&of_logstash(&record(time), timestamp)], "{index}");
    }
    let _removed = names
        .elasticsearch
        .ask("DELETE", &format!("_index_template/{start}"), None);
}

/// The example, with the servers, topics and indexes of a test in the place of the fleet's.
fn msproject(kafka: &Kafka, place: &Place, names: &Names, topic: &str) -> std::path::PathBuf {
    let example = root().join("config/examples/msproject.yaml");
    let mut text = std::fs::read_to_string(example).unwrap();
    let (plugins, dead) = (root().join("plugins"), place.dead());
    for (of_fleet, of_test) in [
        ("../../plugins", plugins.to_str().unwrap()),
        ("localhost:9092", &*kafka.address),
        (
            "http://localhost:9200",
            &*format!("http://{}", names.elasticsearch.address),
        ),
        ("topics: [msproject_log]", &*format!("topics: [{topic}]")),
        (
            "index: \"msproject_log-",
            &*format!("index: \"{}-", names.start),
        ),
        ("name: msproject_log,", &*format!("name: {},", names.start)),
        ("  kafka:\n    topic: msproject_log.dead\n", ""),
        ("/var/lib/tamis/dead", dead.to_str().unwrap()),
    ] {
        assert_eq!(
            text.matches(of_fleet).count(),
            1,
            "{of_fleet} is in the example once"
        );
        text = text.replace(of_fleet, of_test);
    }
    place.write("msproject.yaml", text)
}
