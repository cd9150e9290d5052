//! What a file may say of a sink.

mod elasticsearch;
mod file;
mod kafka;
mod mongodb;
mod mysql;
mod outage;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::raw::RawProperty;
use crate::spec::WriterLimits;

pub(crate) use elasticsearch::{RawElasticsearchSink, RawElasticsearchTemplate};
pub(crate) use file::{
    RawCompression, RawCompressionLevel, RawCompressionName, RawFileSink, RawGzip, RawZstd,
};
pub(crate) use kafka::{RawKafkaBatch, RawKafkaSink, RawTransaction};
pub(crate) use mongodb::{
    RawAcknowledgment, RawMongodbCreate, RawMongodbIndex, RawMongodbSink, RawMongodbTls,
    RawTimeSeries, RawWriteConcern,
};
pub(crate) use mysql::{RawMysqlColumn, RawMysqlSink, RawMysqlTls};
pub(crate) use outage::{RawOnOutage, RawPark};

/// One destination: exactly one kind of store, and which records go there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_kind)]
pub(crate) struct RawSink {
    /// Indexes of Elasticsearch or OpenSearch.
    pub(crate) elasticsearch: Option<RawElasticsearchSink>,
    /// Files on a disk.
    pub(crate) file: Option<RawFileSink>,
    /// Topics of a Kafka cluster.
    pub(crate) kafka: Option<RawKafkaSink>,
    /// Tables of MySQL or MariaDB.
    pub(crate) mysql: Option<RawMysqlSink>,
    /// Collections of MongoDB.
    pub(crate) mongodb: Option<RawMongodbSink>,
    /// Which records go there: a list of routes, or `"*"` for all. By default those that no plugin
    /// gave a route.
    pub(crate) routes: Option<RawRoutes>,
    /// Which of these it takes, by a field; all of them by default. A record that no sink takes becomes a dead letter.
    pub(crate) when: Option<RawWhen>,
    /// What becomes of its records while its store is away. By default they `wait`, and hold up what is behind them in their
    /// partitions, for the other sinks too; or they are parked, which needs a store that keeps no order.
    #[serde(default)]
    pub(crate) on_outage: RawOnOutage,
}

/// What a field of a record must be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWhen {
    /// A field of the record's JSON value, by pointer: `/Type`.
    pub(crate) field: String,
    /// Takes records in which it is one of these. Numbers are compared as they are written.
    #[schemars(length(min = 1))]
    pub(crate) is: Option<Vec<RawProperty>>,
    /// Takes records in which it is none of these, and those without it.
    #[schemars(length(min = 1))]
    pub(crate) is_not: Option<Vec<RawProperty>>,
}

/// Tells editors that exactly one kind is chosen. It stands in an `allOf`, which [`crate::shape`] leaves to the check: a sink
/// is one map, and no choice among maps.
fn one_kind(schema: &mut Schema) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys = properties
        .into_iter()
        .flat_map(|properties| properties.keys());
    let kinds = keys.filter(|key| !["routes", "when", "on_outage"].contains(&key.as_str()));
    let kinds = kinds.map(|kind| json!({ "required": [kind] }));
    let one = json!([{ "oneOf": kinds.collect::<Vec<_>>() }]);
    schema.insert("allOf".to_owned(), one);
}

/// How records go out to a store that takes each by its id: a request ends by whichever comes first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRequests {
    /// Records in one request. 2,000 make the way to the store and back cost next to nothing.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) records_max: usize,
    /// Bytes of keys, values and headers in one request; a single larger record goes alone. 4 MiB is what stores like to
    /// take at once.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub(crate) bytes_max: usize,
    /// How long a record may wait for others. 20 ms are not felt, and make requests of more than a few records.
    #[schemars(range(min = 0, max = 60_000))]
    pub(crate) linger_ms: u64,
    /// Requests under way at once. 4 keep a store busy while it answers.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) requests_max: usize,
}

impl Default for RawRequests {
    fn default() -> Self {
        Self {
            records_max: 2_000,
            bytes_max: 4 << 20,
            linger_ms: 20,
            requests_max: 4,
        }
    }
}

impl From<RawRequests> for WriterLimits {
    fn from(raw: RawRequests) -> Self {
        let RawRequests {
            records_max,
            bytes_max,
            linger_ms,
            requests_max,
        } = raw;
        Self {
            records_max,
            bytes_max,
            linger_ms,
            requests_max,
        }
    }
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
