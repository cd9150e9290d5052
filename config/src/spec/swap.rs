//! How plugins are swapped while records flow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How plugins are swapped while records flow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SwapSpec {
    /// Whether the files of plugins and this file are watched, so that a change takes effect by itself. Without it a change waits
    /// for SIGHUP or a command.
    pub watch: bool,
    /// Whether a new version that works gets live records by itself: always, if it decides the last records as the present one did,
    /// or once `tamis plugin promote` says so.
    pub promote: Promote,
    /// Bytes of the last batches that are kept for trying a new version on, beside the present one. 4 MiB are some ten thousand
    /// records; 0 tries it on live records alone.
    #[schemars(range(max = 1_073_741_824u64))]
    pub shadow_bytes_max: usize,
    /// Longest time for that. Some seconds are enough for the slowest languages.
    #[schemars(range(min = 1, max = 600_000))]
    pub shadow_time_ms_max: u64,
    /// How long a new version is on probation: if it fails on a batch that the one before bears, or breaks one of the limits
    /// below, that one is back before anything of the batch is written. A minute sees most kinds of records.
    #[schemars(range(min = 0, max = 86_400_000u64))]
    pub probation_ms: u64,
    /// Records, of a million, that a version may refuse on probation beyond those that the one before refuses as well.
    /// 1 % leaves room for a stricter version.
    #[schemars(range(max = 1_000_000u64))]
    pub rejected_per_million_max: u64,
    /// How many times the present version's time a record may take on probation; 0 for any. What a shared machine does to
    /// the clock stays below 10.
    #[schemars(range(max = 1_000_000u64))]
    pub slower_max: u64,
}

/// Whether a new version gets live records by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promote {
    /// If it works.
    #[default]
    Auto,
    /// If it decides the last records as the present one does.
    IfSame,
    /// Once a person says so.
    Manual,
}

impl Default for SwapSpec {
    fn default() -> Self {
        Self {
            watch: true,
            promote: Promote::Auto,
            shadow_bytes_max: 4 << 20,
            shadow_time_ms_max: 10_000,
            probation_ms: 60_000,
            rejected_per_million_max: 10_000,
            slower_max: 10,
        }
    }
}
