//! What a checked configuration says: every value in range, every default filled in, every secret expanded.
//!
//! The types of this file are the only ones that the other crates see. Those that are plain choices or plain numbers
//! are read from the file as they are: their ranges are part of the schema, which is enforced before they are made.

mod sink;
mod swap;
mod trust;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use sink::is_among;
pub use sink::{
    Among, BigNumbers, Compression, Decimals, ElasticsearchLogin, ElasticsearchOperation,
    ElasticsearchSinkSpec, ElasticsearchTemplate, FileFormat, FileSinkSpec, Granularity,
    KAFKA_REQUEST, KafkaDelivery, KafkaKey, KafkaSinkSpec, MYSQL_ID, MongodbCreate, MongodbDate,
    MongodbIndex, MongodbKind, MongodbServers, MongodbSinkSpec, MongodbTls, MongodbWriteConcern,
    MysqlColumn, MysqlFrom, MysqlServer, MysqlSinkSpec, MysqlTls, MysqlTlsMode, MysqlType,
    OnOutage, Routes, RunLimits, SinkKind, SinkSpec, WhenSpec, WriterLimits, is_collection_name,
    is_database_name, is_index_name, is_sql_name, is_topic_name,
};

pub use swap::{Promote, SwapSpec};
pub use trust::{Downgrade, TrustSpec};

/// One pipeline: one source, ordered plugins, one or more sinks.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineSpec {
    /// Its name: `[a-z0-9][a-z0-9._-]*`, at most 100 bytes.
    pub name: String,
    /// Where records come from.
    pub source: SourceSpec,
    /// What they pass through, in order.
    pub plugins: Vec<PluginSpec>,
    /// Where they go; at least one, names are distinct.
    pub sinks: Vec<SinkSpec>,
    /// Where refused records go.
    pub dead_letters: DeadLettersSpec,
    /// Bounds of everything that could grow.
    pub limits: LimitsSpec,
    /// How plugins are swapped while records flow.
    pub swap: SwapSpec,
    /// The field of a record that says which plugins made it; none where values stay as they are.
    pub stamp_field: Option<String>,
    /// Whose plugins it runs; anyone's where there is none.
    pub trust: Option<TrustSpec>,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceSpec {
    /// Topics of a Kafka cluster, read as a member of a consumer group.
    Kafka(KafkaSourceSpec),
    /// Lines of files, each read once from start to end.
    File(FileSourceSpec),
    /// Lines of the standard input.
    Stdin(StdinSourceSpec),
}

/// A Kafka consumer group member.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSourceSpec {
    /// `host:port` each; at least one.
    pub brokers: Vec<String>,
    /// At least one. A name that starts with `^` is a regular expression.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// Where a group starts that has committed nothing yet.
    pub start_at: StartAt,
    /// First part of each record's id; `None` for the id of the cluster.
    pub name: Option<String>,
    /// Bytes that librdkafka may fetch ahead, over all partitions.
    pub prefetch_bytes_max: u64,
    /// Any other librdkafka property, handed through as it is. Values may be secrets.
    pub properties: BTreeMap<String, Secret>,
}

/// Where a consumer group starts that has committed nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// At the oldest record that the topic still has.
    Earliest,
    /// At the end: only what comes from now on.
    Latest,
}

/// Files of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSourceSpec {
    /// Files or globs; at least one, each absolute.
    pub paths: Vec<String>,
    /// First part of each record's id; defaults to `file`.
    pub name: String,
}

/// The standard input.
#[derive(Debug, Clone, PartialEq)]
pub struct StdinSourceSpec {
    /// First part of each record's id; defaults to `stdin`.
    pub name: String,
}

/// One plugin of the chain.
#[derive(Clone, PartialEq)]
pub struct PluginSpec {
    /// Its name in this pipeline; distinct.
    pub name: String,
    /// The wasm file: a component, or a module made for `wasm32-unknown-unknown`. Absolute.
    pub path: PathBuf,
    /// Its settings: always a JSON object.
    pub settings: serde_json::Value,
    /// What `${…}` brought into its settings: what it says of them must not show these.
    pub secrets: Vec<Secret>,
    /// Imports that it may use.
    pub grants: Vec<Capability>,
    /// What it may spend.
    pub limits: PluginLimits,
    /// What happens when it spends its whole error budget.
    pub on_quarantine: OnQuarantine,
}

impl fmt::Debug for PluginSpec {
    /// Leaves the settings out: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginSpec")
            .field("name", &self.name)
            .field("path", &self.path)
            .field("grants", &self.grants)
            .field("limits", &self.limits)
            .field("on_quarantine", &self.on_quarantine)
            .finish_non_exhaustive()
    }
}

/// An import that a plugin gets only when it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// The clock of the wall.
    Clock,
}

/// What one instance of a plugin may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PluginLimits {
    /// Linear memory. 64 MiB: a batch, its answer and a lookup table fit; a leak is found early.
    #[schemars(range(min = 1_048_576u64, max = 4_294_967_296u64))]
    pub memory_bytes_max: u64,
    /// Wall time of one batch. A second is a thousand times what a batch should take, so only a hang meets it.
    #[schemars(range(min = 1, max = 600_000))]
    pub batch_time_ms_max: u64,
    /// Bytes that it may answer to one batch. 64 MiB: as much as its memory.
    #[schemars(range(min = 1_024, max = 2_147_483_647u64))]
    pub output_bytes_max: u64,
    /// Outputs that it may make of one record. 1,000 splits any real record and stops a bomb.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub outputs_per_record_max: u32,
    /// Time for finding the guilty records of one batch; beyond it the plugin is quarantined. To find one
    /// record among 1,024 takes eleven tries, each of which hangs for its whole second where a record loops.
    #[schemars(range(min = 1, max = 600_000))]
    pub search_time_ms_max: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            batch_time_ms_max: 1_000,
            output_bytes_max: 64 << 20,
            outputs_per_record_max: 1_000,
            search_time_ms_max: 30_000,
        }
    }
}

/// What happens to a plugin that could not be tamed within its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnQuarantine {
    /// The pipeline stops.
    #[default]
    Stop,
    /// Records pass by the plugin unchanged.
    Bypass,
    /// Records become dead letters.
    DeadLetter,
}

/// Where refused records go. With both, the folder takes what the topic refuses (too large a record).
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLettersSpec {
    /// A Kafka topic.
    pub kafka: Option<DeadTopicSpec>,
    /// A folder on a disk; absolute.
    pub folder: Option<PathBuf>,
}

/// A Kafka topic for dead letters.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadTopicSpec {
    /// `host:port` each; those of the source unless given.
    pub brokers: Vec<String>,
    /// The topic; it must exist, or the broker must make it.
    pub topic: String,
    /// librdkafka producer properties; those of a Kafka source that say how to connect are taken over by `check`.
    pub properties: BTreeMap<String, Secret>,
}

/// Bounds of everything that could grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsSpec {
    /// Worker threads; defaults to the number of cores.
    pub lanes: usize,
    /// Records in one batch.
    pub batch_records_max: usize,
    /// Bytes in one batch (a single larger record is a batch of its own).
    pub batch_bytes_max: usize,
    /// Bytes of batches taken from the source and not yet let go of.
    pub in_flight_bytes_max: usize,
    /// How long revoked partitions may take to drain.
    pub drain_timeout_ms: u64,
    /// How long everything may take to drain at the end.
    pub shutdown_timeout_ms: u64,
    /// Time between two commits.
    pub commit_interval_ms: u64,
}

/// A string that no log, error or API ever prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: for handing it to a client, never for printing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
