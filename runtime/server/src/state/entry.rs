//! A line of the history. Its form outlives the process: what changes it needs a new version, and a reader of the old one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of one version of a plugin at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Of this form; see [`Entry::FORM`].
    pub(crate) version: u32,
    /// Milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// The plugin's name in the pipeline.
    pub(crate) plugin: String,
    /// Its version, as it says itself.
    pub(crate) semver: String,
    /// Of the file: 64 digits, lower case.
    pub(crate) sha256: String,
    pub(crate) event: Event,
    /// The SHA-256 of the file that ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) by: Trigger,
    /// Why, where it needs a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What it went through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) steps: Vec<Step>,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// It failed a step, and never had a record that counts.
    Refused,
    /// It passed its steps, and waits for a person.
    Shadowed,
    /// It has the records, and is watched.
    OnProbation,
    /// It is what runs.
    Promoted,
    /// It was taken back; the one that ran before runs again.
    RolledBack,
    /// The pipeline has this plugin no longer.
    Removed,
}

/// Who or what began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trigger {
    /// The start of the process.
    Start,
    /// The plugin's file has changed.
    File,
    /// SIGHUP.
    Signal,
    /// `tamis plugin deploy`.
    Deploy,
    /// `tamis plugin promote`.
    Promote,
    /// `tamis plugin rollback`, or a probation that went wrong.
    Rollback,
    /// The configuration has changed.
    Config,
}

/// One thing that a version has to pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) ok: bool,
    /// How long it took.
    pub(crate) ms: u64,
    /// What came of it, in a line.
    pub(crate) said: String,
    /// What came of it, for a program or for whoever wants to know more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<Value>,
}

impl Entry {
    /// The version of this form.
    pub(crate) const FORM: u32 = 1;
}
