//! Keeps records by their level: those at or above a minimum, and of others a share.

use tamis_sdk::{
    ConfigError, Fate, JsonError, JsonValue, Metadata, Plugin, Pointer, Record, export_plugin,
};

pub use self::settings::Settings;
use self::settings::{OnInvalid, OnMissing};

mod settings;

/// The plugin.
#[derive(Debug)]
pub struct LevelFilter {
    field: Pointer,
    names: Vec<Name>,
    on_missing: OnMissing,
    check: bool,
    on_invalid: OnInvalid,
}

/// What a level is called, and which of its records stay.
#[derive(Debug, Clone, PartialEq)]
struct Name {
    name: String,
    keep: Keep,
}

/// Which records of a level stay.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keep {
    All,
    None,
    /// This share of them, from 0 to 1.
    Share(f64),
}

impl Plugin for LevelFilter {
    type Settings = Settings;

    /// A share is taken by the hash of the id.
    const WANTS: Metadata = Metadata::POSITION;

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            names: settings.names()?,
            field: Pointer::new(settings.field()?),
            on_missing: settings.on_missing,
            check: settings.check,
            on_invalid: settings.on_invalid,
        })
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        if record.value().is_none() {
            return Fate::Keep;
        }
        let json = if self.check {
            match record.json_checked() {
                Ok(json) => json,
                Err(error) => return self.invalid(error),
            }
        } else {
            record.json()
        };
        let level = json.get(&self.field).and_then(JsonValue::bytes);
        match level.and_then(|level| self.keep(&level)) {
            Some(Keep::All) => Fate::Keep,
            Some(Keep::None) => Fate::Drop,
            Some(Keep::Share(share)) if record.is_sampled(share) => Fate::Keep,
            Some(Keep::Share(_)) => Fate::Drop,
            None => self.missing(),
        }
    }
}

impl LevelFilter {
    fn keep(&self, level: &[u8]) -> Option<Keep> {
        self.names
            .iter()
            .find(|name| name.name.as_bytes().eq_ignore_ascii_case(level))
            .map(|name| name.keep)
    }

    fn invalid(&self, error: JsonError) -> Fate {
        match self.on_invalid {
            OnInvalid::Keep => Fate::Keep,
            OnInvalid::Reject => Fate::Reject(error.to_string()),
        }
    }

    fn missing(&self) -> Fate {
        match self.on_missing {
            OnMissing::Keep => Fate::Keep,
            OnMissing::Drop => Fate::Drop,
            OnMissing::Reject => Fate::Reject(format!("no known level at {}", self.field.as_str())),
        }
    }
}

export_plugin!(LevelFilter);
