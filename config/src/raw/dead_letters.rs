//! What a file may say of its dead letters.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawProperty;

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
