//! Kafka: the source that reads topics as a member of a consumer group, the sink that writes topics, and the topic of dead
//! letters.

pub mod dead_topic;
pub mod sink;
pub mod source;

mod batch_read;
mod client;
mod message;
mod producer;
mod topics;
mod troubles;
mod verdict;

#[cfg(test)]
mod tests;
