//! librdkafka's mock cluster: a Kafka inside of this process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use tamis_core::Counts;

use super::{Generated, PARTITIONS, generator};

const TOPIC: &str = "msproject_log";

/// The mock cluster keeps 5 MB of each partition and forgets what is older, so no more than this is ever ahead of the
/// reader, over all partitions.
const AHEAD_BYTES_MAX: u64 = 4 << 20;

pub(super) struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    pub(super) fn start() -> Result<Self> {
        let cluster = MockCluster::new(1).context("the in-process Kafka does not start")?;
        let partitions = i32::try_from(PARTITIONS)?;
        cluster
            .create_topic(TOPIC, partitions, 1)
            .context("the topic cannot be made")?;
        Ok(Self { cluster })
    }

    pub(super) fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}

/// Writes generated records to the broker at `address`, never too far ahead of what `counts` says was taken, until there were
/// `records` or the flow is ended from outside.
pub(super) fn produce(
    address: &str,
    records: Option<u64>,
    seed: u64,
    generated: &Generated,
    counts: &Counts,
) -> Result<()> {
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("linger.ms", "5")
        .create()?;
    let mut source = generator::Generator::new(seed);
    let (mut value, mut made) = (Vec::new(), 0);
    let has_ended = || generated.ended.load(Ordering::Acquire);
    while records.is_none_or(|records| made < records) && !has_ended() {
        while is_far_ahead(generated, counts) && !has_ended() {
            std::thread::sleep(Duration::from_millis(1));
        }
        value.clear();
        source.next(&mut value);
        send(&producer, made, &value)?;
        made += 1;
        generated
            .bytes
            .fetch_add(value.len() as u64, Ordering::Release);
        generated.records.store(made, Ordering::Release);
    }
    producer
        .flush(Duration::from_secs(10))
        .context("the in-process Kafka does not answer")?;
    generated.ended.store(true, Ordering::Release);
    Ok(())
}

fn is_far_ahead(generated: &Generated, counts: &Counts) -> bool {
    let bytes = generated.bytes.load(Ordering::Acquire);
    bytes.saturating_sub(counts.totals().taken_bytes) > AHEAD_BYTES_MAX
}

fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    number: u64,
    value: &[u8],
) -> Result<()> {
    let partition = i32::try_from(number % u64::from(PARTITIONS))?;
    let mut record = BaseRecord::<(), [u8]>::to(TOPIC)
        .partition(partition)
        .payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                record = again;
                std::thread::sleep(Duration::from_millis(1));
            }
            Err((error, _)) => bail!(anyhow!(error).context("the in-process Kafka refuses")),
        }
    }
}
