//! What a configuration means once it is right.

use std::path::PathBuf;

use expect_test::expect;
use tamis_config::{Routes, SourceSpec};

use crate::{LEAST, edited, read};

#[test]
fn what_is_not_said_has_a_default() {
    let spec = read(LEAST, &[("TAMIS__LIMITS__LANES", "2")]).unwrap();
    assert!(spec.plugins[0].path.is_absolute() && spec.plugins[0].path.ends_with("level.wasm"));
    expect![[r#"
        (
            Kafka(
                KafkaSourceSpec {
                    brokers: [
                        "localhost:9092",
                    ],
                    topics: [
                        "logs",
                    ],
                    group: "tamis",
                    start_at: Earliest,
                    name: None,
                    prefetch_bytes_max: 16777216,
                    properties: {},
                },
            ),
            PluginLimits {
                memory_bytes_max: 67108864,
                batch_time_ms_max: 1000,
                output_bytes_max: 67108864,
                outputs_per_record_max: 1000,
                search_time_ms_max: 30000,
            },
            [
                SinkSpec {
                    name: "archive",
                    kind: File(
                        FileSinkSpec {
                            root: "/archive",
                            path: Template {
                                parts: [
                                    Topic,
                                ],
                            },
                            format: Ndjson,
                            compression: None,
                            run: RunLimits {
                                bytes_max: 134217728,
                                records_max: 1000000,
                                age_ms_max: 60000,
                            },
                            paths_max: 256,
                        },
                    ),
                    routes: Unrouted,
                    when: None,
                    on_outage: Wait,
                },
            ],
            LimitsSpec {
                lanes: 2,
                batch_records_max: 1024,
                batch_bytes_max: 1048576,
                in_flight_bytes_max: 33554432,
                drain_timeout_ms: 30000,
                shutdown_timeout_ms: 30000,
                commit_interval_ms: 1000,
            },
        )
    "#]]
    .assert_debug_eq(&(spec.source, spec.plugins[0].limits, spec.sinks, spec.limits));
}

#[test]
fn a_sink_takes_unrouted_records_some_routes_or_all() {
    let check = |routes: &str, expected: Routes| {
        let text = edited(&[(
            "format: ndjson",
            &format!("format: ndjson\n    routes: {routes}"),
        )]);
        assert_eq!(read(&text, &[]).unwrap().sinks[0].routes, expected);
    };
    check("~", Routes::Unrouted);
    check("'*'", Routes::All);
    check(
        "[audit, slow]",
        Routes::Named(vec!["audit".to_owned(), "slow".to_owned()]),
    );
}

#[test]
fn brokers_of_its_own_keep_the_dead_topic_from_taking_credentials_over() {
    let properties =
        "group: tamis\n    properties: { sasl.password: p, client.id: c, check.crcs: true }";
    let mine = "topic: logs.dead\n    brokers: ['other:9092']\n    properties: { linger.ms: 5 }";
    let text = edited(&[("group: tamis", properties), ("topic: logs.dead", mine)]);
    let dead = read(&text, &[]).unwrap().dead_letters.kafka.unwrap();
    assert_eq!(dead.brokers, ["other:9092"]);
    assert_eq!(dead.properties.keys().collect::<Vec<_>>(), ["linger.ms"]);
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let kafka = &LEAST[LEAST.find("  kafka:").unwrap()..LEAST.find("plugins:").unwrap()];
    let dead = "  kafka:\n    topic: logs.dead";
    let folder = std::env::current_dir().unwrap();
    let check = |paths: &str, expected: &[PathBuf]| {
        let source = format!("  file: {{ paths: {paths} }}\n");
        let text = edited(&[(kafka, &source), (dead, "  folder: { path: dead }")]);
        let spec = read(&text, &[]).unwrap();
        let SourceSpec::File(file) = &spec.source else {
            panic!("it reads files")
        };
        assert_eq!(
            file.paths.iter().map(PathBuf::from).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(spec.dead_letters.folder, Some(folder.join("dead")));
    };
    check("in/*.log", &[folder.join("in/*.log")]);
    check(
        "[a.log, /b.log]",
        &[folder.join("a.log"), PathBuf::from("/b.log")],
    );
}

#[test]
fn settings_keep_the_order_of_the_file() {
    let settings = "path: level.wasm\n    settings: { z: 1, a: { y: 2, b: 3 }, m: 4 }";
    let spec = read(&edited(&[("path: level.wasm", settings)]), &[]).unwrap();
    let expected = r#"{"z":1,"a":{"y":2,"b":3},"m":4}"#;
    assert_eq!(spec.plugins[0].settings.to_string(), expected);
}

#[test]
fn anchors_and_aliases_are_followed() {
    let text = edited(&[
        ("[\"localhost:9092\"]", "&brokers [\"localhost:9092\"]"),
        (
            "topic: logs.dead",
            "topic: logs.dead\n    brokers: *brokers",
        ),
    ]);
    let dead = read(&text, &[]).unwrap().dead_letters.kafka.unwrap();
    assert_eq!(dead.brokers, ["localhost:9092"]);
}
