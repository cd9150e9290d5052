//! The records in a topic: made once, then left to the broker.
//!
//! What the job keeps is spread evenly over the partitions, so that one number says when each of them is complete.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::data::Data;
use crate::job::Job;

/// Partitions of the topic.
pub(crate) const PARTITIONS: i32 = 4;
const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// How often it is tried to put a record into a full queue, or to see a new topic.
const TRIES: usize = 10_000;

/// A topic, as a rule with all records in it.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) broker: String,
    pub(crate) name: String,
    pub(super) records: usize,
    pub(super) kept_per_partition: usize,
}

/// Makes the topic for `data` if it is not there.
pub(super) fn fill(broker: &str, data: &Data) -> Result<Topic> {
    let mut job = Job::new()?;
    let lines = data.lines(data.records)?;
    let (mut placed, mut kept, mut others) = (Vec::with_capacity(lines.len()), 0, 0);
    let mut out = Vec::new();
    for line in &lines {
        let counter = if job.run(line, &mut out)? {
            &mut kept
        } else {
            &mut others
        };
        placed.push(*counter % PARTITIONS);
        *counter += 1;
        out.clear();
    }
    ensure!(
        kept % PARTITIONS == 0,
        "{kept} records cannot be spread evenly"
    );
    let topic = Topic {
        broker: broker.to_owned(),
        name: format!("bench-{:016x}", data.hash),
        records: data.records,
        kept_per_partition: usize::try_from(kept / PARTITIONS)?,
    };
    let consumer = topic.consumer("bench-fill")?;
    match topic.count(&consumer)? {
        Some(count) if count == data.records => return Ok(topic),
        // Half full, of an interrupted run.
        Some(_) => topic.delete()?,
        None => {}
    }
    topic.create(&consumer)?;
    topic.produce(lines.iter().zip(placed))?;
    let count = topic.count(&consumer)?;
    ensure!(
        count == Some(data.records),
        "{} has {count:?} records",
        topic.name
    );
    Ok(topic)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Delete,
}

impl Topic {
    /// Makes one of this name that has no records yet.
    pub(crate) fn empty(broker: &str, name: &str) -> Result<Self> {
        let topic = Self {
            broker: broker.to_owned(),
            name: name.to_owned(),
            records: 0,
            kept_per_partition: 0,
        };
        topic.create(&topic.consumer("bench-fill")?)?;
        Ok(topic)
    }

    /// Does away with it.
    pub(crate) fn delete(&self) -> Result<()> {
        self.admin(Action::Delete)
    }

    /// Fails unless `group` has committed the ends of all partitions.
    pub(crate) fn check_committed(&self, group: &str) -> Result<()> {
        let consumer = self.consumer(group)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.name, 0, PARTITIONS - 1);
        let committed = consumer.committed_offsets(list, ANSWER_WAIT)?;
        for element in committed.elements() {
            let partition = element.partition();
            let (_, end) = consumer.fetch_watermarks(&self.name, partition, ANSWER_WAIT)?;
            let offset = element.offset();
            let all = offset == Offset::Offset(end);
            ensure!(
                all,
                "{offset:?} of {end} is committed in partition {partition}"
            );
        }
        Ok(())
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.broker);
        config
    }

    fn consumer(&self, group: &str) -> Result<BaseConsumer> {
        Ok(self.config().set("group.id", group).create()?)
    }

    /// Records in it; `None` when there is no such topic.
    fn count(&self, consumer: &BaseConsumer) -> Result<Option<usize>> {
        let metadata = consumer.fetch_metadata(None, ANSWER_WAIT)?;
        if !metadata.topics().iter().any(|it| it.name() == self.name) {
            return Ok(None);
        }
        let mut count = 0;
        for partition in 0..PARTITIONS {
            let (low, high) = consumer.fetch_watermarks(&self.name, partition, ANSWER_WAIT)?;
            count += usize::try_from(high - low)?;
        }
        Ok(Some(count))
    }

    fn admin(&self, action: Action) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WAIT));
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let results = match action {
            Action::Create => {
                let new = NewTopic::new(&self.name, PARTITIONS, TopicReplication::Fixed(1));
                runtime.block_on(admin.create_topics([&new], &options))?
            }
            Action::Delete => runtime.block_on(admin.delete_topics(&[&self.name], &options))?,
        };
        let result = results
            .into_iter()
            .next()
            .context("an answer for each topic")?;
        result.map_err(|(topic, code)| anyhow::anyhow!("{action:?} {topic}: {code}"))?;
        Ok(())
    }

    /// Deleting takes its time, in which the name is taken, and so does making it.
    fn create(&self, consumer: &BaseConsumer) -> Result<()> {
        for _ in 0..100 {
            if self.admin(Action::Create).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        for _ in 0..100 {
            if matches!(self.count(consumer), Ok(Some(0))) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("the topic {} cannot be made", self.name)
    }

    fn produce<'a>(&self, records: impl Iterator<Item = (&'a Vec<u8>, i32)>) -> Result<()> {
        let mut config = self.config();
        config
            .set("linger.ms", "50")
            .set("batch.size", "1000000")
            .set("acks", "1");
        let producer: BaseProducer<DefaultProducerContext> = config.create()?;
        for (line, partition) in records {
            let mut record = Some(
                BaseRecord::<(), _>::to(&self.name)
                    .payload(line)
                    .partition(partition),
            );
            for _ in 0..TRIES {
                let Some(next) = record.take() else { break };
                match producer.send(next) {
                    Ok(()) => {}
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                        record = Some(back);
                        producer.poll(Duration::from_millis(10));
                    }
                    Err((error, _)) => return Err(error.into()),
                }
            }
            ensure!(record.is_none(), "the broker takes no records");
        }
        producer.flush(ANSWER_WAIT)?;
        Ok(())
    }
}
