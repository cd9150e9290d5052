//! What records become: lossless, or a dead letter with the reason.

use serde_json::{Value, json};
use tamis_core::sink::Verdict;
use tamis_tests::mongo::Mongo;

use super::{Place, assert_verdicts, optional_records, records};

fn long(number: impl ToString) -> Value {
    json!({ "$numberLong": number.to_string() })
}

fn double(number: &str) -> Value {
    json!({ "$numberDouble": number })
}

/// Panics unless records with these values, written by a sink like this, are read back like this.
fn check(more: &str, cases: &[(&str, Value)]) {
    let place = Place::new(Mongo::shared());
    let sink = place.sink(more);
    let values = cases.iter().map(|(value, _)| format!("{{\"v\":{value}}}"));
    let verdicts = sink.settle(&records(0, values));
    assert_eq!(verdicts, vec![Verdict::Written; cases.len()]);
    let all = place.all();
    assert_eq!(all.len(), cases.len());
    for ((value, expected), (_, found)) in cases.iter().zip(all) {
        assert_eq!(found, json!({ "v": expected }), "{value}");
    }
}

#[test]
fn numbers_come_back_as_they_were() {
    check(
        "timeout_ms: 20000",
        &[
            ("0", long(0)),
            ("-1", long(-1)),
            ("9007199254740993", long(9_007_199_254_740_993_u64)),
            ("9223372036854775807", long(i64::MAX)),
            ("-9223372036854775808", long(i64::MIN)),
            ("9223372036854775808", json!("9223372036854775808")),
            ("-9223372036854775809", json!("-9223372036854775809")),
            ("18446744073709551615", json!("18446744073709551615")),
            ("18446744073709551616", json!("18446744073709551616")),
            ("0.1", double("0.1")),
            ("1.50", double("1.5")),
            ("-0.0", double("-0.0")),
            ("-0", double("-0.0")),
            ("1e2", double("100.0")),
            ("1.7976931348623157e308", double("1.7976931348623157e+308")),
            ("1.7976931348623157e309", json!("1.7976931348623157e309")),
            ("5e-324", double("5e-324")),
            ("2e-324", json!("2e-324")),
            (
                "0.1000000000000000055511151231257827",
                json!("0.1000000000000000055511151231257827"),
            ),
        ],
    );
    let decimal = |number: &str| json!({ "$numberDecimal": number });
    check(
        "decimals: decimal128",
        &[
            ("7", long(7)),
            ("18446744073709551615", decimal("18446744073709551615")),
            ("1.50", decimal("1.50")),
            (
                "0.1000000000000000055511151231257827",
                decimal("0.1000000000000000055511151231257827"),
            ),
            (
                "12345678901234567890123456789012345",
                json!("12345678901234567890123456789012345"),
            ),
        ],
    );
    check(
        "decimals: string",
        &[
            ("7", long(7)),
            ("1.50", json!("1.50")),
            ("1E+2", json!("1E+2")),
        ],
    );
}

#[test]
fn what_is_no_number_becomes_what_it_is() {
    check(
        "timeout_ms: 20000",
        &[
            ("null", json!(null)),
            ("[true,false,[],{}]", json!([true, false, [], {}])),
            ("\"第 \\u4e00 条\\u0000\"", json!("第 一 条\0")),
            (
                "{\"\":{\"a.b\":{\"$c\":\"d\"}}}",
                json!({ "": { "a.b": { "$c": "d" } } }),
            ),
            ("1,\"v\":2", long(2)),
        ],
    );
}

#[test]
fn texts_become_dates_where_that_was_asked_for() {
    let date = |ms: i64| json!({ "$date": { "$numberLong": ms.to_string() } });
    check(
        "dates: { /v: Asia/Shanghai }",
        &[
            ("\"2023-01-18 12:00:00\"", date(1_674_014_400_000)),
            (
                "\"2023-01-18T12:00:00.123456+00:00\"",
                date(1_674_043_200_123),
            ),
            ("\"1969-12-31T23:59:59.999Z\"", date(-1)),
            ("\"yesterday\"", json!("yesterday")),
            ("5", long(5)),
        ],
    );
}

#[test]
fn a_record_that_can_be_no_document_is_refused_beside_good_ones() {
    let place = Place::new(Mongo::shared());
    let sink = place.sink("big_numbers: dead_letter");
    let deep = format!("{}1{}", "{\"a\":".repeat(101), "}".repeat(101));
    let cases = [
        (Some("{}"), None),
        (None, Some("without a value")),
        (Some("[1]"), Some("no map")),
        (Some("{\"a\":1"), Some("not JSON")),
        (Some("{\"a\\u0000b\":1}"), Some("zero byte")),
        (Some("{\"_id\":1}"), Some("keep_id_as")),
        (
            Some("{\"a\":18446744073709551615}"),
            Some("no double without loss"),
        ),
        (Some(&*deep), Some("more than 100 levels")),
        (Some("{\"_ID\":1}"), None),
    ];
    let values = cases.map(|(value, _)| value);
    let verdicts = sink.settle(&optional_records(0, &values));
    assert_verdicts(&verdicts, &cases.map(|(_, words)| words));
    assert_eq!(place.numbers(), [0, 8]);
}

#[test]
fn an_id_of_the_record_is_kept_where_it_was_asked_for() {
    let place = Place::new(Mongo::shared());
    let sink = place.sink("keep_id_as: own_id");
    let verdicts = sink.settle(&records(0, ["{\"_id\":5}", "{\"_id\":1,\"own_id\":2}"]));
    assert_verdicts(&verdicts, &[None, Some("`_id` and `own_id`")]);
    assert_eq!(
        place.all(),
        [(0, json!({ "own_id": { "$numberLong": "5" } }))]
    );
}

#[test]
fn a_document_may_have_16_mib_and_not_a_byte_more() {
    let place = Place::new(Mongo::shared());
    let sink = place.sink("timeout_ms: 60000");
    // length, `_id` with its text, `v` with its text, and the end.
    let id_bytes = |offset: u64| 1 + 4 + 4 + format!("it/records/0/{offset}/0").len() + 1;
    let rest = |offset| 4 + id_bytes(offset) + (1 + 2 + 4 + 1) + 1;
    let value = |offset, bytes: usize| {
        let text = "x".repeat(bytes - rest(offset));
        format!("{{\"v\":\"{text}\"}}")
    };
    let max = 16 << 20;
    let values = [
        "{}".to_owned(),
        value(1, max),
        value(2, max + 1),
        "{}".to_owned(),
    ];
    let verdicts = sink.settle(&records(0, values));
    let words = "has 16777217 bytes, but MongoDB takes 16777216 at most";
    assert_verdicts(&verdicts, &[None, None, Some(words), None]);
    assert_eq!(place.numbers(), [0, 1, 3]);
}
