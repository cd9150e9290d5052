//! Kafka: the source that reads topics as a member of a consumer group, the sinks that write topics, and the topic of dead
//! letters.

pub(crate) mod dead_reader;
pub mod dead_topic;
pub(crate) mod excerpt;
pub mod sink;
pub mod source;
pub mod transaction;

mod batch_read;
mod client;
mod message;
mod outside;
mod placing;
mod producer;
mod topics;
mod troubles;
mod verdict;

#[cfg(test)]
mod tests;
