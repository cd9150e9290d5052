//! What a plugin is to its author.

use std::ops::BitOr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::fate::Fate;
use crate::json;
use crate::record::Record;

/// Code that decides what becomes of each record.
///
/// An instance lives as long as nothing goes wrong: what it remembers from record to record is a cache, which may
/// vanish after a panic or a swap. What it decides should follow from the record and the settings alone, so that a
/// replay decides alike.
pub trait Plugin: Sized + 'static {
    /// Its settings. With `#[serde(deny_unknown_fields)]` a mistyped key is refused, as it should be.
    type Settings: DeserializeOwned + JsonSchema;

    /// What it wants to know of a record beside its value. To read what it did not ask for is a panic.
    const WANTS: Metadata = Metadata::NONE;

    /// Takes the settings over.
    ///
    /// # Errors
    /// Where they make no sense; the error names the field.
    fn new(settings: Self::Settings) -> Result<Self, ConfigError>;

    /// Decides the fate of one record.
    fn process(&mut self, record: &mut Record<'_>) -> Fate;
}

/// What a plugin wants to know of a record beside its value: `Metadata::KEY | Metadata::POSITION`, or with
/// [`Metadata::and`] in a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata(u8);

impl Metadata {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The key.
    pub const KEY: Self = Self(1);
    /// The headers.
    pub const HEADERS: Self = Self(2);
    /// The record's time.
    pub const TIMESTAMP: Self = Self(4);
    /// Source, topic, partition, offset and output number: together the record's id.
    pub const POSITION: Self = Self(8);

    /// This and `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Metadata {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ConfigError {
    /// JSON pointer to the field; empty for the settings as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl ConfigError {
    /// `message` about the field that the JSON pointer `field` names.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The plugin with the settings in a JSON text.
pub(crate) fn configure<P: Plugin>(settings: &str) -> Result<P, ConfigError> {
    let mut text = serde_json::Deserializer::from_str(settings);
    let parsed = serde_path_to_error::deserialize(&mut text)
        .map_err(|error| ConfigError::new(pointer(error.path()), without_place(error.inner())))?;
    text.end()
        .map_err(|error| ConfigError::new("", without_place(&error)))?;
    P::new(parsed)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    json::join(path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        // A variant is chosen by the value of its field, which has a name already.
        Segment::Enum { .. } | Segment::Unknown => None,
    }))
}

/// The message without line and column: whoever reads it has not written this JSON.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message
        .strip_suffix(&place)
        .map_or(message.clone(), str::to_owned)
}
