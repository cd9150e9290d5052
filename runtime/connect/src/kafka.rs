//! Kafka: the source that reads topics as a member of a consumer group, and the topic of dead letters.

pub(crate) mod dead_reader;
pub mod sink;
pub mod source;

mod batch_read;
mod client;
mod troubles;

#[cfg(test)]
mod tests;
