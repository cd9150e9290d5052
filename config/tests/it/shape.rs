//! What is said of a file whose shape is wrong: keys, types, choices, ranges.

use expect_test::expect;

use crate::{check, check_text};

#[test]
fn an_unknown_key_names_the_near_miss_or_what_there_is() {
    check(
        &[("group: tamis", "grup: tamis")],
        expect![[r#"
        logs.yaml:3: source.kafka.group: is missing
        logs.yaml:6: source.kafka.grup: unknown key (did you mean `group`?)"#]],
    );
    check(
        &[("format: ndjson", "format: ndjson\n      comression: zstd")],
        expect![
            "logs.yaml:17: sinks.archive.file.comression: unknown key (did you mean `compression`?)"
        ],
    );
    check(
        &[("pipeline: logs", "pipeline: logs\nwhatever: 1")],
        expect![
            "logs.yaml:2: whatever: unknown key (there are `pipeline`, `source`, `plugins`, `sinks`, `dead_letters`, `limits`, `swap`, `stamp_field`, `trust`)"
        ],
    );
    check(
        &[("  kafka:\n    brokers", "  kafak:\n    brokers")],
        expect!["logs.yaml:3: source.kafak: unknown key (did you mean `kafka`?)"],
    );
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    check(
        &[("group: tamis", "group: [tamis]")],
        expect!["logs.yaml:6: source.kafka.group: expected text, found a list"],
    );
    check(
        &[("[logs]", "logs")],
        expect!["logs.yaml:5: source.kafka.topics: expected a list, found text"],
    );
    check(
        &[(
            "pipeline: logs",
            "pipeline: logs\nlimits: { lanes: two, batch_records_max: 1.5 }",
        )],
        expect![[r#"
            logs.yaml:2: limits.batch_records_max: expected a whole number, found a fraction
            logs.yaml:2: limits.lanes: expected a whole number, found text"#]],
    );
    check(
        &[("  kafka:\n    topic: logs.dead", "  - kafka")],
        expect!["logs.yaml:17: dead_letters: expected a map, found a list"],
    );
    check(
        &[("path: level.wasm", "path: level.wasm\n    settings:")],
        expect!["logs.yaml:11: plugins[0].settings: expected a map, found nothing"],
    );
    check(
        &[(
            "group: tamis",
            "group: tamis\n    properties: { sasl.password: [hunter2] }",
        )],
        expect![
            "logs.yaml:7: source.kafka.properties.sasl.password: expected text or a whole number or true or false, found a list"
        ],
    );
    check(
        &[("format: ndjson", "format: ndjson\n      compression: 3")],
        expect![
            "logs.yaml:17: sinks.archive.file.compression: expected `none`, `gzip`, `zstd` or a map, found a whole number"
        ],
    );
}

#[test]
fn an_unknown_choice_names_those_that_there_are() {
    check(
        &[("earliest", "earlyest")],
        expect![
            "logs.yaml:7: source.kafka.start_at: unknown choice `earlyest`: expected one of `earliest`, `latest` (did you mean `earliest`?)"
        ],
    );
    check(
        &[("format: ndjson", "format: json")],
        expect![
            "logs.yaml:16: sinks.archive.file.format: unknown choice `json`: expected one of `ndjson` (did you mean `ndjson`?)"
        ],
    );
    check(
        &[("format: ndjson", "format: ndjson\n      compression: zst")],
        expect![
            "logs.yaml:17: sinks.archive.file.compression: unknown choice `zst`: expected one of `none`, `gzip`, `zstd` or a map (did you mean `zstd`?)"
        ],
    );
    check(
        &[(
            "format: ndjson",
            "format: ndjson\n      compression: { lz4: {} }",
        )],
        expect![
            "logs.yaml:17: sinks.archive.file.compression.lz4: unknown key (there are `gzip`, `zstd`)"
        ],
    );
    check(
        &[("format: ndjson", "format: ndjson\n    routes: all")],
        expect![
            "logs.yaml:17: sinks.archive.routes: unknown choice `all`: expected one of `*` or a list"
        ],
    );
    check(
        &[(
            "path: level.wasm",
            "path: level.wasm\n    grants: [network]\n    on_quarantine: skip",
        )],
        expect![[r#"
            logs.yaml:11: plugins[0].grants[0]: unknown choice `network`: expected one of `clock`
            logs.yaml:12: plugins[0].on_quarantine: unknown choice `skip`: expected one of `stop`, `bypass`, `dead_letter`"#]],
    );
}

#[test]
fn a_number_out_of_range_names_the_range() {
    check(
        &[(
            "pipeline: logs",
            "pipeline: logs\nlimits: { lanes: 0, commit_interval_ms: -1 }",
        )],
        expect![[r#"
            logs.yaml:2: limits.commit_interval_ms: -1 is out of range: expected a number from 10 to 600000
            logs.yaml:2: limits.lanes: 0 is out of range: expected a number from 1 to 256"#]],
    );
    check(
        &[(
            "format: ndjson",
            "format: ndjson\n      compression: { zstd: { level: 20 } }",
        )],
        expect![
            "logs.yaml:17: sinks.archive.file.compression.zstd.level: 20 is out of range: expected a number from 1 to 19"
        ],
    );
    check(
        &[(
            "path: level.wasm",
            "path: level.wasm\n    limits: { memory_bytes_max: 1 }",
        )],
        expect![
            "logs.yaml:11: plugins[0].limits.memory_bytes_max: 1 is out of range: expected a number from 1048576 to 4294967296"
        ],
    );
}

#[test]
fn what_is_missing_is_named_with_the_line_around_it() {
    check(
        &[
            ("    group: tamis\n", ""),
            ("      url: file:///archive\n", ""),
        ],
        expect![[r#"
            logs.yaml:3: source.kafka.group: is missing
            logs.yaml:12: sinks.archive.file.url: is missing"#]],
    );
    check(
        &[(
            "sinks:\n  archive:\n    file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson\n",
            "sinks: {}\n",
        )],
        expect!["logs.yaml:11: sinks: must not be empty"],
    );
    check(
        &[("  kafka:\n    topic: logs.dead", "  {}")],
        expect![
            "logs.yaml:17: dead_letters: refused records would have nowhere to go (name one of `kafka`, `folder`, or both)"
        ],
    );
    check(
        &[("[logs]", "[]")],
        expect!["logs.yaml:5: source.kafka.topics: must not be empty"],
    );
}

#[test]
fn exactly_one_source_is_chosen() {
    check(
        &[("source:\n", "source:\n  stdin: {}\n")],
        expect!["logs.yaml:2: source: expected exactly one of `kafka`, `file`, `stdin`, found 2"],
    );
}

#[test]
fn exactly_one_kind_of_sink_is_chosen() {
    check(
        &[(
            "    file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson\n",
            "    routes: '*'\n",
        )],
        expect![
            "logs.yaml:12: sinks.archive: expected exactly one of `elasticsearch`, `file`, `kafka`, `mongodb`, `mysql`, found 0"
        ],
    );
    check(
        &[(
            "format: ndjson",
            "format: ndjson\n    kafka: { topic: logs.clean }",
        )],
        expect![
            "logs.yaml:12: sinks.archive: expected exactly one of `elasticsearch`, `file`, `kafka`, `mongodb`, `mysql`, found 2"
        ],
    );
    check(
        &[("    file:", "    fiel:")],
        expect!["logs.yaml:13: sinks.archive.fiel: unknown key (did you mean `file`?)"],
    );
}

#[test]
fn two_of_one_name_are_refused() {
    check(
        &[("dead_letters:", "  archive:\n    file: {}\ndead_letters:")],
        expect!["logs.yaml:12: sinks.archive: is there twice: lines 12 and 17"],
    );
    check(
        &[(
            "    path: level.wasm",
            "    path: level.wasm\n  - name: level\n    path: other.wasm",
        )],
        expect!["logs.yaml:11: plugins[1].name: is the name of `plugins[0]` too"],
    );
    check(
        &[(
            "dead_letters:",
            "  second:\n    file: { url: file:///archive/, path: x, format: ndjson }\ndead_letters:",
        )],
        expect![
            "logs.yaml:18: sinks.second.file.url: is the folder of `sinks.archive` too (give each its own)"
        ],
    );
    check(
        &[("[logs]", "[logs, logs]")],
        expect!["logs.yaml:5: source.kafka.topics[1]: is there twice"],
    );
}

#[test]
fn text_that_is_not_yaml_names_the_line() {
    check(
        &[("topics: [logs]", "topics: [logs")],
        expect!["logs.yaml:6: is not a configuration: illegal placement of ':' indicator"],
    );
    check(
        &[("plugins:", "\tplugins:")],
        expect!["logs.yaml:7: is not a configuration: while scanning a plain scalar, found a tab"],
    );
    check(
        &[("dead_letters:", "---\ndead_letters:")],
        expect![
            "logs.yaml:17: is not a configuration: a second document starts, but one file is one pipeline"
        ],
    );
}

#[test]
fn a_text_that_is_no_map_is_refused() {
    check_text(
        "",
        &[],
        &expect![[r#"
        logs.yaml: dead_letters: is missing
        logs.yaml: pipeline: is missing
        logs.yaml: sinks: is missing
        logs.yaml: source: is missing"#]],
    );
    check_text(
        "- pipeline",
        &[],
        &expect!["logs.yaml: is not a configuration: invalid type: sequence, expected a map"],
    );
    check_text(
        "? [a]\n: b",
        &[],
        &expect!["logs.yaml:1: is not a configuration: a list or a map is no key"],
    );
}
