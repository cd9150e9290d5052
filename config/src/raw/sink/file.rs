//! What a file may say of a sink of files.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::{FileFormat, RunLimits};

/// Files on a disk.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFileSink {
    /// The folder under which everything is written: `file:///` and an absolute path, taken as it
    /// stands.
    pub(crate) url: String,
    /// The folder of a record below `url`, from `{topic}`, `{partition}`, `{route}`,
    /// `{time:%Y-%m-%d}` (the record's time in UTC) and `{field:/Type}` (a field of its JSON value,
    /// by pointer).
    pub(crate) path: String,
    /// How a record becomes bytes: `ndjson` is the value and a line feed.
    pub(crate) format: FileFormat,
    /// `none`, `gzip`, `zstd`, or one with its level, as in `{ zstd: { level: 3 } }`. By default
    /// `none`: every tool reads it.
    #[serde(default)]
    pub(crate) compression: RawCompression,
    /// When a run ends and its files become visible: whichever comes first.
    #[serde(default)]
    pub(crate) run: RunLimits,
    /// Distinct paths that one run may have open; a record that would open one more becomes a dead letter.
    /// 256 stays well below the 1,024 files that a process may open by default.
    #[serde(default = "paths_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) paths_max: usize,
}

fn paths_max() -> usize {
    256
}

/// How a file is compressed.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawCompression {
    Named(RawCompressionName),
    Leveled(RawCompressionLevel),
}

impl Default for RawCompression {
    fn default() -> Self {
        Self::Named(RawCompressionName::None)
    }
}

/// A compression with its usual level.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawCompressionName {
    None,
    Gzip,
    Zstd,
}

/// A compression with its own level.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawCompressionLevel {
    /// gzip, which everything reads.
    Gzip(RawGzip),
    /// Zstandard, which is smaller and several times faster.
    Zstd(RawZstd),
}

/// gzip.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGzip {
    /// Higher is smaller and slower. 6 is gzip's own default.
    #[schemars(range(min = 1, max = 9))]
    pub(crate) level: u32,
}

impl Default for RawGzip {
    fn default() -> Self {
        Self { level: 6 }
    }
}

/// Zstandard.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawZstd {
    /// Higher is smaller and slower. 3 is Zstandard's own default.
    #[schemars(range(min = 1, max = 19))]
    pub(crate) level: i32,
}

impl Default for RawZstd {
    fn default() -> Self {
        Self { level: 3 }
    }
}
