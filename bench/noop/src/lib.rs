//! Keeps every record without a look at it: what is left is the cost of handing a batch over and back.

use schemars::JsonSchema;
use serde::Deserialize;
use tamis_sdk::{ConfigError, Fate, Plugin, Record, export_plugin};

/// There is nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

/// The plugin.
#[derive(Debug)]
pub struct Noop;

impl Plugin for Noop {
    type Settings = Settings;

    fn new(_settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn process(&mut self, _record: &mut Record<'_>) -> Fate {
        Fate::Keep
    }
}

export_plugin!(Noop);
