//! What a checked configuration says of a sink.

mod elasticsearch;
mod file;
mod kafka;
mod mongodb;
mod mysql;

use super::DeadLettersSpec;

pub use elasticsearch::{
    ElasticsearchLogin, ElasticsearchOperation, ElasticsearchSinkSpec, ElasticsearchTemplate,
    is_index_name,
};
pub use file::{Compression, FileFormat, FileSinkSpec, RunLimits};
pub(crate) use kafka::is_among;
pub use kafka::{KAFKA_REQUEST, KafkaDelivery, KafkaKey, KafkaSinkSpec, is_topic_name};
pub use mongodb::{
    BigNumbers, Decimals, Granularity, MongodbCreate, MongodbDate, MongodbIndex, MongodbKind,
    MongodbServers, MongodbSinkSpec, MongodbTls, MongodbWriteConcern, is_collection_name,
    is_database_name,
};
pub use mysql::{
    MYSQL_ID, MysqlColumn, MysqlFrom, MysqlServer, MysqlSinkSpec, MysqlTls, MysqlTlsMode,
    MysqlType, is_sql_name,
};

/// One destination.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkSpec {
    /// Its name in this pipeline; distinct.
    pub name: String,
    /// The store.
    pub kind: SinkKind,
    /// Which records go there.
    pub routes: Routes,
    /// Which of them; `None` for all.
    pub when: Option<WhenSpec>,
    /// What becomes of them while the store is away.
    pub on_outage: OnOutage,
}

/// What a field of a record must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhenSpec {
    /// A pointer into its JSON value.
    pub field: String,
    /// The values that it takes.
    pub among: Among,
}

/// Values, as a record writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// One of these.
    These(Vec<String>),
    /// Any but these, or none.
    Others(Vec<String>),
}

/// What becomes of a sink's records while its store is away.
#[derive(Debug, Clone, PartialEq)]
pub enum OnOutage {
    /// They wait.
    Wait,
    /// They are parked, as letters.
    Park {
        /// How long it may be away before.
        after_ms: u64,
        /// Where.
        to: DeadLettersSpec,
    },
}

/// Which records a sink takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routes {
    /// Those that no plugin gave a route.
    Unrouted,
    /// Those with one of these routes.
    Named(Vec<String>),
    /// All of them.
    All,
}

/// A store.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkKind {
    /// Indexes of Elasticsearch or OpenSearch.
    Elasticsearch(ElasticsearchSinkSpec),
    /// Files on a disk.
    File(FileSinkSpec),
    /// Topics of a Kafka cluster.
    Kafka(KafkaSinkSpec),
    /// Collections of MongoDB.
    Mongodb(MongodbSinkSpec),
    /// Tables of MySQL or MariaDB.
    Mysql(MysqlSinkSpec),
}

impl SinkKind {
    /// Whether the order of records means nothing to it.
    pub(crate) fn takes_each_alone(&self) -> bool {
        match self {
            Self::File(_) | Self::Kafka(_) => false,
            Self::Elasticsearch(_) | Self::Mongodb(_) | Self::Mysql(_) => true,
        }
    }
}

/// Bounds of the requests to a store that takes each record by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterLimits {
    /// Records in one request.
    pub records_max: usize,
    /// Bytes of keys, values and headers in one request; a single larger record goes alone.
    pub bytes_max: usize,
    /// How long a record may wait for others.
    pub linger_ms: u64,
    /// Requests under way at once.
    pub requests_max: usize,
}
