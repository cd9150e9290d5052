//! Values that the file does not hold itself: `${env:NAME}` and `${file:/run/secrets/name}`,
//! anywhere in a text.

use std::path::Path;

use serde_json::Value;

use crate::Environment;
use crate::file;
use crate::problem::{Report, below, item};
use crate::spec::Secret;

/// Keys and certificates fit; a log file that was named by mistake does not.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Replaces each `${env:…}` and `${file:…}` below `tree`. What it brings in is not looked into
/// again.
pub(crate) fn expand(
    tree: &mut Value,
    environment: &Environment,
    folder: &Path,
    report: &mut Report,
) {
    Expansion {
        environment,
        folder,
        report,
    }
    .value(tree, "");
}

struct Expansion<'a> {
    environment: &'a Environment,
    folder: &'a Path,
    report: &'a mut Report,
}

impl Expansion<'_> {
    fn value(&mut self, value: &mut Value, path: &str) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.value(value, &below(path, key));
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter_mut().enumerate() {
                    self.value(value, &item(path, index));
                }
            }
            Value::String(text) => match self.text(text) {
                Ok(None) => {}
                Ok(Some((expanded, brought))) => {
                    *text = expanded;
                    self.report.keep_secret(path, brought);
                }
                Err(message) => self.report.add(path, message),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// `text` with its secrets in place, and these; `None` if it names none.
    fn text(&self, text: &str) -> Result<Option<(String, Vec<Secret>)>, String> {
        let (mut expanded, mut brought) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(start) = next_reference(rest) {
            let (before, reference) = rest.split_at(start);
            let (inner, after) = reference[2..]
                .split_once('}')
                .ok_or("a `${` is not closed by `}`")?;
            let (kind, name) = inner.split_once(':').expect("next_reference found a colon");
            expanded.push_str(before);
            let secret = self.secret(kind, name)?;
            expanded.push_str(&secret);
            brought.push(Secret::new(secret));
            rest = after;
        }
        if rest.len() == text.len() {
            return Ok(None);
        }
        expanded.push_str(rest);
        Ok(Some((expanded, brought)))
    }

    fn secret(&self, kind: &str, name: &str) -> Result<String, String> {
        if kind == "env" {
            let value = self.environment.get(name);
            return value
                .cloned()
                .ok_or_else(|| format!("environment variable `{name}` is not set"));
        }
        let text = file::read(&self.folder.join(name), SECRET_BYTES_MAX)
            .map_err(|error| format!("`{name}` {error}"))?;
        // Editors end a file with a line feed; no secret does.
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// Where the next `${env:` or `${file:` starts. Any other `${` is text: settings may hold patterns
/// such as `${1}`.
fn next_reference(text: &str) -> Option<usize> {
    [text.find("${env:"), text.find("${file:")]
        .into_iter()
        .flatten()
        .min()
}
