//! In which fields one value differs from another, for a person.

use serde_json::Value;

use crate::dead::plain;

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// How one value differs from another, field by field where both are JSON; `words` say which is which.
pub(crate) fn changed(expected: &[u8], came: &[u8], words: [&str; 2]) -> Vec<String> {
    let [was, is] = words;
    let parsed = |line| serde_json::from_slice::<Value>(line);
    let mut said = Vec::new();
    if let (Ok(one), Ok(other)) = (parsed(expected), parsed(came)) {
        if one == other {
            let at = expected
                .iter()
                .zip(came)
                .take_while(|(one, other)| one == other)
                .count();
            let from = |line: &[u8]| text(&line[at.min(line.len())..]);
            let (one, other) = (from(expected), from(came));
            said.push(format!(
                "the same JSON, but not the same bytes, from byte {at} on: {was} {one}, {is} {other}"
            ));
        } else {
            fields("", Some(&one), Some(&other), words, &mut said);
        }
        return said;
    }
    said.push(format!("{was} {}, {is} {}", text(expected), text(came)));
    said
}

/// Every field at or below `pointer` that differs.
fn fields(
    pointer: &str,
    expected: Option<&Value>,
    came: Option<&Value>,
    words: [&str; 2],
    said: &mut Vec<String>,
) {
    match (expected, came) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let added = other.keys().filter(|key| !one.contains_key(*key));
            for key in one.keys().chain(added) {
                let token = key.replace('~', "~0").replace('/', "~1");
                fields(
                    &format!("{pointer}/{token}"),
                    one.get(key),
                    other.get(key),
                    words,
                    said,
                );
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                fields(
                    &format!("{pointer}/{index}"),
                    one.get(index),
                    other.get(index),
                    words,
                    said,
                );
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            let show = |value: Option<&Value>| {
                value.map_or("nothing".into(), |value| text(value.to_string().as_bytes()))
            };
            let place = if pointer.is_empty() {
                "the whole value"
            } else {
                pointer
            };
            let [was, is] = words;
            let (place, one, other) = (plain(place), show(one), show(other));
            said.push(format!("{place}: {was} {one}, {is} {other}"));
        }
    }
}

/// A value for a person.
pub(crate) fn text(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", plain(&line[..end]), line.len()),
        None => plain(&line),
    }
}
