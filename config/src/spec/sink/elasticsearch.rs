//! What a checked configuration says of a sink that writes Elasticsearch or OpenSearch.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::WriterLimits;
use crate::spec::Secret;
use crate::template::Template;

/// Indexes or data streams of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticsearchSinkSpec {
    /// Of each node, with its scheme; without credentials. At least one.
    pub urls: Vec<String>,
    /// The index of a record.
    pub index: Template,
    /// Whether that is a data stream.
    pub data_stream: bool,
    /// What becomes of a document that is there already.
    pub operation: ElasticsearchOperation,
    /// Distinct indexes that records may name within an hour.
    pub indexes_max: usize,
    /// Who logs in.
    pub login: ElasticsearchLogin,
    /// Certificates of those who may have signed the cluster's; absolute.
    pub ca_file: Option<PathBuf>,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// How long one node may take to answer one request.
    pub timeout_ms: u64,
    /// The index template that is made at the start.
    pub template: Option<ElasticsearchTemplate>,
    /// How records go out.
    pub requests: WriterLimits,
}

/// What becomes of a document that is there already under its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ElasticsearchOperation {
    /// It stays.
    Create,
    /// It is replaced.
    Index,
}

/// Who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElasticsearchLogin {
    /// No one.
    None,
    /// By name and password.
    User(String, Secret),
    /// By an API key, in its encoded form or as `id:key`.
    ApiKey(Secret),
}

/// An index template for the fleet's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElasticsearchTemplate {
    /// Its name.
    pub name: String,
    /// The indexes that it is for; `*` is anything.
    pub pattern: String,
    /// Replicas of each index.
    pub replicas: u32,
    /// Primary shards of each index.
    pub shards: u32,
    /// The highest counts.
    pub priority: u32,
}

/// Whether Elasticsearch allows an index of this name.
#[must_use]
pub fn is_index_name(name: &str) -> bool {
    const INDEX_BYTES_MAX: usize = 255;
    const RESERVED: &str = "\\/*?\"<>| ,#:";
    let legal = |it: char| !RESERVED.contains(it) && !it.is_control() && !it.is_uppercase();
    (1..=INDEX_BYTES_MAX).contains(&name.len())
        && name.chars().all(legal)
        && !name.starts_with(['-', '_', '+'])
        && name != "."
        && name != ".."
}
