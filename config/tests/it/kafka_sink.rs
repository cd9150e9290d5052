//! What a Kafka sink may say, and what is said of one that is wrong.

use expect_test::{Expect, expect};
use tamis_config::{KafkaKey, KafkaSinkSpec, SinkKind, Template};

use crate::{check, edited, read};

/// The sink of [`crate::LEAST`].
const FILES: &str =
    "file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson";
/// Its source, and one that is not Kafka.
const NO_KAFKA_SOURCE: [(&str, &str); 2] = [
    (
        "  kafka:\n    brokers: [\"localhost:9092\"]\n    topics: [logs]\n    group: tamis\n    start_at: earliest",
        "  stdin: {}",
    ),
    (
        "topic: logs.dead",
        "topic: logs.dead\n    brokers: ['localhost:9092']",
    ),
];

/// What [`crate::LEAST`] means with this sink.
fn sink(sink: &str) -> KafkaSinkSpec {
    let properties = "group: tamis\n    properties: { sasl.password: p, check.crcs: true }";
    let text = edited(&[
        (FILES, &format!("kafka: {{ {sink} }}")),
        ("group: tamis", properties),
    ]);
    let mut spec = read(&text, &[]).expect("the case is one of a right sink");
    match spec.sinks.remove(0).kind {
        SinkKind::Kafka(spec) => spec,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_has_a_default_and_the_source_says_how_to_connect() {
    expect![[r#"
        KafkaSinkSpec {
            brokers: [
                "localhost:9092",
            ],
            topic: Template {
                parts: [
                    Topic,
                    Literal(
                        ".clean",
                    ),
                ],
            },
            key: Record,
            headers: {},
            topics_max: 256,
            read: [
                "logs",
            ],
            delivery: AtLeastOnce(
                WriterLimits {
                    records_max: 10000,
                    bytes_max: 4194304,
                    linger_ms: 20,
                    requests_max: 1,
                },
            ),
            properties: {
                "sasl.password": ***,
            },
        }
    "#]]
    .assert_debug_eq(&sink("topic: '{topic}.clean'"));
}

#[test]
fn brokers_of_its_own_keep_a_sink_from_taking_credentials_over() {
    let spec = sink("topic: logs, brokers: ['other:9092'], properties: { linger.ms: 5 }");
    assert_eq!(spec.brokers, ["other:9092"]);
    assert_eq!(
        spec.read, [""; 0],
        "another cluster may have a topic of this name"
    );
    assert_eq!(spec.properties.keys().collect::<Vec<_>>(), ["linger.ms"]);
}

#[test]
fn a_key_is_that_of_the_record_or_none_or_from_a_template() {
    let key = |key: &str| sink(&format!("topic: t, key: {key}")).key;
    assert_eq!(key("record"), KafkaKey::Record);
    assert_eq!(key("none"), KafkaKey::None);
    let template = Template::parse("{field:/a}").unwrap();
    assert_eq!(key("'{field:/a}'"), KafkaKey::Template(template));
}

#[test]
fn records_go_in_batches_or_in_transactions() {
    let check = |text: &str, expected: Expect| {
        let delivery = sink(&format!("topic: t, {text}")).delivery;
        expected.assert_eq(&format!("{delivery:?}"));
    };
    check(
        "batch: { linger_ms: 0 }",
        expect![
            "AtLeastOnce(WriterLimits { records_max: 10000, bytes_max: 4194304, linger_ms: 0, requests_max: 1 })"
        ],
    );
    check(
        "transactional: true",
        expect![
            "Transactional(RunLimits { bytes_max: 16777216, records_max: 100000, age_ms_max: 1000 })"
        ],
    );
    check(
        "transactional: true, run: { age_ms_max: 500 }",
        expect![
            "Transactional(RunLimits { bytes_max: 16777216, records_max: 100000, age_ms_max: 500 })"
        ],
    );
}

/// The problems of [`crate::LEAST`] with a Kafka sink that says this in the place of its files.
fn check_sink(sink: &str, edits: &[(&str, &str)], expected: Expect) {
    let sink = format!("kafka: {{ {sink} }}");
    let edits = [&[(FILES, &*sink)], edits].concat();
    check(&edits, expected);
}

#[test]
fn a_topic_that_could_not_be_written_is_refused() {
    check_sink(
        "topic: ''",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)"
        ],
    );
    check_sink(
        "topic: 'lo gs'",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)"
        ],
    );
    check_sink(
        "topic: '{topic}/{time:%Y}'",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)"
        ],
    );
    check_sink(
        "topic: 'x.{feild:/a}'",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: unknown placeholder `{feild}`: did you mean `field`?"
        ],
    );
}

#[test]
fn a_topic_that_the_pipeline_reads_is_not_written() {
    check_sink(
        "topic: logs",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is a topic of the source: what is written would be read again"
        ],
    );
    check_sink(
        "topic: '{topic}'",
        &[("[logs]", "['^logs$']")],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is a topic of the source: what is written would be read again"
        ],
    );
    check_sink(
        "topic: '{topic}.clean'",
        &[("[logs]", "[logs, '^.*[.]clean$']")],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is a topic of the source: what is written would be read again"
        ],
    );
    check_sink(
        "topic: logs, brokers: ['other:9092', 'localhost:9092']",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.topic: is a topic of the source: what is written would be read again"
        ],
    );
}

#[test]
fn a_key_or_header_that_means_nothing_is_refused() {
    check_sink(
        "topic: t, key: recrod",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.key: is neither `record`, `none` nor a template with a placeholder (did you mean `record`?)"
        ],
    );
    check_sink(
        "topic: t, key: users",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.key: is neither `record`, `none` nor a template with a placeholder"
        ],
    );
    check_sink(
        "topic: t, headers: { tamis-id: x, type: '{field:Type}' }",
        &[],
        expect![[r#"
            logs.yaml:13: sinks.archive.kafka.headers.tamis-id: is set by Tamis itself (it holds the record's id)
            logs.yaml:13: sinks.archive.kafka.headers.type: a pointer to a field starts with `/`: did you mean `{field:/Type}`?"#]],
    );
}

#[test]
fn a_property_of_a_kafka_sink_that_tamis_owns_is_refused_with_the_reason() {
    check_sink(
        "topic: t, properties: { acks: 1, max.in.flight: 5, message.timeout.ms: 1, transactional.id: a, linger.ms: 5 }",
        &[],
        expect![[r#"
            logs.yaml:13: sinks.archive.kafka.properties.acks: is set by Tamis itself (a record must be on all replicas before its offset is committed)
            logs.yaml:13: sinks.archive.kafka.properties.max.in.flight: is set by Tamis itself (a record must not overtake one that has to be sent again)
            logs.yaml:13: sinks.archive.kafka.properties.message.timeout.ms: is set by Tamis itself (an outage is waited out, however long it takes)
            logs.yaml:13: sinks.archive.kafka.properties.transactional.id: is set by Tamis itself (set `transactional` instead)"#]],
    );
}

#[test]
fn what_a_transaction_cannot_hold_is_refused() {
    check_sink(
        "topic: t, run: { records_max: 10 }",
        &[],
        expect![
            "logs.yaml:13: sinks.archive.kafka.run: says nothing where `transactional` is not true (set `transactional: true`, or `batch` instead)"
        ],
    );
    check_sink(
        "topic: t, transactional: true, batch: { linger_ms: 5 }, brokers: ['other:9092']",
        &[(
            "dead_letters:",
            "  other:\n    file: { url: file:///other, path: x, format: ndjson }\ndead_letters:",
        )],
        expect![[r#"
            logs.yaml:13: sinks.archive.kafka.batch: says nothing where `transactional` is true (set `run` instead)
            logs.yaml:13: sinks.archive.kafka.transactional: has other brokers than the source, but a transaction is of one cluster (leave `brokers` out)
            logs.yaml:13: sinks.archive.kafka.transactional: there are other sinks, which a transaction cannot take in (give this sink a pipeline of its own)"#]],
    );
    check_sink(
        "topic: t, transactional: true",
        &[(
            "[logs]",
            "[logs]\n    properties: { isolation.level: read_uncommitted }",
        )],
        expect![
            "logs.yaml:14: sinks.archive.kafka.transactional: the source reads records that may be aborted yet, and would write them for good (leave `isolation.level` of the source out)"
        ],
    );
    check_sink(
        "topic: t, transactional: true, brokers: ['localhost:9092']",
        &NO_KAFKA_SOURCE,
        expect![
            "logs.yaml:9: sinks.archive.kafka.transactional: the source is not Kafka, so there are no offsets to commit"
        ],
    );
}

#[test]
fn a_kafka_sink_without_a_kafka_source_needs_brokers() {
    check_sink(
        "topic: t",
        &NO_KAFKA_SOURCE,
        expect![
            "logs.yaml:9: sinks.archive.kafka.brokers: is missing: the source is not Kafka, so there are none to take over"
        ],
    );
}
