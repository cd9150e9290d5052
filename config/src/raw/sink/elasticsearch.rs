//! What a file may say of a sink that writes Elasticsearch or OpenSearch.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawRequests;
use crate::spec::ElasticsearchOperation;

/// Indexes or data streams of Elasticsearch (7.17 to 9) or OpenSearch. A record's id is the `_id` of its document, and its value,
/// which must be a JSON object, is the document as it stands.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawElasticsearchSink {
    /// `http://` or `https://`, host and port of one node or more, with a path where a proxy wants one. They take turns, and
    /// where one does not answer, the next one is asked.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) urls: Vec<String>,
    /// The index of a record, from `{topic}` (the one that it was read from), `{partition}`, `{route}`, `{time:%Y.%m.%d}`
    /// (the record's time in UTC) and `{field:/Type}` (a field of its JSON value, by pointer). Lower case. Where `{route}` or
    /// `{field:…}` name one that is not legal or cannot be made, the record becomes a dead letter; any other one stops the
    /// pipeline.
    pub(crate) index: String,
    /// Whether `index` names a data stream. Its documents are only ever created, and need a field `@timestamp`.
    #[serde(default)]
    pub(crate) data_stream: bool,
    /// `create` leaves a document alone that is there already under its id; `index` puts the record in its place, so that a
    /// replay of letters through a plugin that was mended mends documents, too. By default `create`: a repeat costs less.
    pub(crate) operation: Option<ElasticsearchOperation>,
    /// Distinct indexes that records may name within an hour; a record that would name one more becomes a dead letter. Sixteen
    /// times as many where only a time tells them apart. Each costs the cluster memory.
    #[serde(default = "indexes_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) indexes_max: usize,
    /// Who logs in. Not beside `api_key`.
    pub(crate) user: Option<String>,
    /// The password of `user`.
    pub(crate) password: Option<String>,
    /// An API key, either in the encoded form that Kibana shows or as `id:key`. Not beside `user`.
    pub(crate) api_key: Option<String>,
    /// A file of PEM with the certificates of those who may have signed the cluster's, beside those whom the system trusts.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether requests are compressed, at gzip's lowest level. Logs shrink to a fifth or less for about a microsecond a
    /// record; turn it off where the cluster is on the same machine.
    #[serde(default = "gzip")]
    pub(crate) gzip: bool,
    /// How long one node may take to answer one request. 30 s: a cluster that is slower is overloaded, and is given time by
    /// waiting before the next try.
    #[serde(default = "timeout_ms")]
    #[schemars(range(min = 100, max = 600_000))]
    pub(crate) timeout_ms: u64,
    /// An index template for the fleet's records, which is made at the start. By default none is.
    pub(crate) template: Option<RawElasticsearchTemplate>,
    /// How records go out.
    #[serde(default)]
    pub(crate) requests: RawRequests,
}

fn indexes_max() -> usize {
    256
}

fn gzip() -> bool {
    true
}

fn timeout_ms() -> u64 {
    30_000
}

/// An index template for all indexes that `index` can name: `Msg` as text (Chinese by the IK plugin where the cluster has it),
/// `Type`, `Action` and `FuncName` as keywords, `Time` and `@timestamp` as dates, `Field` as one flattened field, whose free
/// types never conflict. A template that someone else made under this name is left as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawElasticsearchTemplate {
    /// The name of the template.
    pub(crate) name: String,
    /// Replicas of each index. 1: a node may be lost. A cluster of one node wants 0.
    #[serde(default = "replicas")]
    #[schemars(range(min = 0, max = 100))]
    pub(crate) replicas: u32,
    /// Primary shards of each index. 1 holds some 50 GB well.
    #[serde(default = "shards")]
    #[schemars(range(min = 1, max = 1_024))]
    pub(crate) shards: u32,
    /// Which of several templates for an index counts: the one with the highest number. 200 is above those that come with
    /// Elasticsearch.
    #[serde(default = "priority")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(crate) priority: u32,
}

fn replicas() -> u32 {
    1
}

fn shards() -> u32 {
    1
}

fn priority() -> u32 {
    200
}
