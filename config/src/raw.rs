//! What a configuration file may say, before it is checked. The JSON schema, the reference page and
//! the check of the file's shape are all made from these types: a field's comment is its
//! documentation.
//!
//! None of them is `Debug`: they hold secrets in the open.

mod dead_letters;
mod sink;
mod source;
mod trust;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::{Capability, OnQuarantine, PluginLimits, SwapSpec};

pub(crate) use dead_letters::{RawDeadFolder, RawDeadLetters, RawDeadTopic};
pub(crate) use sink::{
    RawAcknowledgment, RawCompression, RawCompressionLevel, RawCompressionName,
    RawElasticsearchSink, RawElasticsearchTemplate, RawFileSink, RawGzip, RawKafkaBatch,
    RawKafkaSink, RawMongodbCreate, RawMongodbIndex, RawMongodbSink, RawMongodbTls, RawMysqlColumn,
    RawMysqlSink, RawMysqlTls, RawOnOutage, RawPark, RawRoutes, RawSink, RawStar, RawTimeSeries,
    RawTransaction, RawWhen, RawWriteConcern, RawZstd,
};
pub(crate) use source::{RawFileSource, RawKafkaSource, RawPaths, RawSource};
pub(crate) use trust::RawTrust;

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
    /// How plugins are swapped while records flow.
    #[serde(default)]
    pub(crate) swap: SwapSpec,
    /// A field of the top level into which Tamis writes the plugins that made a record what it is, as
    /// a list of `NAME@VERSION`. Without it values are as the plugins leave them, and so is in any
    /// case what is no JSON object.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) stamp_field: Option<String>,
    /// Whose plugins are run. Anyone's by default: whoever can write a plugin's file decides what runs.
    pub(crate) trust: Option<RawTrust>,
}

/// A text, a number or a flag: the value of a librdkafka property, or of a field.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawProperty {
    Text(String),
    Number(i64),
    Flag(bool),
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
