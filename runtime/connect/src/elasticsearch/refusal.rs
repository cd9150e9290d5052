//! What an answer means that refuses a request as a whole.

use serde_json::Value;
use tamis_core::sink::SinkError;

use super::answer;
use super::nodes::Reply;

/// How much of an answer is shown that is no JSON.
const SHOWN_CHARS_MAX: usize = 200;

/// Why a request was refused that may be taken in parts.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is too large.
    TooLarge(String),
    /// There is something in it that Elasticsearch cannot read.
    Unreadable(String),
    /// The same, but in words that are not Elasticsearch's own: anyone may have said it, about anything.
    Strange(String),
}

/// Elasticsearch's setting, and words, for taking no bulk request at all that names an index.
const NO_INDEX_NAMED: &str = "explicit index in bulk is not allowed";

/// What `reply`, which is no success, means for all records of the request.
///
/// # Errors
/// Where it says nothing about any of them.
pub(super) fn of(reply: &Reply) -> Result<Refusal, SinkError> {
    let words = words(reply);
    let stop = |advice: &str| {
        let error = format!("{words}; {advice}");
        Err(SinkError::Misconfigured(error.into()))
    };
    match reply.status {
        413 => Ok(Refusal::TooLarge(words)),
        400 if words.contains(NO_INDEX_NAMED) => {
            stop("set `rest.action.multi.allow_explicit_index` to true")
        }
        400 if is_its_own(reply) => Ok(Refusal::Unreadable(words)),
        400 => Ok(Refusal::Strange(words)),
        401 => stop("check `user` and `password`, or `api_key`"),
        403 => stop("give the user of `user` or `api_key` the right to write"),
        408 | 429 | 500.. => Err(SinkError::Unavailable(words.into())),
        _ => stop("look whether `urls` lead to Elasticsearch, and with which path"),
    }
}

/// What it means that whatever is sent is refused with these `words`.
pub(super) fn of_all(words: &str) -> SinkError {
    let advice = "look whether `urls` lead to Elasticsearch, and what stands between";
    SinkError::Misconfigured(format!("every request is refused: {words}; {advice}").into())
}

/// Whether Elasticsearch itself says it: its errors have a type.
fn is_its_own(reply: &Reply) -> bool {
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    json.is_some_and(|json| json.pointer("/error/type").is_some_and(Value::is_string))
}

/// The status of `reply`, and what its body says, without what it repeats of the login.
pub(super) fn words(reply: &Reply) -> String {
    let status = reply.status;
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let said = match json.as_ref().and_then(|json| json.get("error")) {
        Some(error) => reply.mask.hide(answer::words(error)),
        None => {
            // Half a secret would not be found.
            let text = String::from_utf8_lossy(&reply.body);
            let text = reply.mask.hide(text.trim().to_owned());
            text.chars().take(SHOWN_CHARS_MAX).collect()
        }
    };
    if said.is_empty() {
        format!("status {status}")
    } else {
        format!("status {status}: {said}")
    }
}
