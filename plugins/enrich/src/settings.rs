//! What can be set, and what of it makes sense.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tamis_sdk::{ConfigError, Pointer, json};

/// What is added to each record.
///
/// What is written is a field of the top level; one that is there already gets the new value in its place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Fields with the same value in every record, such as `{"env": "prod"}`.
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    /// The level in lower case. Left out where there is none.
    pub(super) level: Option<Level>,
    /// A time with its zone, made of a local time without one.
    pub(super) timestamp: Option<Timestamp>,
    /// Where the record comes from.
    #[serde(default)]
    pub(super) position: Position,
}

/// A level to be written in lower case.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Level {
    /// JSON pointer to it.
    pub(super) from: String,
    /// JSON pointer to where it goes: `/level`, not `/Field/level`.
    pub(super) to: String,
}

/// A local time to be written with its zone, as RFC 3339 has it: `2023-01-18T12:00:00+08:00`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timestamp {
    /// JSON pointer to it, which is a string.
    pub(super) from: String,
    /// How it is written, as `strftime` has it. A zone or an offset in it goes before `zone`.
    pub(super) format: String,
    /// The zone that it is in: `Asia/Shanghai`, `+08:00` or `UTC`. A time that the zone has twice is the first of
    /// the two, one that it leaves out is moved by what the clocks are moved.
    pub(super) zone: String,
    /// JSON pointer to where it goes.
    pub(super) to: String,
    /// Whether it becomes the record's own time too, by which paths such as `dt={time:%Y-%m-%d}` are made.
    pub(super) record_time: bool,
    /// What becomes of a record without a time, or with one that is none.
    pub(super) on_error: OnError,
}

/// What becomes of a record without a time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnError {
    /// It goes on without the new field.
    #[default]
    Skip,
    /// It becomes a dead letter.
    Reject,
}

/// JSON pointers to where each part of a record's position goes; left out where there is none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Position {
    /// The topic; for a file its path.
    pub(super) topic: Option<String>,
    /// The partition.
    pub(super) partition: Option<String>,
    /// The offset; for a file the byte where the line starts.
    pub(super) offset: Option<String>,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            from: "/Type".to_owned(),
            to: "/level".to_owned(),
        }
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self {
            from: "/Time".to_owned(),
            format: "%Y-%m-%d %H:%M:%S".to_owned(),
            zone: "UTC".to_owned(),
            to: "/@timestamp".to_owned(),
            record_time: false,
            on_error: OnError::Skip,
        }
    }
}

impl Settings {
    /// Refuses pointers that are none, and two values for one field.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let sources = [
            self.level
                .as_ref()
                .map(|level| ("/level/from", &level.from)),
            self.timestamp
                .as_ref()
                .map(|timestamp| ("/timestamp/from", &timestamp.from)),
        ];
        for (field, pointer) in sources.into_iter().flatten() {
            if !pointer.starts_with('/') {
                return Err(ConfigError::new(
                    field,
                    "must be a JSON pointer, such as /Type",
                ));
            }
        }
        if let Some(name) = self.set.keys().find(|name| name.starts_with('/')) {
            let message = "must be the name of a field, such as env, without a slash before it";
            return Err(ConfigError::new(json::join(["set", name]), message));
        }
        let mut taken: Vec<_> = self.set.keys().map(|name| json::join([name])).collect();
        for (field, target) in self.targets() {
            if !Pointer::new(target.as_str()).is_top_level() {
                let message = "must be a JSON pointer to a field of the top level, such as /level";
                return Err(ConfigError::new(field, message));
            }
            if taken.iter().any(|taken| taken == target) {
                return Err(ConfigError::new(field, format!("{target} is set twice")));
            }
            taken.push(target.clone());
        }
        Ok(())
    }

    /// Where something is written that is not the same in every record: the setting that says so, and the pointer.
    fn targets(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let Position {
            topic,
            partition,
            offset,
        } = &self.position;
        let targets = [
            ("/level/to", self.level.as_ref().map(|level| &level.to)),
            (
                "/timestamp/to",
                self.timestamp.as_ref().map(|timestamp| &timestamp.to),
            ),
            ("/position/topic", topic.as_ref()),
            ("/position/partition", partition.as_ref()),
            ("/position/offset", offset.as_ref()),
        ];
        targets
            .into_iter()
            .filter_map(|(field, target)| Some((field, target?)))
    }
}
