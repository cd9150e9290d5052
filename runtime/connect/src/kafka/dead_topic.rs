//! A topic for dead letters: each record as it was, with its key, time and headers, at least once.

use std::borrow::Cow;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use tamis_config::spec::DeadTopicSpec;
use tamis_core::headers;
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};

use super::client::configure;
use super::message::Message;
use super::placing::Placed;
use super::producer::Carrier;
use super::verdict::TopicNamed;

/// A topic that takes refused records.
pub struct DeadTopic {
    topic: String,
    carrier: Carrier,
}

impl DeadTopic {
    /// Makes the producer; it asks the brokers when the first record is written.
    ///
    /// # Errors
    /// Where librdkafka does not take a property.
    pub fn connect(spec: &DeadTopicSpec) -> Result<Self, SinkError> {
        let config = properties(spec).map_err(|error| SinkError::Misconfigured(error.into()))?;
        Ok(Self {
            topic: spec.topic.clone(),
            carrier: Carrier::connect(config, &spec.brokers)?,
        })
    }

    /// Letters are found by their ids, not by their order: any partition will do.
    fn message<'a>(&'a self, record: &Record<'a>) -> Placed<'a> {
        let key = record.key().map(Cow::Borrowed);
        let mut message = Message::of(record, Cow::Borrowed(&self.topic), key);
        headers::iter(record.headers()).for_each(|(name, value)| message.push(name, value));
        (message, None)
    }
}

#[async_trait]
impl Sink for DeadTopic {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let producer = self.carrier.producer()?;
        let letters = records.iter().map(|record| self.message(&record)).collect();
        let named = TopicNamed::ByConfiguration;
        self.carrier.write(&producer, letters, named).await
    }
}

fn properties(spec: &DeadTopicSpec) -> Result<ClientConfig, String> {
    let preferred = [
        ("client.id", "tamis".to_owned()),
        // An outage is waited out by whoever writes; this bounds how long a write goes without an answer.
        ("message.timeout.ms", "10000".to_owned()),
        // Below that, so that a missing topic is told from an outage.
        ("topic.metadata.propagation.max.ms", "5000".to_owned()),
        // The broker decides what is too large; it must be below what it takes in one request (100 MiB by default).
        ("message.max.bytes", (64 << 20).to_string()),
        ("queue.buffering.max.kbytes", (128 << 10).to_string()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("enable.idempotence", "true".to_owned()),
        ("acks", "all".to_owned()),
    ];
    configure(&preferred, &spec.properties, &owned)
}
