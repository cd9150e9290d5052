//! What an Elasticsearch sink may say, and what is said of one that is wrong.

use std::path::Path;

use expect_test::{Expect, expect};
use tamis_config::{ElasticsearchLogin, ElasticsearchSinkSpec, Secret, SinkKind, is_index_name};

use crate::{check, edited, read};

/// The sink of [`crate::LEAST`].
const FILES: &str =
    "file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson";
const LEAST: &str = "urls: ['http://localhost:9200'], index: 'logs-{time:%Y.%m.%d}'";

/// What a sink that says `more` means.
fn sink(more: &str) -> ElasticsearchSinkSpec {
    let text = edited(&[(FILES, &format!("elasticsearch: {{ {LEAST}{more} }}"))]);
    let variables = [("PASSWORD", "open-sesame")];
    let mut spec = read(&text, &variables).expect("the case is one of a right sink");
    match spec.sinks.remove(0).kind {
        SinkKind::Elasticsearch(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// What is said of a sink that is `sink`.
fn problems(sink: &str, expected: Expect) {
    check(
        &[(FILES, &format!("elasticsearch: {{ {sink} }}"))],
        expected,
    );
}

#[test]
fn what_is_not_said_has_a_default() {
    expect![[r#"
        ElasticsearchSinkSpec {
            urls: [
                "http://localhost:9200",
            ],
            index: Template {
                parts: [
                    Literal(
                        "logs-",
                    ),
                    Time(
                        "%Y.%m.%d",
                    ),
                ],
            },
            data_stream: false,
            operation: Create,
            indexes_max: 256,
            login: None,
            ca_file: None,
            gzip: true,
            timeout_ms: 30000,
            template: None,
            requests: WriterLimits {
                records_max: 2000,
                bytes_max: 4194304,
                linger_ms: 20,
                requests_max: 4,
            },
        }
    "#]]
    .assert_debug_eq(&sink(""));
}

#[test]
fn a_password_and_a_key_are_taken_and_not_shown() {
    let spec = sink(", user: tamis, password: '${env:PASSWORD}'");
    let password = Secret::new("open-sesame");
    assert!(!format!("{spec:?}").contains("open-sesame"));
    assert_eq!(
        spec.login,
        ElasticsearchLogin::User("tamis".to_owned(), password)
    );
    for key in ["id:key", "aWQ6a2V5"] {
        let spec = sink(&format!(", api_key: '{key}'"));
        assert!(!format!("{spec:?}").contains(key));
        assert_eq!(spec.login, ElasticsearchLogin::ApiKey(Secret::new(key)));
    }
}

#[test]
fn a_path_starts_at_the_folder_of_the_file() {
    let file = |spec: ElasticsearchSinkSpec| spec.ca_file.expect("it is set");
    assert!(file(sink(", ca_file: ca.pem")).is_absolute());
    assert_eq!(
        file(sink(", ca_file: /etc/ca.pem")),
        Path::new("/etc/ca.pem")
    );
}

#[test]
fn a_template_is_for_all_indexes_that_can_be_named() {
    let pattern = |index: &str| {
        let text = format!(
            "elasticsearch: {{ urls: ['http://a:1'], index: '{index}', template: {{ name: logs }} }}"
        );
        let mut spec = read(&edited(&[(FILES, &text)]), &[]).expect("it is right");
        match spec.sinks.remove(0).kind {
            SinkKind::Elasticsearch(spec) => spec.template.expect("it is asked for").pattern,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(pattern("logs"), "logs");
    assert_eq!(pattern("logs-{time:%Y.%m.%d}"), "logs-*.*.*");
    assert_eq!(pattern("logs-{topic}{partition}-{field:/a}"), "logs-*-*");
}

#[test]
fn a_url_that_leads_to_no_node_is_refused() {
    problems(
        "urls: [localhost:9200, 'https://', 'http://u:p@a:9200', 'http://a b', 'http://a?x=1', 'http://a', 'http://a'], index: logs",
        expect![[r#"
            logs.yaml:13: sinks.archive.elasticsearch.urls[0]: is not the URL of a node (write `http://` or `https://`, host and port)
            logs.yaml:13: sinks.archive.elasticsearch.urls[1]: is not the URL of a node (write `http://` or `https://`, host and port)
            logs.yaml:13: sinks.archive.elasticsearch.urls[2]: has credentials in it (set `user` and `password` instead: what is in a URL is shown)
            logs.yaml:13: sinks.archive.elasticsearch.urls[3]: is not the URL of a node (write `http://` or `https://`, host and port)
            logs.yaml:13: sinks.archive.elasticsearch.urls[4]: is not the URL of a node (write `http://` or `https://`, host and port)
            logs.yaml:13: sinks.archive.elasticsearch.urls[6]: is there twice"#]],
    );
}

#[test]
fn an_index_that_elasticsearch_would_refuse_is_refused() {
    for index in [
        "Logs",
        "_logs",
        "lo gs",
        "logs-{time:%Y/%m}",
        "{topic}:{route}",
        "-{topic}",
        "..",
    ] {
        let text = edited(&[(
            FILES,
            &format!("elasticsearch: {{ urls: ['http://a:1'], index: '{index}' }}"),
        )]);
        let problems = read(&text, &[]).expect_err(index).to_string();
        let said = "sinks.archive.elasticsearch.index: is not an index name that Elasticsearch allows (lower case, ";
        assert!(problems.contains(said), "{index}: {problems}");
    }
}

#[test]
fn what_names_an_index_is_judged_by_its_bytes_too() {
    for name in ["logs", "日志-2023.01.18", ".hidden", "a", &"x".repeat(255)] {
        assert!(is_index_name(name), "{name}");
    }
    for name in [
        "",
        ".",
        "..",
        "A",
        "a*",
        "a\u{1}",
        &"x".repeat(256),
        &"日".repeat(86),
    ] {
        assert!(!is_index_name(name), "{name}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    problems(
        &format!("{LEAST}, data_stream: true, operation: index, user: tamis, api_key: a"),
        expect![[r#"
            logs.yaml:13: sinks.archive.elasticsearch.api_key: stands beside `user` (leave `user` and `password` out, or this)
            logs.yaml:13: sinks.archive.elasticsearch.operation: must be `create`: a data stream takes nothing else (leave it out)"#]],
    );
    problems(
        &format!("{LEAST}, user: tamis"),
        expect!["logs.yaml:13: sinks.archive.elasticsearch.password: is missing beside `user`"],
    );
    problems(
        &format!("{LEAST}, password: p"),
        expect!["logs.yaml:13: sinks.archive.elasticsearch.user: is missing beside `password`"],
    );
    problems(
        &format!("{LEAST}, user: 'a:b', password: p"),
        expect![
            "logs.yaml:13: sinks.archive.elasticsearch.user: must not be empty, nor have a `:` in it"
        ],
    );
    problems(
        &format!("{LEAST}, api_key: 'a key'"),
        expect![
            "logs.yaml:13: sinks.archive.elasticsearch.api_key: is not an API key (write it as Kibana shows it, or as `id:key`)"
        ],
    );
}

#[test]
fn a_template_for_indexes_of_any_name_is_refused() {
    problems(
        "urls: ['http://a:1'], index: '{topic}-logs', template: { name: 'A' }",
        expect![[r#"
            logs.yaml:13: sinks.archive.elasticsearch.template: would be for indexes of any name (begin `index` with a fixed name, or make the template yourself)
            logs.yaml:13: sinks.archive.elasticsearch.template.name: is not a name that Elasticsearch allows (lower case, none of `\ / * ? " < > | , # :` and no space, not with `-`, `_` or `+` at the start; 255 bytes at most)"#]],
    );
}
