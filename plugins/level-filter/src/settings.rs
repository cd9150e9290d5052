//! What can be set, and what of it makes sense.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use tamis_sdk::{ConfigError, json};

use super::{Keep, Name};

/// Which levels stay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The lowest level that stays.
    minimum: String,
    /// JSON pointer to the level.
    #[serde(default = "default_field")]
    field: String,
    /// The levels, lowest first. Upper and lower case are the same here and in records.
    #[serde(default = "default_levels")]
    levels: Vec<String>,
    /// Other names of levels. By default `warning` is `warn` and `err` is `error`, where those are levels.
    aliases: Option<BTreeMap<String, String>>,
    /// The share of a level's records that stays, from 0 to 1, whatever the minimum is. It is taken by the hash of
    /// the record's id, so that a replay keeps the same ones.
    #[serde(default)]
    keep: BTreeMap<String, f64>,
    /// What becomes of a record that has no level, or none of these.
    #[serde(default)]
    pub(super) on_missing: OnMissing,
    /// Whether the value has to be valid JSON from its first to its last byte. If not, the level is looked for in
    /// whatever it is.
    #[serde(default = "default_check")]
    pub(super) check: bool,
    /// What becomes of a record whose value is checked and is no valid JSON. A tombstone always stays.
    #[serde(default)]
    pub(super) on_invalid: OnInvalid,
}

/// What becomes of a record without a known level.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnMissing {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Drop,
    /// It becomes a dead letter.
    Reject,
}

/// What becomes of a record that is no JSON.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnInvalid {
    /// It becomes a dead letter.
    #[default]
    Reject,
    /// It stays.
    Keep,
}

fn default_field() -> String {
    "/Type".to_owned()
}

fn default_levels() -> Vec<String> {
    ["trace", "debug", "info", "warn", "error", "fatal"]
        .map(str::to_owned)
        .into()
}

fn default_check() -> bool {
    true
}

const DEFAULT_ALIASES: [(&str, &str); 2] = [("warning", "warn"), ("err", "error")];

impl Settings {
    pub(super) fn field(&self) -> Result<String, ConfigError> {
        if !self.field.starts_with('/') {
            return Err(ConfigError::new(
                "/field",
                "must be a JSON pointer, such as /Type",
            ));
        }
        Ok(self.field.clone())
    }

    /// Every name that a level can have, and what becomes of its records.
    pub(super) fn names(&self) -> Result<Vec<Name>, ConfigError> {
        let minimum = self.rank(&self.minimum, "/minimum")?;
        let mut names = Vec::new();
        for (rank, level) in self.levels.iter().enumerate() {
            let keep = if rank >= minimum {
                Keep::All
            } else {
                Keep::None
            };
            add(&mut names, level, keep, || format!("/levels/{rank}"))?;
        }
        for (level, &share) in &self.keep {
            let field = json::join(["keep", level]);
            let rank = self.rank(level, &field)?;
            if !(0.0..=1.0).contains(&share) {
                return Err(ConfigError::new(
                    field,
                    "must be a share from 0 to 1, such as 0.1",
                ));
            }
            names[rank].keep = Keep::Share(share);
        }
        match &self.aliases {
            Some(aliases) => {
                for (alias, level) in aliases {
                    let field = json::join(["aliases", alias]);
                    let keep = names[self.rank(level, &field)?].keep;
                    add(&mut names, alias, keep, || field)?;
                }
            }
            None => {
                for (alias, level) in DEFAULT_ALIASES {
                    let find = |wanted: &str| names.iter().find(|name| name.name == wanted);
                    if let (Some(level), None) = (find(level), find(alias)) {
                        names.push(Name {
                            name: alias.to_owned(),
                            keep: level.keep,
                        });
                    }
                }
            }
        }
        Ok(names)
    }

    fn rank(&self, level: &str, field: &str) -> Result<usize, ConfigError> {
        let rank = self
            .levels
            .iter()
            .position(|known| known.eq_ignore_ascii_case(level));
        rank.ok_or_else(|| {
            let known = self.levels.join(", ");
            ConfigError::new(field, format!("{level:?} is none of the levels: {known}"))
        })
    }
}

fn add(
    names: &mut Vec<Name>,
    name: &str,
    keep: Keep,
    field: impl FnOnce() -> String,
) -> Result<(), ConfigError> {
    let name = name.to_ascii_lowercase();
    if names.iter().any(|known| known.name == name) {
        return Err(ConfigError::new(
            field(),
            format!("{name:?} is there twice"),
        ));
    }
    names.push(Name { name, keep });
    Ok(())
}
