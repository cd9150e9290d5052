//! Hides what is personal or secret: fields by their path, and patterns in any string of the record.

use tamis_sdk::{ConfigError, Fate, Plugin, Record, export_plugin};

use self::fields::Fields;
use self::hide::Hide;
use self::patterns::Patterns;
use self::search::Search;
use self::settings::OnInvalid;
pub use self::settings::Settings;
use self::text::Decoded;
use self::walk::Walk;

mod fields;
mod hide;
mod patterns;
mod search;
mod settings;
mod text;
mod walk;

/// The plugin.
#[derive(Debug)]
pub struct Redact {
    rules: Rules,
    on_invalid: OnInvalid,
    scratch: Scratch,
}

/// What is hidden, and how.
#[derive(Debug)]
struct Rules {
    fields: Fields,
    patterns: Patterns,
    hide: Hide,
}

/// Kept from record to record for its memory.
#[derive(Debug, Default)]
struct Scratch {
    /// The new value, as far as it is written.
    out: Vec<u8>,
    search: Search,
    decoded: Decoded,
}

impl Plugin for Redact {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        let on_invalid = settings.on_invalid;
        Ok(Self {
            rules: settings.rules()?,
            on_invalid,
            scratch: Scratch::default(),
        })
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        let Some(value) = record.value() else {
            return Fate::Keep;
        };
        let walk = Walk::new(value, &self.rules, &mut self.scratch);
        let changed = match record.json_checked() {
            Ok(_) => walk.json(),
            Err(error) => match self.on_invalid {
                OnInvalid::Reject => return Fate::Reject(error.to_string()),
                OnInvalid::Text => walk.text(),
            },
        };
        if changed {
            record.set_value(&self.scratch.out);
        }
        Fate::Keep
    }
}

export_plugin!(Redact);
