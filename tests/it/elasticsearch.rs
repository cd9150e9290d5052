//! Elasticsearch beyond the laws: what its answers become, what is made at the start, and the main job into it.
//!
//! All of it is on the real server, but for what it cannot do here: the one at hand has no security and is no OpenSearch, and
//! a stand-in says what those say.

mod limits;
mod main_job;
mod nodes;
mod refusals;
mod template;

use serde_json::json;
use tamis_core::sink::Verdict;
use tamis_tests::elasticsearch::Elasticsearch;
use tamis_tests::kafka::unique;
use tamis_tests::laws::{self, Subject};

/// Names of indexes that no other test has. They go with the test.
struct Names {
    elasticsearch: Elasticsearch,
    start: String,
}

impl Names {
    fn shared(name: &str) -> Self {
        Self {
            elasticsearch: Elasticsearch::shared(),
            start: unique(name),
        }
    }

    /// A sink of the server that all tests share.
    fn sink(&self, index: &str, more: &str) -> String {
        sink(
            &self.elasticsearch.address,
            &format!("{}{index}", self.start),
            more,
        )
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.elasticsearch.remove(&self.start);
    }
}

/// A sink that writes to `index` of the server at `address`.
fn sink(address: &str, index: &str, more: &str) -> String {
    format!(
        "elasticsearch: {{ urls: ['http://{address}'], index: '{index}', timeout_ms: 5000{more} }}"
    )
}

#[test]
fn a_document_is_the_value_byte_for_byte() {
    let names = Names::shared("bytes");
    // A number like the one below is more than an index takes that looks at it.
    let blind = json!({ "mappings": { "enabled": false } });
    names.elasticsearch.put(&names.start, &blind);
    let subject = Subject::connect(&names.sink("", "")).unwrap();
    let value =
        r#"{ "b":1.50, "big":123456789012345678901234567890,"a":"\u4e2d文\/" , "e":1E2,"o":{}}"#;
    let records = laws::records_of(0, [value.as_bytes().to_vec()]);
    assert_eq!(subject.settle(&records), [Verdict::Written]);
    let path = format!(
        "{}/_source/{}",
        names.start,
        laws::id(0).replace('/', "%2F")
    );
    assert_eq!(names.elasticsearch.text(&path), value);
}

#[test]
fn what_is_no_text_is_refused_alone_and_half_a_character_is_taken_as_it_stands() {
    let names = Names::shared("halves");
    let subject = Subject::connect(&names.sink("", "")).unwrap();
    let values = [
        br#"{"n":0}"#.to_vec(),
        b"{\"n\":1,\"text\":\"\xff\"}".to_vec(),
        br#"{"n":2,"text":"cut \ud83d"}"#.to_vec(),
        b"{\"n\":3,\"text\":\"\xed\xa0\xbd\"}".to_vec(),
        format!(
            "{{\"n\":4,\"list\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        )
        .into_bytes(),
        br#"{"n":5}"#.to_vec(),
    ];
    let verdicts = subject.settle(&laws::records_of(0, values.clone()));
    let words = [
        None,
        Some("is not UTF-8"),
        None,
        Some("is not UTF-8"),
        Some("127 levels"),
        None,
    ];
    for (n, (verdict, words)) in verdicts.iter().zip(words).enumerate() {
        match (verdict, words) {
            (Verdict::Written, None) => {}
            (Verdict::Rejected(reason), Some(words)) => {
                assert!(reason.contains(words), "{n}: {reason}")
            }
            (verdict, words) => panic!("{n}: {verdict:?} instead of {words:?}"),
        }
    }
    for (n, value) in (0..).zip(&values) {
        let id = laws::id(n).replace('/', "%2F");
        let found = names
            .elasticsearch
            .text(&format!("{}/_source/{id}", names.start));
        let is_there = words[usize::try_from(n).unwrap()].is_none();
        assert_eq!(found.as_bytes() == &value[..], is_there, "{n}: {found}");
    }
}

#[test]
fn a_data_stream_takes_each_record_once_and_wants_a_time_in_it() {
    let names = Names::shared("stream");
    let start = &names.start;
    let template = json!({
        "index_patterns": [format!("{start}*")],
        "priority": 500,
        "data_stream": {},
        "template": { "settings": { "number_of_replicas": 0 } },
    });
    let path = format!("_index_template/{start}");
    names.elasticsearch.put(&path, &template);
    let subject = Subject::connect(&names.sink("", ", data_stream: true")).unwrap();
    let value =
        |n: u64| format!(r#"{{"n":{n},"@timestamp":"2023-01-18T12:00:00+08:00"}}"#).into_bytes();
    for from in [0, 0, 5] {
        let records = laws::records_of(from, (from..from + 10).map(value));
        assert_eq!(subject.settle(&records), vec![Verdict::Written; 10]);
    }
    let timeless = laws::records_of(90, [b"{}".to_vec()]);
    match &subject.settle(&timeless)[..] {
        [Verdict::Rejected(reason)] => {
            assert!(
                reason.contains("data stream timestamp field [@timestamp] is missing"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
    let documents = names.elasticsearch.documents(start);
    assert_eq!(documents.len(), 15);
    assert!(documents.iter().all(|it| it.index.starts_with(".ds-")));
    let _removed = names
        .elasticsearch
        .ask("DELETE", &format!("_data_stream/{start}"), None);
    let _removed = names.elasticsearch.ask("DELETE", &path, None);
}

#[test]
fn what_is_there_is_replaced_where_that_is_asked_for() {
    let names = Names::shared("replaced");
    for (operation, expected) in [("create", 1), ("index", 3)] {
        let index = format!("-{operation}");
        let subject = names.sink(&index, &format!(", operation: {operation}"));
        let subject = Subject::connect(&subject).unwrap();
        for version in 1..=3 {
            let value = format!(r#"{{"version":{version}}}"#).into_bytes();
            let written = subject.settle(&laws::records_of(0, [value]));
            assert_eq!(written, [Verdict::Written]);
        }
        let documents = names
            .elasticsearch
            .documents(&format!("{}{index}", names.start));
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0].source["version"], expected, "{operation}");
    }
}
