//! What a checked configuration says of a sink.

mod file;
mod kafka;
mod mongodb;

pub use file::{Compression, FileFormat, FileSinkSpec, RunLimits};
pub(crate) use kafka::is_among;
pub use kafka::{KAFKA_REQUEST, KafkaDelivery, KafkaKey, KafkaSinkSpec, is_topic_name};
pub use mongodb::{
    BigNumbers, Decimals, Granularity, MongodbCreate, MongodbDate, MongodbIndex, MongodbKind,
    MongodbServers, MongodbSinkSpec, MongodbTls, MongodbWriteConcern, is_collection_name,
    is_database_name,
};

/// One destination.
#[derive(Debug, Clone)]
pub struct SinkSpec {
    /// Its name in this pipeline; distinct.
    pub name: String,
    /// The store.
    pub kind: SinkKind,
    /// Which records go there.
    pub routes: Routes,
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
#[derive(Debug, Clone)]
pub enum SinkKind {
    /// Files on a disk.
    File(FileSinkSpec),
    /// Topics of a Kafka cluster.
    Kafka(KafkaSinkSpec),
    /// Collections of MongoDB.
    Mongodb(MongodbSinkSpec),
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
