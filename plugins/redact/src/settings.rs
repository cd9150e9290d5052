//! What can be set, and what of it makes sense.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use tamis_sdk::{ConfigError, json};

use super::Rules;
use super::fields::{FIELDS_MAX, Fields};
use super::hide::{Hide, Method};
use super::patterns::{Pattern, Patterns};

/// Whoever knows the key can try all phone numbers; it must not be possible to try all keys.
const KEY_BYTES_MIN: usize = 16;

/// What is hidden, and how. It is not `Debug`, because it holds the key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// JSON pointers to fields, at any depth. The token `*` stands for each member or element. A field is hidden as a
    /// whole, whatever it is; `null` hides nothing, and stays unless it is removed.
    #[serde(default)]
    fields: Vec<String>,
    /// What is looked for in the strings of the record; numbers and keys are not looked into.
    #[serde(default)]
    patterns: Vec<Pattern>,
    /// What becomes of all that.
    #[serde(default)]
    method: Method,
    /// What becomes of some of it instead: a field as it stands in `fields`, or a pattern.
    #[serde(default)]
    methods: BTreeMap<String, Method>,
    /// The key for `hash`: 16 bytes at least. Name a secret: `${env:REDACT_KEY}` or `${file:/run/secrets/redact}`.
    key: Option<String>,
    /// What becomes of a record whose value is no valid JSON. A tombstone always stays.
    #[serde(default)]
    pub(super) on_invalid: OnInvalid,
}

/// What becomes of a record that is no JSON.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnInvalid {
    /// It becomes a dead letter.
    #[default]
    Reject,
    /// Patterns are looked for in all of it, as in one string; it has no fields.
    Text,
}

impl Settings {
    pub(super) fn rules(self) -> Result<Rules, ConfigError> {
        if self.fields.is_empty() && self.patterns.is_empty() {
            let message = "hides nothing: name fields, patterns, or both";
            return Err(ConfigError::new("", message));
        }
        self.check_methods()?;
        let (mut fields, mut patterns) = (Fields::default(), Patterns::default());
        for (index, field) in self.fields.iter().enumerate() {
            let refused = |message: &str| ConfigError::new(format!("/fields/{index}"), message);
            if !field.starts_with('/') {
                return Err(refused("must be a JSON pointer, such as /Field/phone"));
            }
            if self.fields[..index].contains(field) {
                return Err(refused("is there twice"));
            }
            if index == FIELDS_MAX {
                return Err(refused("is one too many: there can be 64"));
            }
            fields.add(field, self.method_of(field));
        }
        for (index, &pattern) in self.patterns.iter().enumerate() {
            if self.patterns[..index].contains(&pattern) {
                let field = format!("/patterns/{index}");
                return Err(ConfigError::new(field, "is there twice"));
            }
            patterns.add(pattern, self.method_of(pattern.name()));
        }
        let hide = Hide::new(self.key.as_deref());
        Ok(Rules {
            fields,
            patterns,
            hide,
        })
    }

    fn check_methods(&self) -> Result<(), ConfigError> {
        let names = self.patterns.iter().map(|pattern| pattern.name());
        let names: Vec<&str> = names
            .chain(self.fields.iter().map(String::as_str))
            .collect();
        let unknown = self
            .methods
            .keys()
            .find(|name| !names.contains(&name.as_str()));
        if let Some(name) = unknown {
            let message = "is not in fields, nor in patterns";
            return Err(ConfigError::new(json::join(["methods", name]), message));
        }
        let hashes = names
            .iter()
            .any(|name| self.method_of(name) == Method::Hash);
        match &self.key {
            None if hashes => Err(ConfigError::new("/key", "is missing, and hash needs one")),
            Some(key) if key.len() < KEY_BYTES_MIN => Err(ConfigError::new(
                "/key",
                "must have 16 bytes at least, and not be a word",
            )),
            None | Some(_) => Ok(()),
        }
    }

    fn method_of(&self, name: &str) -> Method {
        self.methods.get(name).copied().unwrap_or(self.method)
    }
}
