//! Looks into topics from outside: a consumer that is assigned its partitions joins no group, and nothing is committed. The group
//! among its properties is but a name that librdkafka wants and that the user may have the right to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_core::id::OffsetRange;
use tokio::time::Instant;

use super::batch_read::{Queue, Record, RecordQueue};
use super::client::{advice, code, explain};
use super::source::Consumer;
use super::source::context::{self, Context};
use crate::halt::{Halt, Refusal};

/// How long one question to the cluster may take.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Between two questions, and how long one read waits for records.
const WAIT: Duration = Duration::from_millis(200);
/// How long a topic may be missing that someone has just made.
const MISSING_MAX: Duration = Duration::from_secs(10);

/// Someone outside of a group, who asks and reads until told to halt. An outage is waited out.
pub(super) struct Outside {
    consumer: Arc<Consumer>,
    halt: Halt,
}

/// Part of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) range: OffsetRange,
}

impl Outside {
    /// One that was told nothing yet by the cluster of `brokers`. `config` has to report the ends of partitions.
    pub(super) fn new(
        config: &ClientConfig,
        brokers: &[String],
        halt: &Halt,
    ) -> Result<Self, Refusal> {
        let context = Context::new(brokers.join(","));
        let consumer = config.create_with_context(context);
        let consumer = consumer.map_err(|error| Refusal::Misconfigured(explain(&error)))?;
        Ok(Self {
            consumer: Arc::new(consumer),
            halt: halt.clone(),
        })
    }

    /// The numbers of the partitions of `topic`.
    pub(super) fn partitions(&self, topic: &str) -> Result<Vec<i32>, Refusal> {
        let mut missing_since = None;
        loop {
            let metadata = self.until_answered(&format!("topic {topic}"), |consumer| {
                consumer.fetch_metadata(Some(topic), ANSWER_WAIT)
            })?;
            let found = metadata.topics().first();
            let error = found
                .and_then(|found| found.error())
                .map(RDKafkaErrorCode::from);
            match (found, error) {
                (Some(found), None) => {
                    return Ok(found.partitions().iter().map(|it| it.id()).collect());
                }
                (_, Some(RDKafkaErrorCode::UnknownTopicOrPartition)) => {
                    let since = *missing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= MISSING_MAX {
                        return Err(Refusal::Misconfigured(format!(
                            "topic {topic} does not exist: make it, or correct its name"
                        )));
                    }
                }
                (_, Some(code)) => self.note(code, &format!("topic {topic}"))?,
                (None, None) => {}
            }
            context::poll(&self.consumer, WAIT);
        }
    }

    /// All that a partition has.
    pub(super) fn log(&self, topic: &str, partition: i32) -> Result<OffsetRange, Refusal> {
        let (low, high) = self.until_answered(&format!("topic {topic}"), |consumer| {
            consumer.fetch_watermarks(topic, partition, ANSWER_WAIT)
        })?;
        let offset = |mark: i64| u64::try_from(mark).unwrap_or_default();
        Ok(OffsetRange {
            start: offset(low),
            next: offset(high),
        })
    }

    /// The first offset of a partition whose record is not older than `time_ms`; none where all are.
    pub(super) fn offset_at(
        &self,
        topic: &str,
        partition: i32,
        time_ms: i64,
    ) -> Result<Option<u64>, Refusal> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(time_ms))
            .map_err(|error| Refusal::Misconfigured(error.to_string()))?;
        let found = self.until_answered(&format!("topic {topic}"), |consumer| {
            let found = consumer.offsets_for_times(list.clone(), ANSWER_WAIT)?;
            found
                .elements()
                .iter()
                .try_for_each(rdkafka::topic_partition_list::TopicPartitionListElem::error)?;
            Ok(found)
        })?;
        let found = found.find_partition(topic, partition);
        Ok(match found.map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
            _ => None,
        })
    }

    /// The id of the cluster.
    pub(super) fn cluster_id(&self) -> Result<String, Refusal> {
        // It comes with the answer to any question, or never will: brokers before 0.10.1 have none.
        self.until_answered("the cluster", |consumer| {
            consumer.fetch_metadata(None, ANSWER_WAIT)
        })?;
        let id = self.consumer.client().fetch_cluster_id(ANSWER_WAIT);
        id.ok_or_else(|| {
            let cure =
                "the cluster has no id to name its records by: set `source.kafka.name`".to_owned();
            Refusal::Misconfigured(cure)
        })
    }

    /// Asks until there is an answer.
    fn until_answered<T>(
        &self,
        what: &str,
        ask: impl Fn(&Consumer) -> Result<T, KafkaError>,
    ) -> Result<T, Refusal> {
        loop {
            self.halt.check()?;
            match ask(&self.consumer) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.note(code(&error), what)?,
            }
            context::poll(&self.consumer, WAIT);
            self.check()?;
        }
    }

    /// Says what the cluster answers about `what`, or fails where waiting cannot help.
    fn note(&self, code: RDKafkaErrorCode, what: &str) -> Result<(), Refusal> {
        let reason = format!("{what}: {code}");
        if let Some(advice) = advice(code) {
            return Err(Refusal::Misconfigured(format!("{reason}; {advice}")));
        }
        self.consumer.context().troubles().note(code, &reason);
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        let refusal = self.consumer.context().troubles().refusal();
        refusal.map_or(Ok(()), |refusal| Err(Refusal::Misconfigured(refusal)))
    }

    /// Begins to read `parts`, at most `records_max` records at once. Records come for as long as the queues live, which must be
    /// dropped first: one for each part, in order.
    pub(super) fn read(
        self,
        parts: &[Part],
        records_max: usize,
    ) -> Result<(Vec<Queue>, Reading), Refusal> {
        let refused = |error: KafkaError| Refusal::Misconfigured(error.to_string());
        let queue = RecordQueue::new(&self.consumer, records_max);
        let mut list = TopicPartitionList::new();
        let (mut queues, mut open) = (Vec::new(), Vec::new());
        for part in parts {
            let Part {
                topic,
                partition,
                range,
            } = part;
            queues.push(queue.forward(topic, *partition));
            let start = Offset::Offset(range.start.cast_signed());
            list.add_partition_offset(topic, *partition, start)
                .map_err(refused)?;
            if range.start < range.next {
                open.push(part.clone());
            }
        }
        self.consumer.assign(&list).map_err(refused)?;
        open.sort_by(|one, other| one.place().cmp(&other.place()));
        let reading = Reading {
            queue,
            records_max,
            open,
            errors: VecDeque::new(),
            outside: self,
        };
        Ok((queues, reading))
    }
}

impl Part {
    fn place(&self) -> (&str, i32) {
        (&self.topic, self.partition)
    }
}

/// Records of some parts, on their way.
pub(super) struct Reading {
    queue: RecordQueue,
    records_max: usize,
    /// What is not read to its end, sorted.
    open: Vec<Part>,
    errors: VecDeque<(String, RDKafkaErrorCode)>,
    outside: Outside,
}

impl Reading {
    /// Whether all of it was read.
    pub(super) fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Hands the next records of the parts to `each`, those of a partition in order, and says how many there were; none where none
    /// came within a moment.
    pub(super) fn next(&mut self, mut each: impl FnMut(&Record)) -> Result<usize, Refusal> {
        let Self {
            queue,
            records_max,
            open,
            errors,
            outside,
        } = self;
        outside.halt.check()?;
        context::poll(&outside.consumer, Duration::ZERO);
        outside.check()?;
        let read = queue.read(*records_max, WAIT, |record| {
            let place = (record.topic(), record.partition());
            let found = open.binary_search_by(|part| part.place().cmp(&place));
            match record.error() {
                // Beyond the end there may be nothing but marks of transactions.
                Some(RDKafkaErrorCode::PartitionEOF) => {
                    if let Ok(index) = found {
                        open.remove(index);
                    }
                }
                Some(code) => errors.push_back((format!("{}/{}", place.0, place.1), code)),
                None => {
                    let Ok(index) = found else {
                        return;
                    };
                    let (offset, next) = (record.offset(), open[index].range.next);
                    if offset < next {
                        each(record);
                    }
                    if offset + 1 >= next {
                        open.remove(index);
                    }
                }
            }
        });
        while let Some((partition, code)) = errors.pop_front() {
            outside.note(code, &partition)?;
        }
        Ok(read)
    }
}
