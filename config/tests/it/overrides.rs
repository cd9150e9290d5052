//! Environment variables override the file.

use serde_json::{Value, json};
use tamis_config::{Compression, SinkKind, SourceSpec};

use crate::{edited, read};

#[test]
fn a_variable_wins_over_the_file() {
    let text = edited(&[(
        "group: tamis",
        "group: tamis\n    properties: { session.timeout.ms: 1 }",
    )]);
    let variables = [
        ("TAMIS__SOURCE__KAFKA__GROUP", "123"),
        ("TAMIS__SOURCE__KAFKA__BROKERS", r#"["a:1", "b:2"]"#),
        ("TAMIS__SOURCE__KAFKA__TOPICS__1", "more"),
        (
            "TAMIS__SOURCE__KAFKA__PROPERTIES__SESSION_TIMEOUT_MS",
            "6000",
        ),
        ("TAMIS__SOURCE__KAFKA__PROPERTIES__security.protocol", "SSL"),
        ("TAMIS__LIMITS__LANES", "3"),
        ("TAMIS__SINKS__ARCHIVE__FILE__COMPRESSION__ZSTD__LEVEL", "7"),
        ("TAMIS_LOG", "not one of them"),
    ];
    let spec = read(&text, &variables).unwrap();
    let SourceSpec::Kafka(source) = &spec.source else {
        panic!("it reads Kafka")
    };
    assert_eq!(source.group, "123", "text stays text");
    assert_eq!(source.brokers, ["a:1", "b:2"]);
    assert_eq!(source.topics, ["logs", "more"]);
    let properties = source
        .properties
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()));
    let expected = [("security.protocol", "SSL"), ("session.timeout.ms", "6000")];
    assert_eq!(properties.collect::<Vec<_>>(), expected);
    assert_eq!(spec.limits.lanes, 3);
    let SinkKind::File(file) = &spec.sinks[0].kind else {
        panic!("it writes files")
    };
    assert_eq!(file.compression, Compression::Zstd(7));
}

/// The settings of the plugin, given those in the file and one variable.
fn check(settings: &str, variable: (&str, &str), expected: &Value) {
    let path = format!("path: level.wasm\n    settings: {settings}");
    let text = edited(&[("path: level.wasm", &path)]);
    let name = format!("TAMIS__PLUGINS__0__SETTINGS__{}", variable.0);
    let spec = read(&text, &[(&name, variable.1)]).expect("any settings are right");
    assert_eq!(&spec.plugins[0].settings, expected, "{variable:?}");
}

#[test]
fn keys_of_settings_keep_their_case_and_their_dots() {
    check(
        "{ Type: a, a.b: 1 }",
        ("TYPE", "b"),
        &json!({ "Type": "b", "a.b": 1 }),
    );
    check(
        "{ Type: a, a.b: 1 }",
        ("A_B", "2"),
        &json!({ "Type": "a", "a.b": 2 }),
    );
    check(
        "{ Type: a, type: b }",
        ("type", "c"),
        &json!({ "Type": "a", "type": "c" }),
    );
    check("{}", ("MINIMUM", "warn"), &json!({ "minimum": "warn" }));
    check("{}", ("keepCase", "true"), &json!({ "keepCase": true }));
    check("{}", ("A__B", "null"), &json!({ "a": { "b": null } }));
    check("{}", ("A", "{not json"), &json!({ "a": "{not json" }));
}
