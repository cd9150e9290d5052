//! The view finds in valid JSON what serde_json finds, and survives everything else.

use serde_json::Value;

use super::super::{Json, JsonValue, Pointer, join};
use super::index_after;

/// Pointers into one text that are tried at most.
const POINTERS_MAX: usize = 64;

/// Tries `pointers` in `bytes` with a view that has read `before`, whose keys it remembers.
pub(crate) fn check(before: &[u8], bytes: &[u8], pointers: &[String]) {
    let index = index_after(before, bytes);
    let json = Json::new(bytes, &index);
    let (fault, whole) = (index.fault(bytes), serde_json::from_slice::<Value>(bytes));
    assert_eq!(
        fault.is_some(),
        whole.is_err(),
        "{fault:?} but {:?} for {:?}",
        whole.as_ref().err(),
        bytes.escape_ascii().to_string()
    );
    assert!(fault.is_none_or(|fault| fault.at <= bytes.len()));
    for pointer in pointers {
        let seen = json.get(pointer);
        assert_eq!(seen, json.get(Pointer::new(pointer.as_str())), "{pointer}");
        match &whole {
            Ok(whole) => same(json, seen, whole.pointer(pointer), pointer),
            // Anything goes, as long as it is an answer.
            Err(_) => survives(json, seen, pointer),
        }
    }
    if let Ok(whole) = &whole {
        assert_eq!(json.is_object(), whole.is_object());
    }
}

fn same(json: Json<'_, '_>, seen: Option<JsonValue<'_>>, expected: Option<&Value>, pointer: &str) {
    let parsed = seen.map(|seen| seen.parse::<Value>().expect("valid"));
    assert_eq!(parsed.as_ref(), expected, "{pointer}");
    let text = expected.and_then(Value::as_str);
    assert_eq!(json.str(pointer).as_deref(), text);
    let bytes = seen.and_then(JsonValue::bytes);
    assert_eq!(bytes.as_deref(), text.map(str::as_bytes));
    assert_eq!(json.u64(pointer), expected.and_then(Value::as_u64));
    assert_eq!(json.i64(pointer), expected.and_then(Value::as_i64));
    // serde_json may read a float one bit beside the nearest one.
    let nearest = seen
        .filter(|_| expected.is_some_and(Value::is_number))
        .and_then(|seen| std::str::from_utf8(seen.raw()).ok()?.parse::<f64>().ok());
    assert_eq!(json.f64(pointer), nearest);
    let beside = expected.and_then(Value::as_f64).zip(nearest);
    assert!(beside.is_none_or(|(one, other)| one.to_bits().abs_diff(other.to_bits()) <= 1));
    assert_eq!(json.bool(pointer), expected.and_then(Value::as_bool));
    let kind = seen.map(|seen| (seen.is_null(), seen.is_object(), seen.is_array()));
    let expected = expected.map(|value| (value.is_null(), value.is_object(), value.is_array()));
    assert_eq!(kind, expected);
    let Some((parent, last)) = pointer.rfind('/').map(|slash| pointer.split_at(slash)) else {
        return;
    };
    let by_steps = json.get(parent).and_then(|parent| parent.get(last));
    assert_eq!(by_steps, seen, "{parent}, then {last}");
}

fn survives(json: Json<'_, '_>, seen: Option<JsonValue<'_>>, pointer: &str) {
    assert_eq!(json.str(pointer), seen.and_then(JsonValue::str));
    assert_eq!(json.u64(pointer), seen.and_then(JsonValue::u64));
    assert_eq!(json.i64(pointer), seen.and_then(JsonValue::i64));
    assert_eq!(json.f64(pointer), seen.and_then(JsonValue::f64));
    assert_eq!(json.bool(pointer), seen.and_then(JsonValue::bool));
}

/// Pointers that may name something in `bytes`, be they JSON or not, and some that name nothing anywhere.
pub(crate) fn guesses(bytes: &[u8]) -> Vec<String> {
    let mut pointers: Vec<_> = [
        "", "a", "~", "/", "//", "/~", "/-", "/00", "/+0", "/0", "/1",
    ]
    .map(str::to_owned)
    .into();
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<_> = text.split('"').take(16).collect();
    for (number, word) in words.iter().enumerate() {
        pointers.push(join([word]));
        pointers.push(format!("/{word}"));
        for behind in words.iter().skip(number + 1).take(2) {
            pointers.push(join([word, behind]));
        }
    }
    pointers
}

/// The pointers to `value` and to all within it, each also with something behind it.
pub(crate) fn pointers_to_all(value: &Value, pointers: &mut Vec<String>) {
    let mut rest = vec![(String::new(), value)];
    let mut count = 0;
    while let Some((pointer, value)) = rest.pop() {
        count += 1;
        if count > POINTERS_MAX {
            return;
        }
        pointers.extend(["/", "/0"].map(|behind| format!("{pointer}{behind}")));
        match value {
            Value::Object(map) => rest.extend(
                map.iter()
                    .map(|(key, value)| (format!("{pointer}{}", join([key])), value)),
            ),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                rest.extend(items.map(|(index, value)| (format!("{pointer}/{index}"), value)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        pointers.push(pointer);
    }
}
