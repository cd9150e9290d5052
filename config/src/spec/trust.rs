//! Whose plugins a pipeline runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose plugins a pipeline runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSpec {
    /// Public keys in minisign's form, each the one line `RWQ…`; at least one.
    pub keys: Vec<String>,
    /// What becomes of a version that is older than one that ran.
    pub downgrade: Downgrade,
}

/// What becomes of a version of a plugin that is older than one that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Downgrade {
    /// It is refused. `tamis plugin rollback` still goes back.
    #[default]
    Refuse,
    /// It is treated as any other.
    Allow,
}
