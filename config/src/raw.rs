//! What a configuration file may say, before it is checked. The JSON schema, the reference page and
//! the check of the file's shape are all made from these types: a field's comment is its
//! documentation.
//!
//! None of them is `Debug`: they hold secrets in the open.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::{Capability, FileFormat, OnQuarantine, PluginLimits, RunLimits, StartAt};

/// One pipeline: one source, plugins in order, one or more sinks. Names are lower case:
/// `[a-z0-9][a-z0-9._-]*`. Relative paths start at the folder of this file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tamis pipeline")]
pub(crate) struct RawPipeline {
    /// The pipeline's name, at most 100 characters.
    pub(crate) pipeline: String,
    /// Where records come from.
    pub(crate) source: RawSource,
    /// What records pass through, in order. None by default: they are only copied.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub(crate) plugins: Vec<RawPlugin>,
    /// Where records go, by name; at least one.
    #[schemars(extend("minProperties" = 1))]
    pub(crate) sinks: BTreeMap<String, RawSink>,
    /// Where refused records go: a topic, a folder, or both. With both, the folder takes what the
    /// topic refuses.
    pub(crate) dead_letters: RawDeadLetters,
    /// Bounds of everything that could grow.
    #[serde(default)]
    pub(crate) limits: RawLimits,
}

/// Where records come from: exactly one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawSource {
    /// Topics of a Kafka cluster, read as a member of a consumer group.
    Kafka(RawKafkaSource),
    /// Lines of files, each read once from start to end.
    File(RawFileSource),
    /// Lines of the standard input.
    Stdin(RawStdinSource),
}

/// A Kafka consumer group member.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawKafkaSource {
    /// `host:port` of one broker or more; the others are found through them.
    #[schemars(length(min = 1))]
    pub(crate) brokers: Vec<String>,
    /// The topics to read. One that starts with `^` is a regular expression.
    #[schemars(length(min = 1))]
    pub(crate) topics: Vec<String>,
    /// The consumer group: its committed offsets are where reading goes on after a restart. Members share partitions by
    /// `cooperative-sticky`; a group whose members use another strategy refuses it unless the property
    /// `partition.assignment.strategy` says the same.
    pub(crate) group: String,
    /// Where a group starts that has committed nothing yet. It has no default: one choice reads
    /// what may be days of records, the other skips them.
    pub(crate) start_at: StartAt,
    /// First part of each record's id. The id of the Kafka cluster by default, so that ids of two
    /// clusters differ.
    pub(crate) name: Option<String>,
    /// Bytes that may be fetched ahead, over all partitions. 16 MiB: enough to keep every lane busy
    /// during a fetch.
    #[serde(default = "prefetch_bytes_max")]
    #[schemars(range(min = 65_536, max = 2_147_482_624u64))]
    pub(crate) prefetch_bytes_max: u64,
    /// Any other property of librdkafka, such as `security.protocol`; those that Tamis sets itself
    /// are refused.
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, RawProperty>,
}

fn prefetch_bytes_max() -> u64 {
    16 << 20
}

/// The value of a librdkafka property.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawProperty {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// Files of lines.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFileSource {
    /// A file or glob, or a list of them.
    pub(crate) paths: RawPaths,
    /// First part of each record's id.
    #[serde(default = "file_name")]
    pub(crate) name: String,
}

fn file_name() -> String {
    "file".to_owned()
}

/// One path or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawPaths {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

/// The standard input.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStdinSource {
    /// First part of each record's id.
    #[serde(default = "stdin_name")]
    pub(crate) name: String,
}

fn stdin_name() -> String {
    "stdin".to_owned()
}

/// One plugin of the chain.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPlugin {
    /// Its name in this pipeline; no two have the same.
    pub(crate) name: String,
    /// The wasm file: a component, or a module made for `wasm32-unknown-unknown`.
    pub(crate) path: PathBuf,
    /// Its own settings; the plugin says which there are.
    #[serde(default)]
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
    /// Imports that it may use. None by default: a plugin sees its records and nothing else.
    #[serde(default)]
    pub(crate) grants: Vec<Capability>,
    /// What one instance of it may spend.
    #[serde(default)]
    pub(crate) limits: PluginLimits,
    /// What happens once it could not be tamed within its limits. By default the pipeline stops:
    /// whatever else it did would be a guess.
    #[serde(default)]
    pub(crate) on_quarantine: OnQuarantine,
}

/// One destination.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSink {
    /// Files on a disk.
    pub(crate) file: RawFileSink,
    /// Which records go there: a list of routes, or `"*"` for all. By default those that no plugin
    /// gave a route.
    pub(crate) routes: Option<RawRoutes>,
}

/// Routes by name, or all.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawRoutes {
    All(RawStar),
    Named(#[schemars(length(min = 1))] Vec<String>),
}

/// All routes, and no route too.
#[derive(Deserialize, JsonSchema)]
pub(crate) enum RawStar {
    #[serde(rename = "*")]
    Star,
}

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

/// Where refused records go: at least one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeadLetters {
    /// A Kafka topic.
    pub(crate) kafka: Option<RawDeadTopic>,
    /// A folder on a disk.
    pub(crate) folder: Option<RawDeadFolder>,
}

/// A Kafka topic for dead letters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeadTopic {
    /// The topic; it must exist, or the broker must make it.
    pub(crate) topic: String,
    /// `host:port` of one broker or more. Those of a Kafka source by default, together with the
    /// properties that say how to connect (`security.*`, `sasl.*`, `ssl.*`, `client.*`, `debug`):
    /// another cluster is never given credentials that were meant for the source.
    #[schemars(length(min = 1))]
    pub(crate) brokers: Option<Vec<String>>,
    /// Any other producer property of librdkafka; those that Tamis sets itself are refused.
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, RawProperty>,
}

/// A folder for dead letters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDeadFolder {
    /// The folder; it is made if it is missing.
    pub(crate) path: PathBuf,
}

/// Bounds of everything that could grow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLimits {
    /// Worker threads. As many as there are cores by default: a lane computes and never waits for a
    /// store.
    #[schemars(range(min = 1, max = 256))]
    pub(crate) lanes: Option<usize>,
    /// Records in one batch. 1,024 make the cost of a plugin call vanish; more only wait longer.
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) batch_records_max: usize,
    /// Bytes in one batch; a single larger record is a batch of its own. 1 MiB stays in a core's
    /// cache.
    #[schemars(range(min = 1_024, max = 268_435_456))]
    pub(crate) batch_bytes_max: usize,
    /// Bytes of batches taken from the source and not yet let go of. 32 MiB hides the pause of a
    /// slow store and keeps the process small.
    #[schemars(range(min = 1_024, max = 17_179_869_184u64))]
    pub(crate) in_flight_bytes_max: usize,
    /// How long revoked partitions may take to drain; below `max.poll.interval.ms` (300 s unless
    /// set), or the member is put out of its group. 30 s outlast a slow store and hold a rebalance
    /// up for no longer.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub(crate) drain_timeout_ms: u64,
    /// How long everything may take to drain at the end. 30 s is what container runtimes wait
    /// before they kill.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub(crate) shutdown_timeout_ms: u64,
    /// Time between two commits. A second bounds what is read again after a crash, and the broker
    /// hardly notices.
    #[schemars(range(min = 10, max = 600_000))]
    pub(crate) commit_interval_ms: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            lanes: None,
            batch_records_max: 1_024,
            batch_bytes_max: 1 << 20,
            in_flight_bytes_max: 32 << 20,
            drain_timeout_ms: 30_000,
            shutdown_timeout_ms: 30_000,
            commit_interval_ms: 1_000,
        }
    }
}
