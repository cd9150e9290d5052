//! What is said of values that are wrong: the whole text, so that a change of any word is seen.

use std::path::Path;

use expect_test::expect;
use tamis_config::{Environment, PluginFiles, load_text};

use crate::{LEAST, check, check_text, edited};

#[test]
fn a_name_that_could_not_be_used_is_refused() {
    check(
        &[
            ("pipeline: logs", "pipeline: Logs"),
            ("name: level", "name: -level"),
            ("archive:", "ar/chive:"),
        ],
        expect![[r#"
            logs.yaml:1: pipeline: is not a legal name (lower-case letters and digits, then also `.`, `_` and `-`; 100 characters at most)
            logs.yaml:9: plugins[0].name: is not a legal name (lower-case letters and digits, then also `.`, `_` and `-`; 100 characters at most)
            logs.yaml:12: sinks.ar/chive: is not a legal name (lower-case letters and digits, then also `.`, `_` and `-`; 100 characters at most)"#]],
    );
    check(
        &[("group: tamis", "group: ''\n    name: a/b")],
        expect![[r#"
            logs.yaml:6: source.kafka.group: must not be empty
            logs.yaml:7: source.kafka.name: is not a legal name (letters and digits, then also `.`, `_` and `-`; 100 characters at most)"#]],
    );
}

#[test]
fn a_broker_or_topic_that_kafka_would_refuse_is_refused() {
    check(
        &[(
            "[\"localhost:9092\"]",
            "[localhost, \"localhost:0\", \":9092\", \"SSL://a:1\", \"[::1]:9092\"]",
        )],
        expect![[r#"
            logs.yaml:4: source.kafka.brokers[0]: is not a broker (write `host:port`)
            logs.yaml:4: source.kafka.brokers[1]: is not a broker (write `host:port`)
            logs.yaml:4: source.kafka.brokers[2]: is not a broker (write `host:port`)
            logs.yaml:4: source.kafka.brokers[3]: a broker has no scheme (write `host:port` and set the property `security.protocol`)"#]],
    );
    check(
        &[
            ("[logs]", "['lo gs', '..', '^(', '^lo gs']"),
            ("topic: logs.dead", "topic: ^dead"),
        ],
        expect![[r#"
            logs.yaml:5: source.kafka.topics[0]: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)
            logs.yaml:5: source.kafka.topics[1]: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)
            logs.yaml:5: source.kafka.topics[2]: is not a regular expression
            logs.yaml:19: dead_letters.kafka.topic: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)"#]],
    );
}

#[test]
fn a_property_that_tamis_owns_is_refused_with_the_reason() {
    check(
        &[(
            "group: tamis",
            "group: tamis\n    properties: { group.id: a, enable.auto.commit: true, auto.offset.reset: latest }",
        )],
        expect![[r#"
            logs.yaml:7: source.kafka.properties.auto.offset.reset: is set by Tamis itself (set `start_at` instead; later on a reset would skip records in silence)
            logs.yaml:7: source.kafka.properties.enable.auto.commit: is set by Tamis itself (only what is settled may be committed, and Tamis does that)
            logs.yaml:7: source.kafka.properties.group.id: is set by Tamis itself (set `group` instead)"#]],
    );
    check(
        &[(
            "topic: logs.dead",
            "topic: logs.dead\n    properties: { acks: 1, bootstrap.servers: a }",
        )],
        expect![[r#"
            logs.yaml:20: dead_letters.kafka.properties.acks: is set by Tamis itself (a dead letter must be on all replicas before its offset is committed)
            logs.yaml:20: dead_letters.kafka.properties.bootstrap.servers: is set by Tamis itself (set `brokers` instead)"#]],
    );
}

#[test]
fn a_dead_topic_must_not_be_read_again() {
    check(
        &[("[logs]", "['^.*[.]dead$']")],
        expect![
            "logs.yaml:19: dead_letters.kafka.topic: is a topic of the source: its letters would be read again"
        ],
    );
    check(
        &[("topic: logs.dead", "topic: logs")],
        expect![
            "logs.yaml:19: dead_letters.kafka.topic: is a topic of the source: its letters would be read again"
        ],
    );
}

#[test]
fn a_dead_topic_without_a_kafka_source_needs_brokers() {
    check(
        &[(
            "  kafka:\n    brokers: [\"localhost:9092\"]\n    topics: [logs]\n    group: tamis\n    start_at: earliest",
            "  stdin: {}",
        )],
        expect![
            "logs.yaml:14: dead_letters.kafka.brokers: is missing: the source is not Kafka, so there are none to take over"
        ],
    );
}

#[test]
fn limits_fit_together() {
    check(
        &[(
            "pipeline: logs",
            "pipeline: logs\nlimits: { in_flight_bytes_max: 1024, drain_timeout_ms: 300000 }",
        )],
        expect![[r#"
            logs.yaml:2: limits.drain_timeout_ms: must be below `max.poll.interval.ms`, which is 300000
            logs.yaml:2: limits.in_flight_bytes_max: must be at least `limits.batch_bytes_max`, which is 1048576"#]],
    );
    check(
        &[(
            "group: tamis",
            "group: tamis\n    properties: { max.poll.interval.ms: 20000 }",
        )],
        expect![
            "logs.yaml: limits.drain_timeout_ms: must be below `max.poll.interval.ms`, which is 20000"
        ],
    );
    check(
        &[(
            "group: tamis",
            "group: tamis\n    properties: { max.poll.interval.ms: soon }",
        )],
        expect![
            "logs.yaml:7: source.kafka.properties.max.poll.interval.ms: expected a whole number"
        ],
    );
}

#[test]
fn a_bad_template_or_url_is_refused() {
    check(
        &[("{topic}", "")],
        expect![
            "logs.yaml:15: sinks.archive.file.path: has an empty folder name, a `.` or a `..` in it (write folders with one `/` between them, as in `{topic}/{route}`)"
        ],
    );
    check(
        &[
            ("file:///archive", "archive"),
            (
                "dead_letters:",
                "  other:\n    file: { url: other, path: x, format: ndjson }\ndead_letters:",
            ),
        ],
        expect![[r#"
            logs.yaml:14: sinks.archive.file.url: is not the URL of an absolute path (write `file:///` and an absolute path)
            logs.yaml:18: sinks.other.file.url: is not the URL of an absolute path (write `file:///` and an absolute path)"#]],
    );
    check(
        &[("{topic}", "{tpoic}")],
        expect![
            "logs.yaml:15: sinks.archive.file.path: unknown placeholder `{tpoic}`: did you mean `topic`?"
        ],
    );
    check(
        &[("{topic}", "{topic}/../{time:%Y}")],
        expect![
            "logs.yaml:15: sinks.archive.file.path: has an empty folder name, a `.` or a `..` in it (write folders with one `/` between them, as in `{topic}/{route}`)"
        ],
    );
    check(
        &[("{topic}", "/{topic}")],
        expect![
            "logs.yaml:15: sinks.archive.file.path: has an empty folder name, a `.` or a `..` in it (write folders with one `/` between them, as in `{topic}/{route}`)"
        ],
    );
    check(
        &[("{topic}", "{time:%B}")],
        expect![
            "logs.yaml:15: sinks.archive.file.path: unknown time conversion `%B`: there are `%Y`, `%y`, `%m`, `%d`, `%j`, `%H`, `%M`, `%S`, `%F`, `%G`, `%V`, `%u`, `%%`"
        ],
    );
    check(
        &[("file:///archive", "file://./archive")],
        expect![
            "logs.yaml:14: sinks.archive.file.url: is not the URL of an absolute path (write `file:///` and an absolute path)"
        ],
    );
    check(
        &[("file:///archive", "s3://archive")],
        expect![
            "logs.yaml:14: sinks.archive.file.url: is not the URL of an absolute path (write `file:///` and an absolute path)"
        ],
    );
    check(
        &[("file:///archive", "file:///archive/../etc")],
        expect![
            "logs.yaml:14: sinks.archive.file.url: leads back by `..` (write `file:///` and an absolute path)"
        ],
    );
}

#[test]
fn a_missing_secret_names_the_variable_or_file() {
    let text = edited(&[
        ("group: tamis", "group: '${env:GROUP}'"),
        (
            "path: level.wasm",
            "path: level.wasm\n    settings: { a: ['${file:/no/such/file}', '${env:B'] }",
        ),
    ]);
    check_text(
        &text,
        &[],
        &expect![[r#"
        logs.yaml:6: source.kafka.group: environment variable `GROUP` is not set
        logs.yaml:11: plugins[0].settings.a[0]: `/no/such/file` cannot be read: no such file
        logs.yaml:11: plugins[0].settings.a[1]: a `${` is not closed by `}`"#]],
    );
}

#[test]
fn a_variable_that_is_wrong_is_named_itself() {
    let variables = [
        ("TAMIS__LIMITS__LANES", "many"),
        ("TAMIS__SOURCE__KAFKA__GRUP", "tamis"),
        ("TAMIS__PLUGINS__7__NAME", "x"),
        ("TAMIS__PIPELINE__NAME", "x"),
    ];
    check_text(
        LEAST,
        &variables,
        &expect![[r#"
        TAMIS__LIMITS__LANES: limits.lanes: expected a whole number, found text
        TAMIS__PIPELINE__NAME: pipeline: has no key `NAME`: it is a single value
        TAMIS__PLUGINS__7__NAME: plugins: no item `7`: it has 1
        TAMIS__SOURCE__KAFKA__GRUP: source.kafka.grup: unknown key (did you mean `group`?)"#]],
    );
}

#[test]
fn several_problems_are_said_at_once_in_order_of_their_lines() {
    check(
        &[
            ("group: tamis", "grup: tamis"),
            ("start_at: earliest", "start_at: 5"),
            ("format: ndjson", "format: csv\n      paths_max: 0"),
            ("topic: logs.dead", "topic: '${env:TOPIC}'"),
        ],
        expect![[r#"
            logs.yaml:3: source.kafka.group: is missing
            logs.yaml:6: source.kafka.grup: unknown key (did you mean `group`?)
            logs.yaml:7: source.kafka.start_at: expected `earliest` or `latest`, found a whole number
            logs.yaml:16: sinks.archive.file.format: unknown choice `csv`: expected one of `ndjson`
            logs.yaml:17: sinks.archive.file.paths_max: 0 is out of range: expected a number from 1 to 65536
            logs.yaml:20: dead_letters.kafka.topic: environment variable `TOPIC` is not set"#]],
    );
    check(
        &[
            ("pipeline: logs", "pipeline: LOGS"),
            ("localhost:9092", "localhost"),
            ("{topic}", "{topc}"),
            ("topic: logs.dead", "topic: logs dead"),
        ],
        expect![[r#"
            logs.yaml:1: pipeline: is not a legal name (lower-case letters and digits, then also `.`, `_` and `-`; 100 characters at most)
            logs.yaml:4: source.kafka.brokers[0]: is not a broker (write `host:port`)
            logs.yaml:15: sinks.archive.file.path: unknown placeholder `{topc}`: did you mean `topic`?
            logs.yaml:19: dead_letters.kafka.topic: is not a topic name that Kafka allows (letters, digits, `.`, `_` and `-`; 1 to 249 characters)"#]],
    );
}

#[test]
fn a_plugin_that_was_not_built_is_named_with_the_cure() {
    let path = Path::new("/nowhere/logs.yaml");
    let result = load_text(LEAST, path, &Environment::new(), PluginFiles::MustExist);
    let problems = result.unwrap_err().to_string();
    expect!["/nowhere/logs.yaml:10: plugins[0].path: no such file: /nowhere/level.wasm (build it with `tamis plugin build <folder>`)"].assert_eq(&problems);
}

#[test]
fn a_parking_is_for_stores_without_an_order_and_for_one_sink_alone() {
    let park = "on_outage: { park: { kafka: { topic: parked }, after_ms: later } }";
    let archive = format!("archive:\n    {park}");
    check(
        &[("archive:", &archive)],
        expect![
            "logs.yaml:13: sinks.archive.on_outage.park.after_ms: expected a whole number, found text"
        ],
    );
    check(
        &[("archive:", "archive:\n    on_outage: stop")],
        expect![
            "logs.yaml:13: sinks.archive.on_outage: unknown choice `stop`: expected one of `wait` or a map"
        ],
    );
    let park = "on_outage: { park: { kafka: { topic: logs.dead }, folder: { path: letters } } }";
    let store = "mongodb: { uri: \"mongodb://store\", database: logs, collection: logs }";
    let others = format!(
        "a:\n    {store}\n    {park}\n  b:\n    {store}\n    {park}\n  archive:\n    {park}"
    );
    check(
        &[("archive:", &others)],
        expect![[r#"
        logs.yaml:14: sinks.a.on_outage.park.kafka.topic: is the topic of `dead_letters` too (give each its own)
        logs.yaml:17: sinks.b.on_outage.park.folder.path: is the folder of `sinks.a.on_outage.park` too (give each its own)
        logs.yaml:17: sinks.b.on_outage.park.folder.path: is the folder of `sinks.archive.on_outage.park` too (give each its own)
        logs.yaml:17: sinks.b.on_outage.park.kafka.topic: is the topic of `dead_letters` too (give each its own)
        logs.yaml:17: sinks.b.on_outage.park.kafka.topic: is the topic of `sinks.a.on_outage.park` too (give each its own)
        logs.yaml:17: sinks.b.on_outage.park.kafka.topic: is the topic of `sinks.archive.on_outage.park` too (give each its own)
        logs.yaml:19: sinks.archive.on_outage: records of this sink stay in order, and those parked would come later (set `wait`)
        logs.yaml:19: sinks.archive.on_outage.park.folder.path: is the folder of `sinks.a.on_outage.park` too (give each its own)
        logs.yaml:19: sinks.archive.on_outage.park.kafka.topic: is the topic of `dead_letters` too (give each its own)
        logs.yaml:19: sinks.archive.on_outage.park.kafka.topic: is the topic of `sinks.a.on_outage.park` too (give each its own)"#]],
    );
}

#[test]
fn a_text_that_stands_for_far_more_than_it_says_is_refused() {
    let lines = (1..8).map(|number| {
        let before = vec![format!("*a{}", number - 1); 9].join(", ");
        format!("a{number}: &a{number} [{before}]\n")
    });
    let billions = format!("a0: &a0 [x]\n{}", lines.collect::<String>());
    check_text(
        &billions,
        &[],
        &expect![
            "logs.yaml:7: is not a configuration: it is too large, with what its aliases stand for"
        ],
    );
    let deep =
        expect!["logs.yaml:1: is not a configuration: its lists and maps are nested too deeply"];
    for text in ["- ".repeat(200_000), "[".repeat(200), "{a: ".repeat(200)] {
        check_text(&text, &[], &deep);
    }
    check_text(
        &"? ".repeat(200_000),
        &[],
        &expect!["logs.yaml:1: is not a configuration: a list or a map is no key"],
    );
    let (lists, ends) = ("[".repeat(40), "]".repeat(40));
    let by_alias = format!("a: &a {lists}x{ends}\nb: {lists}*a{ends}\n");
    check_text(
        &by_alias,
        &[],
        &expect!["logs.yaml:2: is not a configuration: its lists and maps are nested too deeply"],
    );
}
