//! The view finds in valid JSON what serde_json finds, and survives everything else.

use proptest::prelude::*;
use serde_json::Value;

use super::super::{Json, JsonValue};
use super::{KEYS, index, text};

fn check(bytes: &[u8], pointer: &str) {
    let index = index(bytes);
    let json = Json::new(bytes, &index);
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        // Anything goes, as long as it is an answer.
        let seen = json.get(pointer);
        assert_eq!(json.str(pointer), seen.and_then(JsonValue::str));
        return;
    };
    let expected = value.pointer(pointer);
    let seen = json
        .get(pointer)
        .map(|seen| seen.parse::<Value>().expect("valid"));
    assert_eq!(seen.as_ref(), expected, "{pointer} in {value}");
    assert_eq!(
        json.str(pointer).as_deref(),
        expected.and_then(Value::as_str)
    );
    assert_eq!(json.u64(pointer), expected.and_then(Value::as_u64));
    assert_eq!(json.i64(pointer), expected.and_then(Value::as_i64));
    assert_eq!(json.f64(pointer), expected.and_then(Value::as_f64));
    assert_eq!(json.bool(pointer), expected.and_then(Value::as_bool));
    assert_eq!(json.is_object(), value.is_object());
    let kind = json
        .get(pointer)
        .map(|seen| (seen.is_null(), seen.is_object(), seen.is_array()));
    assert_eq!(
        kind,
        expected.map(|value| (value.is_null(), value.is_object(), value.is_array()))
    );
}

fn check_all(bytes: &[u8]) {
    for (_, first) in KEYS {
        check(bytes, first);
        for (_, second) in KEYS {
            check(bytes, &format!("{first}{second}"));
            check(bytes, &format!("/a{first}{second}"));
        }
    }
    for pointer in [
        "", "a", "~", "/~", "/~2", "/~01", "/-", "/00", "/+0", "/1", "/a/1", "//",
    ] {
        check(bytes, pointer);
    }
}

#[test]
fn the_view_finds_what_serde_json_finds_in_chosen_texts() {
    for text in [
        r#"{"a":1,"a":{"b":2},"a":3}"#,
        r#"{"\u0061":1,"b":{"a":[0,[1,{"a":"x"}]]}}"#,
        r#"{"~2":1,"~":2,"~1":3,"-":4,"00":5,"+0":6,"":{"":7}}"#,
        r#"[[0,1],{"a":2},"3"]"#,
        "\"text\"",
        " 12 ",
        "null",
        "{}",
        "[]",
    ] {
        check_all(text.as_bytes());
    }
}

#[test]
fn nesting_costs_no_stack() {
    for (open, close) in [("[", "]"), ("{\"b\":", "}"), ("[{\"b\":", "}]")] {
        let depth = 10_000;
        let text = format!(
            "{{\"b\":{}0{},\"a\":\"x\"}}",
            open.repeat(depth),
            close.repeat(depth)
        );
        let index = index(text.as_bytes());
        let json = Json::new(text.as_bytes(), &index);
        assert_eq!(json.str("/a").as_deref(), Some("x"));
        assert!(json.get("/b".repeat(depth)).is_some() || open.starts_with('['));
    }
    let unclosed = "[".repeat(10_000);
    check_all(unclosed.as_bytes());
}

#[test]
fn a_bad_string_hides_no_other_member() {
    for bad in [
        &b"\"\t\""[..],
        b"\"\xff\"",
        br#""\ud800""#,
        br#""\q""#,
        br#""\u12""#,
        b"1e999",
    ] {
        let bytes = [&b"{\"bad\":"[..], bad, b",\"a\":\"x\"}"].concat();
        let index = index(&bytes);
        assert!(index.fault(&bytes).is_some());
        assert_eq!(Json::new(&bytes, &index).str("/a").as_deref(), Some("x"));
    }
}

proptest! {
    #[test]
    fn the_view_finds_what_serde_json_finds(text in text()) {
        check_all(text.as_bytes());
    }

    #[test]
    fn the_view_survives_broken_texts(text in text(), cut in any::<prop::sample::Index>()) {
        let bytes = text.as_bytes();
        check_all(&bytes[..cut.index(bytes.len() + 1)]);
        check_all(&bytes[cut.index(bytes.len() + 1)..]);
    }
}
