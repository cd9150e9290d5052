//! What a file may say of a sink that writes Kafka topics.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::raw::RawProperty;
use crate::spec::KAFKA_REQUEST;

/// Topics of a Kafka cluster. Every record carries its id in the header `tamis-id`,
/// and in `tamis-plugins` which versions of which plugins made it what it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawKafkaSink {
    /// The topic of a record, from `{topic}` (the one that it was read from), `{partition}`, `{route}`, `{time:%Y-%m-%d}`
    /// (the record's time in UTC) and `{field:/Type}` (a field of its JSON value, by pointer). A topic must exist, or the
    /// broker must make it. Where `{route}`, `{time:…}` or `{field:…}` name one that does not, or that Kafka does not
    /// allow, the record becomes a dead letter; any other one stops the pipeline.
    pub(crate) topic: String,
    /// `host:port` of one broker or more. Those of a Kafka source by default, together with the properties that say how to
    /// connect (`security.*`, `sasl.*`, `ssl.*`, `client.*`, `debug`): another cluster is never given credentials that were
    /// meant for the source.
    #[schemars(length(min = 1))]
    pub(crate) brokers: Option<Vec<String>>,
    /// `record` for the record's own key, `none`, or a template as in `topic`; where a record lacks what the template
    /// names, it has no key. Records without a key stay in order: each partition that is read has one that is written.
    #[serde(default = "key")]
    pub(crate) key: String,
    /// Headers beside the record's own: a template for each name. Where a record lacks what a template names, that header
    /// is left out.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Distinct topics that records may name within an hour; a record that would name one more becomes a dead letter.
    #[serde(default = "topics_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) topics_max: usize,
    /// How many records go out together. Not beside `transactional`.
    pub(crate) batch: Option<RawKafkaBatch>,
    /// Whether records and the offsets that they come from are committed in one transaction, so that a reader of
    /// committed records sees each once. For a Kafka source on the same cluster, and for one sink alone.
    #[serde(default)]
    pub(crate) transactional: bool,
    /// When a transaction ends, whichever comes first. Only with `transactional`.
    pub(crate) run: Option<RawTransaction>,
    /// Any other producer property of librdkafka, such as `compression.type`; those that Tamis sets itself are refused.
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, RawProperty>,
}

fn key() -> String {
    "record".to_owned()
}

fn topics_max() -> usize {
    256
}

/// How many records go out together: whichever comes first. One such batch is under way at a time, for the sake of order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawKafkaBatch {
    /// Records. 10,000 keep a broker busy while the next ones come together.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) records_max: usize,
    /// Bytes of keys, values and headers; a single larger record goes alone. 4 MiB are several requests to a broker.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub(crate) bytes_max: usize,
    /// How long a record may wait for others. 20 ms are not felt, and make requests of more than a few records.
    #[schemars(range(min = 0, max = 60_000))]
    pub(crate) linger_ms: u64,
}

impl Default for RawKafkaBatch {
    fn default() -> Self {
        Self {
            records_max: KAFKA_REQUEST.records_max,
            bytes_max: KAFKA_REQUEST.bytes_max,
            linger_ms: KAFKA_REQUEST.linger_ms,
        }
    }
}

/// When a transaction ends: whichever comes first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawTransaction {
    /// Bytes of values. 16 MiB are read again after a crash.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub(crate) bytes_max: u64,
    /// Records. 100,000 are many enough that the commit costs nothing.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(crate) records_max: u64,
    /// Age of the oldest record in it. A second is how late a record may be seen.
    #[schemars(range(min = 10, max = 600_000))]
    pub(crate) age_ms_max: u64,
}

impl Default for RawTransaction {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            records_max: 100_000,
            age_ms_max: 1_000,
        }
    }
}
