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
const HEAD: [&str; 10] = [
    dead::HEADER_VERSION,
    dead::HEADER_ID,
    dead::HEADER_STAGE,
    dead::HEADER_STAGE_VERSION,
    dead::HEADER_REASON,
    dead::HEADER_SOURCE,
    dead::HEADER_TOPIC,
    dead::HEADER_PARTITION,
    dead::HEADER_OFFSET,
    dead::HEADER_NUMBER,
];

impl DeadLetter {
    /// The letter that the engine made of a refused record.
    pub(crate) fn of(record: &Record<'_>) -> Result<Self, NoLetter> {
        let mut head = BTreeMap::new();
        let mut own = headers::iter(record.headers()).peekable();
        // A name that comes again is the record's own: it was a dead letter before.
        while let Some((name, value)) =
            own.next_if(|(name, _)| HEAD.contains(name) && !head.contains_key(name))
        {
            head.insert(
                name,
                String::from_utf8_lossy(value.unwrap_or_default()).into_owned(),
            );
        }
        if head.get(dead::HEADER_VERSION).map(String::as_str) != Some(dead::VERSION) {
            return Err(NoLetter);
        }
        let mut said = |name| head.remove(name).ok_or(NoLetter);
        let (id, partition) = (record.id(), record.partition());
        let time = record
            .timestamp_ms()
            .and_then(|time| Timestamp::from_millisecond(time).ok());
        let content = |bytes: &[u8]| Content(bytes.to_vec());
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
            time: time.map(|time| time.to_string()),
            key: record.key().map(content),
            value: record.value().map(content),
            headers: own
                .map(|(name, value)| (name.to_owned(), value.map(content)))
                .collect(),
        })
    }
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
