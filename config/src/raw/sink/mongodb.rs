//! What a file may say of a sink that writes collections of MongoDB.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawRequests;
use crate::spec::{BigNumbers, Decimals, Granularity};

/// Collections of MongoDB. A record's id is its document's `_id`, so a repeat changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMongodbSink {
    /// `mongodb://`, then user and password if there are any (`user:password@`, each percent-encoded), one `host:port` or
    /// more, and options, as in `mongodb://tamis:${env:MONGO_PASSWORD}@db1:27017,db2:27017/?replicaSet=rs0&authSource=admin`.
    /// `mongodb+srv://` is refused, and so are the options that `write_concern` stands for.
    pub(crate) uri: String,
    /// The database of a record: a template as in `collection`.
    pub(crate) database: String,
    /// The collection of a record, from `{topic}`, `{partition}`, `{route}`, `{time:%Y-%m-%d}` (the record's time in UTC) and
    /// `{field:/Type}` (a field of its JSON value, by pointer). One that is not there is made. Where `{route}` or
    /// `{field:…}` name one that MongoDB does not allow, or that may not be written, the record becomes a dead letter; any other
    /// one stops the pipeline.
    pub(crate) collection: String,
    /// Distinct collections that records may name within an hour; a record that would name one more becomes a dead letter.
    /// 256 keep a field with free values from filling a server with collections. Sixteen times as many where only a time tells them
    /// apart.
    #[serde(default = "destinations_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub(crate) destinations_max: usize,
    /// When a record counts as written. By default a majority of the servers has it in its journal, so that no failover and
    /// no power cut takes it back.
    #[serde(default)]
    pub(crate) write_concern: RawWriteConcern,
    /// Fields whose text becomes a date: a JSON pointer for each, and the time zone of a text that names none, as in
    /// `{ /Time: Asia/Shanghai }`. Read are RFC 3339 and `2023-01-18 12:00:00`, with or without parts of a second; dates of
    /// MongoDB have milliseconds, finer digits are cut. Whatever else is there stays as it is.
    #[serde(default)]
    pub(crate) dates: BTreeMap<String, String>,
    /// What a number becomes that is no whole number of 64 bits: by default a `double` if that is the same number, and else
    /// what `big_numbers` says. `decimal128` holds 34 digits, and zeros at their end, too; `string` is what was written.
    #[serde(default)]
    pub(crate) decimals: Decimals,
    /// What a number becomes that has no place in what `decimals` says, such as 18446744073709551615 as a double: by default
    /// text, as it was written, so that nothing is lost; or the record becomes a dead letter.
    #[serde(default)]
    pub(crate) big_numbers: BigNumbers,
    /// What a field `_id` of a record is named in its document, whose own `_id` is the record's id. Without it such a record
    /// becomes a dead letter, and so does one that has a field of this name, too.
    pub(crate) keep_id_as: Option<String>,
    /// What is made with a collection: those that the configuration names are made at the start, others when the first record
    /// names them. Nothing by default: MongoDB itself makes plain collections.
    #[serde(default)]
    pub(crate) create: RawMongodbCreate,
    /// TLS, by the authorities of the system unless `ca` says otherwise. By default none, unless `uri` has `tls=true`.
    pub(crate) tls: Option<RawMongodbTls>,
    /// How long an answer may take, until it counts as an outage and the request is sent again. 10 seconds are many times what
    /// a healthy cluster takes. Half of it is left to the servers for the write concern, and half for finding a primary.
    #[serde(default = "timeout_ms")]
    #[schemars(range(min = 100, max = 600_000))]
    pub(crate) timeout_ms: u64,
    /// How records go out together. One request may hold records of several collections, which are written at once.
    #[serde(default)]
    pub(crate) requests: RawRequests,
}

fn destinations_max() -> usize {
    256
}

fn timeout_ms() -> u64 {
    10_000
}

/// When a record counts as written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawWriteConcern {
    /// Who must have it: `majority`, a number of servers, or a write concern of the cluster by its name. With fewer than a
    /// majority a failover can take records back that were counted as written.
    pub(crate) w: RawAcknowledgment,
    /// Whether it must be in their journals. With `false` a power cut can take records back that were counted as written.
    pub(crate) journal: bool,
}

impl Default for RawWriteConcern {
    fn default() -> Self {
        Self {
            w: RawAcknowledgment::Named("majority".to_owned()),
            journal: true,
        }
    }
}

/// `majority`, a number, or a name.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawAcknowledgment {
    Servers(#[schemars(range(min = 1, max = 50))] u32),
    Named(String),
}

/// What is made with a collection.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMongodbCreate {
    /// Indexes beside that of `_id`.
    #[schemars(length(max = 63))]
    pub(crate) indexes: Vec<RawMongodbIndex>,
    /// The collection has a fixed size, and the oldest documents make room for new ones. Not beside `time_series`.
    pub(crate) capped: Option<RawCapped>,
    /// The collection is one of measurements. MongoDB keeps no `_id` unique in it: **records are in it at least once**.
    pub(crate) time_series: Option<RawTimeSeries>,
}

/// An index. There are no unique ones: a record that meets one could never be written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMongodbIndex {
    /// Its fields, in order: `Field.user` goes up, `-Time` goes down.
    #[schemars(length(min = 1, max = 32))]
    pub(crate) keys: Vec<String>,
    /// Its name. MongoDB makes one of its fields by default.
    pub(crate) name: Option<String>,
    /// Documents are removed when the date in its only field is this old; the field must be one of `dates`.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub(crate) expire_after_s: Option<u32>,
}

/// A fixed size.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCapped {
    /// Bytes of all documents together.
    #[schemars(range(min = 4_096, max = 1_125_899_906_842_624u64))]
    pub(crate) bytes_max: u64,
    /// Documents. By default as many as there is room for.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub(crate) records_max: Option<u64>,
}

/// A collection of measurements.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTimeSeries {
    /// The field with the time of each record, which must be one of `dates`; a record without it becomes a dead letter.
    pub(crate) time_field: String,
    /// The field with what the record is about, by which MongoDB groups them.
    pub(crate) meta_field: Option<String>,
    /// How far records of one kind are apart.
    #[serde(default)]
    pub(crate) granularity: Granularity,
    /// Records are removed when their time is this old. By default never.
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub(crate) expire_after_s: Option<u32>,
}

/// TLS.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMongodbTls {
    /// A file of PEM with the certificates of the authorities that are trusted.
    pub(crate) ca: Option<PathBuf>,
    /// A file of PEM with a certificate of our own and its key without a password, where the server asks for one.
    pub(crate) certificate_key: Option<PathBuf>,
}
