//! What a checked configuration says of a sink of files.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::template::Template;

/// Files on a disk.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSinkSpec {
    /// The folder under which everything is written.
    pub root: PathBuf,
    /// The folder of a record, below `root`.
    pub path: Template,
    /// How a record becomes bytes.
    pub format: FileFormat,
    /// How a file is compressed.
    pub compression: Compression,
    /// When a run ends and its files become visible.
    pub run: RunLimits,
    /// Distinct paths that one run may have open; a record that would open one more becomes a dead letter.
    pub paths_max: usize,
}

/// How a record becomes bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// The value and a line feed. A value that holds a line feed itself is refused.
    Ndjson,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, level 1 to 9.
    Gzip(u32),
    /// Zstandard, level 1 to 19.
    Zstd(i32),
}

/// When a run ends: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunLimits {
    /// Bytes of values, before compression. 128 MiB: about 10 MiB of compressed logs, a good size for a file.
    #[schemars(range(min = 1, max = 1_099_511_627_776u64))]
    pub bytes_max: u64,
    /// Records. A million bounds what is read again after a crash.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub records_max: u64,
    /// Age of the oldest record in it. A minute is how late a record may become visible, and what is read again after
    /// a crash when little comes in.
    #[schemars(range(min = 10, max = 86_400_000))]
    pub age_ms_max: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            bytes_max: 128 << 20,
            records_max: 1_000_000,
            age_ms_max: 60_000,
        }
    }
}
