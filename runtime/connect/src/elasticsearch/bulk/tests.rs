//! Tests of the lines of a request.

use tamis_config::spec::{ElasticsearchLogin, WriterLimits};
use tamis_config::template::Template;
use tamis_core::sink::Records;

use super::*;
use crate::testing::{partition, records};

/// 2023-01-18 04:05:06.789 UTC.
const TIME: i64 = 1_674_014_706_789;

fn encoder(index: &str) -> Encoder {
    Encoder::new(&ElasticsearchSinkSpec {
        urls: vec!["http://localhost:9200".to_owned()],
        index: Template::parse(index).unwrap(),
        data_stream: false,
        operation: ElasticsearchOperation::Create,
        indexes_max: 2,
        login: ElasticsearchLogin::None,
        ca_file: None,
        gzip: true,
        timeout_ms: 1_000,
        template: None,
        requests: WriterLimits {
            records_max: 1,
            bytes_max: 1,
            linger_ms: 0,
            requests_max: 1,
        },
    })
}

fn one(topic: &str, value: Option<&[u8]>) -> Records {
    records(&partition(topic), &[(7, TIME, value)])
}

/// What becomes of a record with this `value`: its lines, or why it has none.
fn check(index: &str, value: &str, expected: Result<&str, &str>) {
    let records = one("logs", Some(value.as_bytes()));
    let mut lines = Lines::default();
    let record = records.iter().next().unwrap();
    let added = encoder(index).add(&mut lines, 0, &record).unwrap();
    let text = String::from_utf8(lines.bytes).unwrap();
    assert_eq!(
        added.map(|()| text).as_deref().map_err(|it| &**it),
        expected,
        "{value}"
    );
}

#[test]
fn a_record_is_a_line_that_says_where_and_its_value_as_it_stands() {
    let value = r#"{ "b":1.50, "a":"中\u6587" , "b2":{}}"#;
    let line = r#"{"create":{"_index":"logs-2023.01.18","_id":"test/logs/0/7/0"}}"#;
    let expected = format!("{line}\n{value}\n");
    check("{topic}-{time:%Y.%m.%d}", value, Ok(&expected));
}

#[test]
fn a_value_of_several_lines_becomes_one() {
    let line = r#"{"create":{"_index":"logs","_id":"test/logs/0/7/0"}}"#;
    let expected = format!("{line}\n {{ \"a\":  [1] }} \n");
    check("logs", "\n{ \"a\":\n [1] }\n", Ok(&expected));
}

#[test]
fn what_is_no_document_is_refused() {
    let object = "a document is a JSON object, and this is another kind of value";
    for value in ["1", "\"a\"", "null", "[{}]"] {
        check("logs", value, Err(object));
    }
    // What is behind it would be the next line of the request: an operation of someone else's.
    for value in [
        &b"{}\n{\"delete\":{\"_index\":\"a\",\"_id\":\"b\"}}"[..],
        b"{\"a\":\"\n\"}",
        b"",
        b"{",
        // No one looks into a field like this on the way, but the whole value must be text.
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        "[".repeat(1_000_000).as_bytes(),
    ] {
        let records = one("logs", Some(value));
        let mut lines = Lines::default();
        let record = records.iter().next().unwrap();
        let reason = encoder("logs")
            .add(&mut lines, 0, &record)
            .unwrap()
            .unwrap_err();
        let is_said = ["the value is not JSON: ", "there are more than 127 levels"];
        assert!(is_said.iter().any(|it| reason.starts_with(it)), "{reason}");
        assert_eq!((lines.len(), lines.bytes.len()), (0, 0));
    }
}

#[test]
fn a_tombstone_is_refused() {
    let records = one("logs", None);
    let record = records.iter().next().unwrap();
    let added = encoder("logs")
        .add(&mut Lines::default(), 0, &record)
        .unwrap();
    let reason = "a record without a value (a tombstone) is no document";
    assert_eq!(added, Err(reason.to_owned()));
}

#[test]
fn an_index_of_a_record_that_is_not_legal_is_its_own_fault() {
    let illegal = |name: &str| format!("index {name}: Elasticsearch allows no index of this name");
    for name in ["A", "a,b", "-a", "..", "a/b"] {
        let value = format!(r#"{{"to":"{name}"}}"#);
        check("{field:/to}", &value, Err(&illegal(name)));
    }
    check("{field:/to}", "{}", Err("the record has no {field:/to}"));
}

#[test]
fn an_index_of_the_configuration_that_is_not_legal_stops() {
    let records = one("Logs", Some(b"{}"));
    let record = records.iter().next().unwrap();
    let added = encoder("{topic}").add(&mut Lines::default(), 0, &record);
    assert!(
        matches!(added, Err(SinkError::Misconfigured(_))),
        "{added:?}"
    );
}

#[test]
fn an_id_that_is_too_long_is_refused_before_it_spoils_a_request() {
    let id = |topic: &str| format!("test/{topic}/0/7/0");
    let room = ID_BYTES_MAX - id("").len();
    for (len, fits) in [(room, true), (room + 1, false)] {
        let records = one(&"x".repeat(len), Some(b"{}"));
        let record = records.iter().next().unwrap();
        let added = encoder("logs")
            .add(&mut Lines::default(), 0, &record)
            .unwrap();
        assert_eq!(added.is_ok(), fits, "{len}");
    }
}

#[test]
fn parts_are_the_lines_of_their_records() {
    let rows = [
        (1, TIME, Some(&b"{}"[..])),
        (2, TIME, Some(b"[")),
        (3, TIME, Some(b"{}")),
        (4, TIME, Some(b"{}")),
    ];
    let records = records(&partition("logs"), &rows);
    let (encoder, mut lines) = (encoder("logs"), Lines::default());
    for (number, record) in records.iter().enumerate() {
        let _added = encoder.add(&mut lines, number, &record).unwrap();
    }
    let numbers: Vec<_> = lines.of(&(0..3)).iter().map(|line| line.record).collect();
    assert_eq!(numbers, [0, 2, 3]);
    let parts = [0..1, 1..3].map(|part| lines.bytes_of(&part));
    let bytes = lines.take_bytes();
    assert_eq!(parts[0].end, parts[1].start);
    assert_eq!((parts[0].start, parts[1].end), (0, bytes.len()));
    let first = &bytes[parts[0].clone()];
    assert!(first.ends_with(b"\n{}\n") && !first[..first.len() - 1].ends_with(b"\n"));
    let ids = |part: &Range<usize>| {
        String::from_utf8_lossy(&bytes[part.clone()])
            .matches("_id")
            .count()
    };
    assert_eq!(parts.each_ref().map(ids), [1, 2]);
}

#[tokio::test]
async fn what_is_compressed_is_the_part() {
    use std::io::Read as _;
    let bytes = Arc::new(b"one two three".to_vec());
    let compressed = gzip(&bytes, 4..7).await.unwrap();
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&compressed[..]);
    decoder.read_to_string(&mut text).unwrap();
    assert_eq!(text, "two");
}
