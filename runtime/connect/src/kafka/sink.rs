//! Topics that records are written to, at least once, and in order where they were read in order.
//!
//! One write is under way at a time, one request to a broker, and librdkafka has no way out but to send a message again until
//! it is there: it waits an outage out, and a message that a broker refuses ends the producer before one behind it is sent.
//! So what a broker has of the messages of one write to one partition is always a first part of them. What is not there is
//! then sent again, in order, by a producer of its own.

use async_trait::async_trait;
use rdkafka::ClientConfig;
use tamis_config::spec::KafkaSinkSpec;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};

use super::client::configure;
use super::placing::Placer;
use super::producer::Carrier;

/// Topics of one cluster.
pub struct KafkaSink {
    placer: Placer,
    carrier: Carrier,
}

impl KafkaSink {
    /// Makes the producer; it asks the brokers when the first record is written.
    ///
    /// # Errors
    /// Where librdkafka does not take a property.
    pub fn connect(spec: &KafkaSinkSpec) -> Result<Self, SinkError> {
        let config = properties(spec).map_err(|error| SinkError::Misconfigured(error.into()))?;
        Ok(Self {
            placer: Placer::new(spec),
            carrier: Carrier::connect(config, &spec.brokers)?,
        })
    }
}

#[async_trait]
impl Sink for KafkaSink {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let producer = self.carrier.producer()?;
        let mut verdicts = vec![Verdict::Written; records.len()];
        let (mut placed, mut indexes) = (Vec::new(), Vec::new());
        let places = self.placer.place(&producer, records).await?;
        for (index, place) in places.into_iter().enumerate() {
            match place {
                Ok(place) => {
                    placed.push(place);
                    indexes.push(index);
                }
                Err(nowhere) => verdicts[index] = nowhere,
            }
        }
        let named = self.placer.named();
        let written = self.carrier.write(&producer, placed, named).await?;
        for (index, verdict) in indexes.into_iter().zip(written) {
            verdicts[index] = verdict;
        }
        Ok(verdicts)
    }
}

fn properties(spec: &KafkaSinkSpec) -> Result<ClientConfig, String> {
    let preferred = [
        ("client.id", "tamis".to_owned()),
        // Where Kafka's own client would put a record with this key. Records without one are placed by Tamis.
        ("partitioner", "murmur2_random".to_owned()),
        // The writer has waited for others already.
        ("linger.ms", "1".to_owned()),
        // The broker decides what is too large; it must be below what it takes in one request (100 MiB by default).
        ("message.max.bytes", (64 << 20).to_string()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("enable.idempotence", "true".to_owned()),
        ("acks", "all".to_owned()),
        // A message that is given up would be overtaken by those behind it; with these none is, however long it takes.
        ("message.timeout.ms", "0".to_owned()),
        ("retries", i32::MAX.to_string()),
        // One that is refused ends the producer, and what is behind it is sent by the next one.
        ("enable.gapless.guarantee", "true".to_owned()),
        // Brokers take requests of a connection one by one anyway. A leader that has not seen the producer yet would accept
        // the second one although it had refused the first.
        ("max.in.flight", "1".to_owned()),
        // No message of a write may find the queue full. The writer bounds what is in it.
        ("queue.buffering.max.messages", "0".to_owned()),
        ("queue.buffering.max.kbytes", "2097151".to_owned()),
    ];
    configure(&preferred, &spec.properties, &owned)
}
