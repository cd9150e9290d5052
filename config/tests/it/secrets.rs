//! Secrets reach the specification, and no one else.

use std::path::Path;

use tamis_config::{Environment, PluginFiles, SourceSpec, load_text};

use crate::{edited, read};

const PASSWORD: &str = "hunter2";

#[test]
fn secrets_are_put_in_anywhere_and_once() {
    let settings =
        "path: level.wasm\n    settings: { token: 'a${env:P}b${env:P}', pattern: '${1}' }";
    let text = edited(&[
        ("path: level.wasm", settings),
        ("group: tamis", "group: '${env:G}'"),
    ]);
    let spec = read(&text, &[("P", PASSWORD), ("G", "${env:P}")]).unwrap();
    let expected = serde_json::json!({ "token": "ahunter2bhunter2", "pattern": "${1}" });
    assert_eq!(spec.plugins[0].settings, expected);
    let SourceSpec::Kafka(source) = &spec.source else {
        panic!("it reads Kafka")
    };
    assert_eq!(
        source.group, "${env:P}",
        "what a secret brings in is not looked into again"
    );
}

#[test]
fn a_secret_file_is_found_beside_the_configuration_and_loses_its_last_line_feed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    let text = edited(&[("group: tamis", "group: '${file:password}'")]);
    let path = folder.path().join("logs.yaml");
    let spec = load_text(&text, &path, &Environment::new(), PluginFiles::MayBeMissing).unwrap();
    let SourceSpec::Kafka(source) = &spec.source else {
        panic!("it reads Kafka")
    };
    assert_eq!(source.group, PASSWORD);
}

#[test]
fn debug_output_holds_no_secret() {
    let settings = "path: level.wasm\n    settings: { token: '${env:P}' }";
    let properties = "start_at: earliest\n    properties: { sasl.password: '${env:P}' }";
    let text = edited(&[
        ("path: level.wasm", settings),
        ("start_at: earliest", properties),
    ]);
    let spec = read(&text, &[("P", PASSWORD)]).unwrap();
    let debug = format!("{spec:?}");
    assert!(
        debug.contains("sasl.password") && debug.contains("level"),
        "{debug}"
    );
    assert!(!debug.contains(PASSWORD), "{debug}");
}

#[test]
fn no_problem_holds_a_secret_wherever_it_was_put() {
    // Each place gets a value that is wrong there.
    let places = [
        ("pipeline: logs", "pipeline: '${env:P}'"),
        ("\"localhost:9092\"", "'${env:P}'"),
        ("[logs]", "['${env:P}']"),
        ("start_at: earliest", "start_at: '${env:P}'"),
        ("name: level", "name: '${env:P}'"),
        ("path: level.wasm", "path: '${env:P}'"),
        ("url: file:///archive", "url: '${env:P}'"),
        ("\"{topic}\"", "'${env:P}'"),
        ("format: ndjson", "format: '${env:P}'"),
        ("topic: logs.dead", "topic: '${env:P}'"),
        (
            "group: tamis",
            "group: tamis\n    properties: { max.poll.interval.ms: '${env:P}' }",
        ),
    ];
    let path = Path::new("logs.yaml");
    for place in places {
        for value in ["{HUNTER2}", "HUNTER2 \u{7}"] {
            let environment = Environment::from([("P".to_owned(), value.to_owned())]);
            let text = edited(&[place]);
            let result = load_text(&text, path, &environment, PluginFiles::MustExist);
            let problems = result.unwrap_err();
            let said = format!("{problems} {problems:?}");
            assert!(!said.contains("HUNTER2"), "{said}");
        }
    }
}
