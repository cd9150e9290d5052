//! What a file may say of its source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawProperty;
use crate::spec::StartAt;

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
