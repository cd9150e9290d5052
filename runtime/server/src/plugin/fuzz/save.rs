//! A case of what was found.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::plugin::records::Record;

/// The name in a `${file:…}` of `settings` that says no whole path: in the folder of a case it would be another file.
pub(super) fn relative_file(settings: &Value) -> Option<&str> {
    match settings {
        Value::String(text) => {
            let rests = text.split("${file:").skip(1);
            let mut names = rests.map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name));
            names.find(|name| Path::new(name).is_relative())
        }
        Value::Array(items) => items.iter().find_map(relative_file),
        Value::Object(fields) => fields.values().find_map(relative_file),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Writes a case of `records`, which the plugin must not fail on, into `folder`. The same ones have the same name.
pub(super) fn save(folder: &Path, records: &[Record], settings: Option<&Path>) -> Result<PathBuf> {
    let whole = !records.iter().all(Record::is_plain);
    let mut lines = Vec::new();
    for record in records {
        lines.extend(record.line(whole));
        lines.push(b'\n');
    }
    let mut hash = DefaultHasher::new();
    lines.hash(&mut hash);
    let case = folder.join(format!("fuzz-{:016x}", hash.finish()));
    let write = || {
        fs::create_dir_all(&case)?;
        let name = if whole { "in.records" } else { "in.ndjson" };
        fs::write(case.join(name), &lines)?;
        if let Some(settings) = settings {
            fs::copy(settings, case.join("settings.yaml"))?;
        }
        std::io::Result::Ok(())
    };
    write().with_context(|| {
        format!(
            "cannot write {}; name another folder with --cases",
            case.display()
        )
    })?;
    Ok(case)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_without_a_whole_path_is_found_wherever_it_is() {
        let check = |settings: Value, expected: Option<&str>| {
            assert_eq!(relative_file(&settings), expected, "{settings}");
        };
        check(json!({ "a": "key", "b": "${env:KEY}", "c": 1 }), None);
        check(json!({ "a": "${file:/run/key}" }), None);
        check(json!({ "a": "${file:key}" }), Some("key"));
        let deep = json!({ "a": [null, { "b": "${file:/run/key} and ${file:../key}" }] });
        check(deep, Some("../key"));
    }
}
