//! What an answer to a bulk request says of each document.

use serde::Deserialize;
use serde_json::Value;
use tamis_core::Mask;
use tamis_core::sink::SinkError;

/// Why a document is not where it should be although it was taken.
const FAILURE_STORE: &str = "it is in the failure store of its data stream, and not in the stream: a pipeline or the mapping refused it; \
                             ask `STREAM::failures` why";

/// How many causes of an error are looked at.
const CAUSES_MAX: usize = 10;

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
    /// What the failure store of a data stream had to do with it.
    #[serde(default)]
    failure_store: Option<String>,
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
    /// Its index is not there, and is not made; or nothing can be written by this name.
    NoSuchIndex(String),
    /// Its index is there, and a person has closed it or set it to be read only.
    Retired(String),
    /// This user may not write there.
    Forbidden(String),
}

/// The items of the answer in `body`, of which there must be `count`; `mask` is for what it says instead.
///
/// # Errors
/// Where it is none: it was cut off on its way, or comes from someone else.
pub(super) fn items(body: &[u8], count: usize, mask: &Mask) -> Result<Vec<Item>, SinkError> {
    let unavailable = |words: String| SinkError::Unavailable(words.into());
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let words = format!("the answer is none to a bulk request: {error}");
        unavailable(mask.hide(words))
    })?;
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
            return match self.failure_store.as_deref() {
                Some("used") => Fate::Rejected(FAILURE_STORE.to_owned()),
                Some(_) | None => Fate::Written,
            };
        }
        let error = self.error.as_ref().unwrap_or(&Value::Null);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, reason) = (text("type"), text("reason"));
        let words = format!("status {}: {}", self.status, words(error));
        match self.status {
            409 if kind == "version_conflict_engine_exception" => Fate::Written,
            500 if is_of_document(error) => Fate::Rejected(words),
            408 | 409 | 429 | 500.. => Fate::Retry(words),
            _ if is_for_a_while(kind, reason) => Fate::Retry(words),
            _ if matches!(kind, "index_closed_exception" | "cluster_block_exception") => {
                Fate::Retired(words)
            }
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
        "index_not_found_exception" | "invalid_index_name_exception" => true,
        "illegal_argument_exception" => ALIAS_OR_PIPELINE.iter().any(|it| reason.contains(it)),
        _ => false,
    }
}

/// Whether an error that the cluster takes for its own fault (status 500) is met by this document whenever it is sent: a processor of
/// an ingest pipeline, or a script, did not know what to make of it, or the code that reads it stumbled. Whatever else it may be is
/// tried again.
fn is_of_document(error: &Value) -> bool {
    // What a processor waits for in vain is no fault of the document.
    const PASSES: [&str; 8] = [
        "es_rejected_execution_exception",
        "circuit_breaking_exception",
        "process_cluster_event_timeout_exception",
        "unavailable_shards_exception",
        "no_shard_available_action_exception",
        "node_not_connected_exception",
        "timeout_exception",
        "cluster_block_exception",
    ];
    const STUMBLED: [&str; 13] = [
        "ingest_processor_exception",
        "script_exception",
        "general_script_exception",
        "document_parsing_exception",
        "mapper_parsing_exception",
        "illegal_argument_exception",
        "number_format_exception",
        "date_time_exception",
        "date_time_parse_exception",
        "class_cast_exception",
        "null_pointer_exception",
        "array_index_out_of_bounds_exception",
        "string_index_out_of_bounds_exception",
    ];
    let kinds = || causes(error).filter_map(|error| error.get("type")?.as_str());
    if kinds().any(|kind| PASSES.contains(&kind)) {
        return false;
    }
    let says_which = |name: &str| {
        let header = error.get("header").and_then(|it| it.get(name));
        header.or_else(|| error.get(name)).is_some()
    };
    let is_of_pipeline = ["processor_type", "pipeline_origin"]
        .into_iter()
        .any(says_which);
    is_of_pipeline || kinds().next().is_some_and(|kind| STUMBLED.contains(&kind))
}

/// An error, and what caused it.
fn causes(error: &Value) -> impl Iterator<Item = &Value> {
    let causes = std::iter::successors(Some(error), |error| error.get("caused_by"));
    causes.take(CAUSES_MAX)
}

/// Elasticsearch's own words: type and reason of an error and of what caused it.
pub(super) fn words(error: &Value) -> String {
    match error {
        Value::Null => return "it says no more".to_owned(),
        Value::String(text) => return text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {}
    }
    let mut said = Vec::new();
    for error in causes(error) {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let parts = [text("type"), text("reason")];
        let words = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if !words.is_empty() {
            said.push(words);
        }
    }
    if said.is_empty() {
        error.to_string()
    } else {
        said.join("; caused by ")
    }
}

#[cfg(test)]
mod tests;
