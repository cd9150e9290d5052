//! What a checked configuration says of a sink that writes Kafka topics.

use std::collections::BTreeMap;

use super::{RunLimits, WriterLimits};
use crate::spec::Secret;
use crate::template::Template;

/// Topics of a Kafka cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSinkSpec {
    /// `host:port` each; those of the source unless given.
    pub brokers: Vec<String>,
    /// The topic of a record.
    pub topic: Template,
    /// Its key.
    pub key: KafkaKey,
    /// Headers beside its own, by name; none is `tamis-id` or `tamis-plugins`.
    pub headers: BTreeMap<String, Template>,
    /// Distinct topics that records may name within an hour.
    pub topics_max: usize,
    /// Topics of the same cluster that the pipeline reads, or regular expressions for them: nothing may be written there.
    pub read: Vec<String>,
    /// How records become visible.
    pub delivery: KafkaDelivery,
    /// librdkafka producer properties; those of a Kafka source that say how to connect are taken over by `check`.
    pub properties: BTreeMap<String, Secret>,
}

/// The key of a record that is written to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaKey {
    /// The record's own, if it has one.
    Record,
    /// No key.
    None,
    /// This; no key where the record lacks what it names.
    Template(Template),
}

/// How records that are written to Kafka become visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaDelivery {
    /// Each by itself, at least once.
    AtLeastOnce(WriterLimits),
    /// Together with the offsets that they come from, in transactions that end so. What is replayed has none and is written by
    /// itself, within [`KAFKA_REQUEST`].
    Transactional(RunLimits),
}

/// What one request is bounded by where the user says nothing.
pub const KAFKA_REQUEST: WriterLimits = WriterLimits {
    records_max: 10_000,
    bytes_max: 4 << 20,
    linger_ms: 20,
    // Two at once could overtake each other.
    requests_max: 1,
};

impl KafkaSinkSpec {
    /// Whether the pipeline reads `topic` itself.
    #[must_use]
    pub fn reads(&self, topic: &str) -> bool {
        is_among(&self.read, topic)
    }
}

/// Whether `topic` is one of `names`, or fits one that is a regular expression.
pub(crate) fn is_among(names: &[String], topic: &str) -> bool {
    let fits = |expression: &str| {
        regex_lite::Regex::new(expression).is_ok_and(|expression| expression.is_match(topic))
    };
    names
        .iter()
        .any(|name| name == topic || name.starts_with('^') && fits(name))
}

/// Whether Kafka allows a topic of this name.
#[must_use]
pub fn is_topic_name(name: &str) -> bool {
    const TOPIC_BYTES_MAX: usize = 249;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=TOPIC_BYTES_MAX).contains(&name.len())
        && name.bytes().all(legal)
        && name != "."
        && name != ".."
}
