//! What an answer to a bulk request says of each document.

use serde::Deserialize;
use serde_json::Value;
use tamis_core::sink::SinkError;

/// What is asked for of an answer.
#[derive(Deserialize)]
struct Answer {
    items: Vec<Operation>,
}

/// An item is named after what was to be done.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Create(Item),
    Index(Item),
}

/// What became of one document.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    status: u16,
    #[serde(default)]
    error: Option<Value>,
}

/// What that means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is there.
    Written,
    /// Not now.
    Retry(String),
    /// Never.
    Rejected(String),
    /// Its index is not there, and is not made; or nothing can be written to it by anyone.
    NoSuchIndex(String),
    /// This user may not write there.
    Forbidden(String),
}

/// The items of the answer in `body`, of which there must be `count`.
///
/// # Errors
/// Where it is none: it was cut off on its way, or comes from someone else.
pub(super) fn items(body: &[u8], count: usize) -> Result<Vec<Item>, SinkError> {
    let unavailable = |words: String| SinkError::Unavailable(words.into());
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| unavailable(format!("the answer is none to a bulk request: {error}")))?;
    let found = answer.items.len();
    if found != count {
        let words = format!("the answer is about {found} documents, of {count} that were sent");
        return Err(unavailable(words));
    }
    let item = |operation| match operation {
        Operation::Create(item) | Operation::Index(item) => item,
    };
    Ok(answer.items.into_iter().map(item).collect())
}

impl Item {
    /// What it means.
    pub(super) fn fate(&self) -> Fate {
        if (200..300).contains(&self.status) {
            return Fate::Written;
        }
        let error = self.error.as_ref().unwrap_or(&Value::Null);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, reason) = (text("type"), text("reason"));
        let words = format!("status {}: {}", self.status, words(error));
        match self.status {
            409 if kind == "version_conflict_engine_exception" => Fate::Written,
            409 | 429 | 500.. => Fate::Retry(words),
            _ if is_for_a_while(kind, reason) => Fate::Retry(words),
            _ if is_of_index(kind, reason) => Fate::NoSuchIndex(words),
            401 | 403 => Fate::Forbidden(words),
            404 => Fate::NoSuchIndex(words),
            _ => Fate::Rejected(words),
        }
    }
}

/// Whether a cluster that is at its limits refuses like this with a status that would blame the document.
fn is_for_a_while(kind: &str, reason: &str) -> bool {
    match kind {
        // A disk is full (older releases say 403), or a person has stopped all writing for a while.
        "cluster_block_exception" => !is_block_of_index(reason),
        // One index more would be too much for its nodes.
        "validation_exception" | "illegal_argument_exception" => reason.contains("shards open"),
        _ => false,
    }
}

/// Whether a person has set just this index to be read only.
fn is_block_of_index(reason: &str) -> bool {
    ["FORBIDDEN/5/", "FORBIDDEN/8/"]
        .iter()
        .any(|block| reason.contains(block))
}

/// Whether any document would be refused like this in its index.
fn is_of_index(kind: &str, reason: &str) -> bool {
    const ALIAS_OR_PIPELINE: [&str; 4] = [
        "no write index is defined",
        "only write ops with an op_type of create are allowed in data streams",
        "pipeline with id",
        "no matching index template",
    ];
    match kind {
        "index_not_found_exception"
        | "index_closed_exception"
        | "invalid_index_name_exception"
        | "cluster_block_exception" => true,
        "illegal_argument_exception" => ALIAS_OR_PIPELINE.iter().any(|it| reason.contains(it)),
        _ => false,
    }
}

/// Elasticsearch's own words: type and reason of an error and of what caused it.
pub(super) fn words(error: &Value) -> String {
    const CAUSES_MAX: usize = 10;
    match error {
        Value::Null => return "it says no more".to_owned(),
        Value::String(text) => return text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    let mut said = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause.filter(|_| said.len() < CAUSES_MAX) {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let parts = [text("type"), text("reason")];
        let words = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if !words.is_empty() {
            said.push(words);
        }
        cause = error.get("caused_by");
    }
    if said.is_empty() {
        error.to_string()
    } else {
        said.join("; caused by ")
    }
}

#[cfg(test)]
mod tests;
