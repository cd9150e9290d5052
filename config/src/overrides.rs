//! Environment variables that override the file: `TAMIS__SOURCE__KAFKA__GROUP=tamis` sets
//! `source.kafka.group`.
//!
//! `config` has such a source of its own, but it lower-cases every key and takes a dot for a step,
//! which neither the settings of plugins nor the properties of librdkafka survive.

use serde_json::Value;

use crate::Environment;
use crate::problem::{Report, below, item};

const PREFIX: &str = "TAMIS__";
const SEPARATOR: &str = "__";

/// Sets in `tree` what the `TAMIS__…` variables of `environment` say, in order of their names.
///
/// A segment matches a key whatever its case, and `_` in it matches `.` and `-` too; for a list it
/// is an index, where the list's length appends. A key that is not there yet is made: in lower
/// case, unless the segment has some already. The value is JSON (`5`, `true`, `["a:9092"]`) if it
/// can be read as such, else text.
pub(crate) fn apply(tree: &mut Value, environment: &Environment, report: &mut Report) {
    for (variable, text) in environment {
        let Some(segments) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let mut path = String::new();
        let result = descend(tree, segments, &mut path).map(|node| replace(node, text));
        report.origins.set_variable(&path, variable);
        if let Err(message) = result {
            report.add(&path, message);
        }
    }
}

/// The place in `tree` that `segments` name; made if it is not there. `path` becomes the way so
/// far.
fn descend<'a>(
    tree: &'a mut Value,
    segments: &str,
    path: &mut String,
) -> Result<&'a mut Value, String> {
    let mut node = tree;
    for segment in segments.split(SEPARATOR) {
        if node.is_null() {
            *node = Value::Object(serde_json::Map::new());
        }
        node = match node {
            Value::Object(map) => {
                let key = key_for(segment, map.keys());
                *path = below(path, &key);
                map.entry(key).or_insert(Value::Null)
            }
            Value::Array(items) => {
                let length = items.len();
                let index = segment.parse().ok().filter(|index| *index <= length);
                let index = index.ok_or_else(|| format!("no item `{segment}`: it has {length}"))?;
                if index == length {
                    items.push(Value::Null);
                }
                *path = item(path, index);
                &mut items[index]
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(format!("has no key `{segment}`: it is a single value"));
            }
        };
    }
    Ok(node)
}

/// The one of `keys` that `segment` means, or the key to be made.
fn key_for<'a>(segment: &str, keys: impl Iterator<Item = &'a String>) -> String {
    let plain = |key: &str| key.to_ascii_lowercase().replace(['.', '-'], "_");
    let mut same = keys
        .filter(|key| plain(key) == plain(segment))
        .collect::<Vec<_>>();
    same.sort_by_key(|key| *key != segment);
    match same.first() {
        Some(key) => (*key).clone(),
        None if segment.bytes().any(|byte| byte.is_ascii_lowercase()) => segment.to_owned(),
        None => segment.to_ascii_lowercase(),
    }
}

/// Puts the value that `text` stands for into `node`.
fn replace(node: &mut Value, text: &str) {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    // A group named `123` stays text where the file has text.
    let keeps_text =
        node.is_string() && (value.is_number() || value.is_boolean() || value.is_null());
    *node = if keeps_text {
        Value::String(text.to_owned())
    } else {
        value
    };
}
