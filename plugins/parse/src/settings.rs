//! What can be set, and what of it makes sense.

use schemars::JsonSchema;
use serde::Deserialize;
use tamis_sdk::ConfigError;

use super::formats::Format;

/// What the lines are, and what becomes of others. Each record is one line: what belongs to several, such as a stack
/// trace, is not put together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The formats, tried in this order.
    pub(super) formats: Vec<Format>,
    /// What becomes of a line in none of them. A tombstone always stays.
    #[serde(default)]
    pub(super) on_unparsed: OnUnparsed,
}

/// What becomes of a line in none of the formats.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnUnparsed {
    /// It goes on as `{"message":"the line","unparsed":true}`.
    #[default]
    Mark,
    /// It goes on as it is.
    Keep,
    /// It becomes a dead letter.
    Reject,
}

impl Settings {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.formats.is_empty() {
            return Err(ConfigError::new(
                "/formats",
                "must name at least one format",
            ));
        }
        for (index, format) in self.formats.iter().enumerate() {
            if self.formats[..index].contains(format) {
                let message = format!("{} is there twice", format.name());
                return Err(ConfigError::new(format!("/formats/{index}"), message));
            }
        }
        Ok(())
    }
}
