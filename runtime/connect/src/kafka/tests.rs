//! The connectors of this folder against librdkafka's mock cluster, which speaks the real protocol within this process.

mod cluster;
mod dead_reader;
mod dead_topic;
mod faults;
mod group;
mod output;
mod records;
#[cfg(feature = "file")]
mod runs;
mod sink;
mod store;
mod transactions;
