//! What holds for every record.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use redact::Redact;
use serde_json::Value;
use tamis_sdk::testing::{self, TestFate, TestRecord};

const ALL: &str =
    r#""patterns":["phone","id_card","email","bank_card","bearer_token"],"key":"0123456789abcdef""#;
const FIELDS: &str = r#""fields":["/a","/b/a","/*/0","/c/*/b"]"#;

fn settings(method: &str, fields: bool) -> String {
    let fields = if fields {
        format!(",{FIELDS}")
    } else {
        String::new()
    };
    format!(r#"{{{ALL},"method":"{method}","on_invalid":"text"{fields}}}"#)
}

fn redacted(settings: &str, value: &[u8]) -> Vec<u8> {
    let fates = testing::run::<Redact>(settings, &[TestRecord::new(value)]);
    match &fates[0] {
        TestFate::Keep => value.to_vec(),
        TestFate::Emit(outputs) => outputs[0].value.clone().expect("no tombstone"),
        fate @ (TestFate::Drop | TestFate::Reject(_)) => panic!("{fate:?}"),
    }
}

/// Texts in which something is found, or nearly so.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,3}",
        "[0-9 +-]{1,12}",
        "\\PC{0,2}",
        Just("13800138000".to_owned()),
        Just("+86 138-0013-8000".to_owned()),
        Just("11010519491231002X".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("a.b@example.com".to_owned()),
        Just("Bearer abcdefgh12345678".to_owned()),
        Just("@".to_owned()),
        Just("\\u0031".to_owned()),
        "(%2[0bB]|%40|\\x1b\\[3[0-9]m|\\\\{1,3}[nu])",
        Just("\"\\\n\t\u{1}".to_owned()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let key = prop_oneof!["[abc]", text()].boxed();
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The JSON of `value` with every character of its strings as an escape, and space wherever there can be some.
fn escaped(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => escaped_text(text, out),
        Value::Array(values) => {
            out.push_str("[ ");
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index > 0 { " ,\n" } else { "" });
                escaped(value, out);
            }
            out.push_str("\t]");
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "\r, " } else { " " });
                escaped_text(key, out);
                out.push_str(" : ");
                escaped(value, out);
            }
            out.push_str(" }");
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
            out.push_str(&other.to_string())
        }
    }
}

fn escaped_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        out.push_str(&format!("\\u{unit:04x}"));
    }
    out.push('"');
}

/// `value` with each string as it is when it is redacted alone.
fn by_strings(settings: &str, value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let json = serde_json::to_vec(text).expect("a string");
            serde_json::from_slice(&redacted(settings, &json)).expect("JSON")
        }
        Value::Array(values) => values.iter().map(|it| by_strings(settings, it)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), by_strings(settings, value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in vec(any::<u8>(), 0..200), method in "mask|hash|remove") {
        redacted(&settings(&method, true), &bytes);
    }

    #[test]
    fn nearly_json_is_not_too_odd(
        value in value(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        method in "mask|hash|remove",
    ) {
        let mut json = serde_json::to_vec(&value).expect("JSON");
        let at = at.index(json.len());
        json[at] = byte;
        let left = redacted(&settings(&method, true), &json);
        if serde_json::from_slice::<Value>(&json).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&left).is_ok());
        }
    }

    #[test]
    fn only_strings_change_and_each_as_if_it_were_alone(value in value(), method in "mask|hash|remove") {
        let settings = settings(&method, false);
        let left = redacted(&settings, &serde_json::to_vec(&value).expect("JSON"));
        let left: Value = serde_json::from_slice(&left).expect("JSON");
        prop_assert_eq!(left, by_strings(&settings, &value));
    }

    #[test]
    fn escapes_and_space_make_no_difference(value in value(), method in "mask|hash|remove", fields: bool) {
        // The hash of an object or an array is one of its JSON as it is written.
        let settings = settings(&method, fields && method != "hash");
        let plain = redacted(&settings, &serde_json::to_vec(&value).expect("JSON"));
        let mut odd = String::new();
        escaped(&value, &mut odd);
        let odd = redacted(&settings, odd.as_bytes());
        let read = |json: &[u8]| serde_json::from_slice::<Value>(json).expect("JSON");
        prop_assert_eq!(read(&plain), read(&odd));
    }

    #[test]
    fn what_is_planted_is_gone(before in "[ -/:-?A-Z\u{4e00}-\u{4eff}]{0,20}[ :，]", behind in "[ ,;，。][ -~]{0,20}") {
        for secret in [
            "13800138000", "+86 138-0013-8000", "010-12345678", "+1 2 34 5 6 7890", "11010519491231002X", "4222222222222",
            "4111 1111 1111 1111", "a@b.cn", "bEARer abcd1234",
        ] {
            let json = serde_json::to_vec(&format!("{before}{secret}{behind}")).expect("JSON");
            let left = redacted(&settings("mask", false), &json);
            let left = String::from_utf8(left).expect("UTF-8");
            prop_assert!(!left.contains(secret), "{}", left);
        }
    }

    /// Within strings of JSON within strings of JSON, and in URLs; all around it stays.
    #[test]
    fn what_is_planted_is_gone_however_it_is_written(
        before in "[A-Z\u{4e00}-\u{4eff}\"\\\\\n ]{0,10}[ :，\n]",
        behind in "[ ,;。\n\"][A-Z\u{4e00}-\u{4eff}\"\\\\\n ]{0,10}",
        depth in 1..4,
        is_url: bool,
    ) {
        for secret in ["13800138000", "+86 138-0013-8000", "4111 1111 1111 1111", "11010519491231002X", "a@b.cn"] {
            let (before, secret) = if is_url {
                let secret = secret.replace('+', "%2b").replace(' ', "%20").replace('@', "%40");
                (format!("{before}%3D"), secret)
            } else {
                (before.clone(), secret.to_owned())
            };
            let nest = |text: String| (0..depth).fold(text, |text, _| serde_json::to_string(&text).expect("JSON"));
            let left = redacted(&settings("remove", false), nest(format!("{before}{secret}{behind}")).as_bytes());
            prop_assert_eq!(String::from_utf8(left), Ok(nest(format!("{before}{behind}"))));
        }
    }
}

/// What would take hours if any of it were looked at again and again takes a moment.
#[test]
fn time_is_linear() {
    const BYTES: usize = 4 << 20;
    for piece in [
        "1",
        "1-",
        "11 ",
        "1234-",
        "1111 ",
        "+",
        "+1",
        "+1 ",
        "@",
        "a@",
        "a.",
        "a@b.",
        "a-",
        "Bearer ",
        "b",
        "bearer a",
        "bearer.",
        "Bearer/",
        "%",
        "%20",
        "a%40b.cn",
        "a%20b@c.cn%2C",
        "\\u001b[1",
        "13800138000",
        "\\\\",
        "\\u0031",
        "{}",
        "[],",
    ] {
        let inner = piece.repeat(BYTES / piece.len());
        let value = if piece == "[]," {
            format!("[{inner}0]")
        } else {
            format!("\"{inner}\"")
        };
        let only_phone = r#"{"patterns":["phone"],"on_invalid":"text"}"#.to_owned();
        for settings in [settings("mask", true), only_phone] {
            let (value, (done, wait)) = (value.clone(), sync_channel(1));
            thread::spawn(move || {
                redacted(&settings, value.as_bytes());
                done.send(())
            });
            let ended = wait.recv_timeout(Duration::from_secs(30));
            assert!(ended.is_ok(), "{piece:?} repeated takes too long");
        }
    }
}
