//! What a checked configuration says of a sink that writes collections of MongoDB.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WriterLimits;
use crate::spec::Secret;
use crate::template::Template;

/// Collections of MongoDB.
#[derive(Debug, Clone, PartialEq)]
pub struct MongodbSinkSpec {
    /// `mongodb://…`, in which no option is about writes.
    pub uri: Secret,
    /// The database of a record.
    pub database: Template,
    /// Its collection.
    pub collection: Template,
    /// Distinct collections that records may name within an hour.
    pub destinations_max: usize,
    /// When a record counts as written.
    pub write_concern: MongodbWriteConcern,
    /// Fields whose text becomes a date.
    pub dates: Vec<MongodbDate>,
    /// What a number becomes that is no whole number of 64 bits.
    pub decimals: Decimals,
    /// What a number becomes that has no place in that.
    pub big_numbers: BigNumbers,
    /// What a field `_id` of a record is named.
    pub keep_id_as: Option<String>,
    /// What is made with a collection.
    pub create: MongodbCreate,
    /// TLS, if `uri` does not say all about it.
    pub tls: Option<MongodbTls>,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// How records go out together.
    pub requests: WriterLimits,
}

/// When a record counts as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongodbWriteConcern {
    /// Who must have it.
    pub servers: MongodbServers,
    /// Whether it must be in their journals.
    pub journal: bool,
}

/// Servers of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MongodbServers {
    /// More than half of them.
    Majority,
    /// So many of them; at least one.
    Count(u32),
    /// Those that the cluster means by this name.
    Named(String),
}

/// A field whose text becomes a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongodbDate {
    /// The names that lead to it; at least one.
    pub field: Vec<String>,
    /// The time zone of a text that names none, as jiff reads it.
    pub zone: String,
}

/// What a number becomes that is no whole number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decimals {
    /// A floating-point number of 64 bits, if its shortest form is the same number.
    #[default]
    Double,
    /// A decimal number of 34 digits, if it fits.
    Decimal128,
    /// Text, as it was written.
    String,
}

/// What a number becomes that has no place in what [`Decimals`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BigNumbers {
    /// Text, as it was written.
    #[default]
    String,
    /// Nothing: the record becomes a dead letter.
    DeadLetter,
}

/// What is made with a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MongodbCreate {
    /// Indexes beside that of `_id`.
    pub indexes: Vec<MongodbIndex>,
    /// What kind of collection it is.
    pub kind: MongodbKind,
}

/// A kind of collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MongodbKind {
    /// A usual one.
    #[default]
    Plain,
    /// One of a fixed size.
    Capped {
        /// Bytes of all documents together.
        bytes_max: u64,
        /// Documents.
        records_max: Option<u64>,
    },
    /// One of measurements, in which `_id` is not unique.
    TimeSeries {
        /// The field with the time; one of the dates.
        time_field: String,
        /// The field with what a record is about.
        meta_field: Option<String>,
        /// How far records of one kind are apart.
        granularity: Granularity,
        /// The age at which records are removed, in seconds.
        expire_after_s: Option<u32>,
    },
}

/// How far measurements of one kind are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// Seconds.
    #[default]
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongodbIndex {
    /// Its fields, in order, and whether each goes down.
    pub keys: Vec<(String, bool)>,
    /// Its name, if it is not to be made of its fields.
    pub name: Option<String>,
    /// The age of the date in its only field at which documents are removed, in seconds.
    pub expire_after_s: Option<u32>,
}

/// TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongodbTls {
    /// A file of PEM with authorities; absolute. Those of the system if there is none.
    pub ca: Option<PathBuf>,
    /// A file of PEM with a certificate of our own and its key; absolute.
    pub certificate_key: Option<PathBuf>,
}

/// Whether MongoDB allows a database of this name, on every system, and leaves it to its users.
#[must_use]
pub fn is_database_name(name: &str) -> bool {
    const DATABASE_BYTES_MAX: usize = 63;
    let illegal = [
        '/', '\\', '.', ' ', '"', '$', '*', '<', '>', ':', '|', '?', '\0',
    ];
    (1..=DATABASE_BYTES_MAX).contains(&name.len())
        && !name.contains(illegal)
        && !["admin", "config", "local"].contains(&name)
}

/// Whether MongoDB allows a collection of this name, and leaves it to its users. With its database and a dot it may have 255
/// bytes.
#[must_use]
pub fn is_collection_name(database: &str, name: &str) -> bool {
    const NAMESPACE_BYTES_MAX: usize = 255;
    !name.is_empty()
        && database.len() + 1 + name.len() <= NAMESPACE_BYTES_MAX
        && !name.contains(['$', '\0'])
        && !name.starts_with(['.'])
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.starts_with("system.")
}
