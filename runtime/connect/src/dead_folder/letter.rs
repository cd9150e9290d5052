//! A dead letter as one object of JSON.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tamis_core::dead;
use tamis_core::headers;
use tamis_core::sink::Record;

/// Version of this form; readers refuse others.
pub(crate) const VERSION: u32 = 1;

/// A refused record as the source gave it, who refused it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Version of the form.
    pub version: u32,
    /// `source/topic/partition/offset/n` of the output that was refused.
    pub id: String,
    /// The plugin or sink that refused it.
    pub stage: String,
    /// The version of that plugin; empty for a sink.
    pub stage_version: String,
    /// Why, in words.
    pub reason: String,
    /// The name of the source.
    pub source: String,
    /// The topic, or the path of the file.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: u64,
    /// Numbers the outputs of one input.
    pub number: u32,
    /// The record's time by RFC 3339, in UTC; none also for a time beyond the year 9999.
    pub time: Option<String>,
    /// The record's key.
    pub key: Option<Content>,
    /// The record's value; none for a tombstone.
    pub value: Option<Content>,
    /// The record's own headers, in order.
    pub headers: Vec<(String, Option<Content>)>,
}

/// Bytes; in JSON as text where they are UTF-8, so that a person can read them, else as base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Form", try_from = "Form")]
pub struct Content(pub Vec<u8>);

/// A record that is no dead letter reached a store of dead letters.
#[derive(Debug, thiserror::Error)]
#[error("it is no dead letter of version {}", dead::VERSION)]
pub(crate) struct NoLetter;

/// The headers that make a record a dead letter.
const HEAD: [&str; 11] = [
    dead::HEADER_VERSION,
    dead::HEADER_ID,
    dead::HEADER_STAGE,
    dead::HEADER_STAGE_VERSION,
    dead::HEADER_REASON,
    dead::HEADER_TIME,
    dead::HEADER_SOURCE,
    dead::HEADER_TOPIC,
    dead::HEADER_PARTITION,
    dead::HEADER_OFFSET,
    dead::HEADER_NUMBER,
];

impl DeadLetter {
    /// The letter that the engine made of a refused record.
    pub(crate) fn of(record: &Record<'_>) -> Result<Self, NoLetter> {
        let (mut head, own) = split(record.headers());
        if head.get(dead::HEADER_VERSION).map(String::as_str) != Some(dead::VERSION) {
            return Err(NoLetter);
        }
        let mut said = |name| head.remove(name).ok_or(NoLetter);
        let (id, partition) = (record.id(), record.partition());
        Ok(Self {
            version: VERSION,
            id: id.to_string(),
            stage: said(dead::HEADER_STAGE)?,
            stage_version: said(dead::HEADER_STAGE_VERSION)?,
            reason: said(dead::HEADER_REASON)?,
            source: partition.source.to_string(),
            topic: partition.topic.to_string(),
            partition: partition.number,
            offset: id.offset,
            number: id.number,
            time: record.timestamp_ms().and_then(time),
            key: record.key().map(content),
            value: record.value().map(content),
            headers: own,
        })
    }

    /// The letter that a topic has in a record with `headers` in their flat form; or why it is none. The topic's own time counts
    /// only where the letter has no word about it.
    #[cfg(any(feature = "kafka", fuzzing))]
    pub(crate) fn in_topic(
        headers: &[u8],
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp_ms: i64,
    ) -> Result<Self, String> {
        let (mut head, own) = split(headers);
        match head.get(dead::HEADER_VERSION).map(String::as_str) {
            Some(dead::VERSION) => {}
            Some(other) => return Err(format!("version {other} is not known")),
            None => return Err("it is no dead letter".to_owned()),
        }
        let timestamp_ms = match head.remove(dead::HEADER_TIME) {
            Some(said) if said.is_empty() => None,
            Some(said) => Some(number(dead::HEADER_TIME, &said)?),
            None => (timestamp_ms >= 0).then_some(timestamp_ms),
        };
        let mut said = |name: &str| {
            let missing = || format!("header {name} is missing");
            head.remove(name).ok_or_else(missing)
        };
        let letter = Self {
            version: VERSION,
            id: said(dead::HEADER_ID)?,
            stage: said(dead::HEADER_STAGE)?,
            stage_version: said(dead::HEADER_STAGE_VERSION)?,
            reason: said(dead::HEADER_REASON)?,
            source: said(dead::HEADER_SOURCE)?,
            topic: said(dead::HEADER_TOPIC)?,
            partition: number(dead::HEADER_PARTITION, &said(dead::HEADER_PARTITION)?)?,
            offset: number(dead::HEADER_OFFSET, &said(dead::HEADER_OFFSET)?)?,
            number: number(dead::HEADER_NUMBER, &said(dead::HEADER_NUMBER)?)?,
            time: timestamp_ms.and_then(time),
            key: key.map(content),
            value: value.map(content),
            headers: own,
        };
        letter.checked()
    }

    /// The letter, if what it says can be: a record has another one behind it in its partition.
    pub(crate) fn checked(self) -> Result<Self, String> {
        match self.offset.checked_add(1) {
            Some(_) => Ok(self),
            None => Err(format!("offset {} is none that a source has", self.offset)),
        }
    }

    /// The record's time.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }
}

type Own = Vec<(String, Option<Content>)>;

/// The headers that the engine put in front, and the record's own.
fn split(headers: &[u8]) -> (BTreeMap<&str, String>, Own) {
    let mut head = BTreeMap::new();
    let mut own = headers::iter(headers).peekable();
    // A name that comes again is the record's own: it was a dead letter before.
    while let Some((name, value)) =
        own.next_if(|(name, _)| HEAD.contains(name) && !head.contains_key(name))
    {
        let value = String::from_utf8_lossy(value.unwrap_or_default());
        head.insert(name, value.into_owned());
    }
    let own = own.map(|(name, value)| (name.to_owned(), value.map(content)));
    (head, own.collect())
}

fn content(bytes: &[u8]) -> Content {
    Content(bytes.to_vec())
}

fn time(timestamp_ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(timestamp_ms).ok()?;
    Some(time.to_string())
}

#[cfg(any(feature = "kafka", fuzzing))]
fn number<T: std::str::FromStr>(name: &str, said: &str) -> Result<T, String> {
    said.parse()
        .map_err(|_| format!("header {name} is {said:?}, which is no number"))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Text(String),
    Base64(String),
}

impl From<Content> for Form {
    fn from(Content(bytes): Content) -> Self {
        String::from_utf8(bytes).map_or_else(
            |error| Self::Base64(STANDARD.encode(error.as_bytes())),
            Self::Text,
        )
    }
}

impl TryFrom<Form> for Content {
    type Error = base64::DecodeError;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        match form {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Base64(text) => STANDARD.decode(text).map(Self),
        }
    }
}
