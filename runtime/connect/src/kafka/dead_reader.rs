//! Reads a topic of dead letters from its begin to where it ended when reading was asked for.
//!
//! The consumer is assigned its partitions and joins no group, and nothing is committed: `group` is but a name that librdkafka
//! wants and that the user may have the right to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_config::spec::DeadTopicSpec;
use tokio::time::Instant;

use super::batch_read::{Queue, Record, RecordQueue};
use super::client::{advice, code, configure, explain};
use super::source::Consumer;
use super::source::context::{self, Context};
use crate::dead::marker::Marker;
use crate::dead::read::{Entry, Found, Halt, ReadError, Unreadable, Wanted};
use crate::dead_folder::letter::DeadLetter;

/// How long one question to the cluster may take.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Between two questions, and how long one read waits for records.
const WAIT: Duration = Duration::from_millis(200);
/// How long a topic may be missing that someone has just made.
const MISSING_MAX: Duration = Duration::from_secs(10);
/// Records in one batch read.
const READ_RECORDS: usize = 256;

/// A topic of dead letters, up to its present end.
pub(crate) struct TopicReader {
    config: ClientConfig,
    brokers: String,
    topic: String,
    /// For each partition that has records its first offset and the one behind its last.
    ranges: BTreeMap<i32, (i64, i64)>,
    halt: Halt,
}

impl TopicReader {
    /// Asks the cluster where the topic ends. An outage is waited out.
    pub(crate) fn open(spec: &DeadTopicSpec, group: &str, halt: &Halt) -> Result<Self, ReadError> {
        let mut reader = Self {
            config: properties(spec, group).map_err(ReadError::Misconfigured)?,
            brokers: spec.brokers.join(","),
            topic: spec.topic.clone(),
            ranges: BTreeMap::new(),
            halt: halt.clone(),
        };
        let consumer = reader.consumer()?;
        for partition in reader.partitions(&consumer)? {
            let (low, high) = reader.until_answered(&consumer, |topic| {
                consumer.fetch_watermarks(topic, partition, ANSWER_WAIT)
            })?;
            if low < high {
                reader.ranges.insert(partition, (low, high));
            }
        }
        Ok(reader)
    }

    fn consumer(&self) -> Result<Consumer, ReadError> {
        let context = Context::new(self.brokers.clone());
        let consumer = self.config.create_with_context(context);
        consumer.map_err(|error| ReadError::Misconfigured(explain(&error)))
    }

    /// How many letters and marks there are at most.
    pub(crate) fn entries_max(&self) -> u64 {
        let counts = self.ranges.values().map(|(low, high)| high.abs_diff(*low));
        counts.sum()
    }

    /// All that is wanted, each partition in order.
    pub(crate) fn entries(&self, wanted: Wanted) -> Result<Entries, ReadError> {
        let refused = |error: KafkaError| ReadError::Misconfigured(error.to_string());
        // A new one for each pass: the end of the pass before might still undo where records of this one go.
        let consumer = Arc::new(self.consumer()?);
        let queue = RecordQueue::new(&consumer, READ_RECORDS);
        let mut list = TopicPartitionList::new();
        let mut forwarded = Vec::new();
        for (partition, (low, _)) in &self.ranges {
            forwarded.push(queue.forward(&self.topic, *partition));
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(*low))
                .map_err(refused)?;
        }
        consumer.assign(&list).map_err(refused)?;
        let ends = self.ranges.iter().map(|(it, (_, next))| (*it, *next));
        Ok(Entries {
            _forwarded: forwarded,
            queue,
            consumer,
            open: ends.collect(),
            ready: VecDeque::new(),
            wanted,
            halt: self.halt.clone(),
            failed: false,
        })
    }

    fn partitions(&self, consumer: &Consumer) -> Result<Vec<i32>, ReadError> {
        let mut missing_since = None;
        loop {
            let metadata = self.until_answered(consumer, |topic| {
                consumer.fetch_metadata(Some(topic), ANSWER_WAIT)
            })?;
            let topic = metadata.topics().first();
            let error = topic
                .and_then(|topic| topic.error())
                .map(RDKafkaErrorCode::from);
            match (topic, error) {
                (Some(topic), None) => {
                    return Ok(topic.partitions().iter().map(|it| it.id()).collect());
                }
                (_, Some(RDKafkaErrorCode::UnknownTopicOrPartition)) => {
                    let since = *missing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= MISSING_MAX {
                        let topic = &self.topic;
                        return Err(ReadError::Misconfigured(format!(
                            "topic {topic} does not exist: make it, or correct its name"
                        )));
                    }
                }
                (_, Some(code)) => note(consumer, code, &format!("topic {}", self.topic))?,
                (None, None) => {}
            }
            context::poll(consumer, WAIT);
        }
    }

    /// Asks until there is an answer.
    fn until_answered<T>(
        &self,
        consumer: &Consumer,
        ask: impl Fn(&str) -> Result<T, KafkaError>,
    ) -> Result<T, ReadError> {
        loop {
            self.halt.check()?;
            match ask(&self.topic) {
                Ok(answer) => return Ok(answer),
                Err(error) => note(consumer, code(&error), &format!("topic {}", self.topic))?,
            }
            context::poll(consumer, WAIT);
            check(consumer)?;
        }
    }
}

/// Says what the cluster answers about `what`, or fails where waiting cannot help.
fn note(consumer: &Consumer, code: RDKafkaErrorCode, what: &str) -> Result<(), ReadError> {
    let reason = format!("{what}: {code}");
    if let Some(advice) = advice(code) {
        return Err(ReadError::Misconfigured(format!("{reason}; {advice}")));
    }
    consumer.context().troubles().note(code, &reason);
    Ok(())
}

fn check(consumer: &Consumer) -> Result<(), ReadError> {
    let refusal = consumer.context().troubles().refusal();
    refusal.map_or(Ok(()), |refusal| Err(ReadError::Misconfigured(refusal)))
}

/// The records of one pass over a topic.
pub(crate) struct Entries {
    /// Records come through these as long as they live; ahead of their target, since they must be dropped before.
    _forwarded: Vec<Queue>,
    queue: RecordQueue,
    consumer: Arc<Consumer>,
    /// The offset behind the last one, of each partition that is not read to its end.
    open: BTreeMap<i32, i64>,
    /// What is read and not handed out. It is bounded by what librdkafka fetches ahead.
    ready: VecDeque<Result<Entry, ReadError>>,
    wanted: Wanted,
    halt: Halt,
    failed: bool,
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.open.is_empty() && !self.failed {
            if let Err(error) = self.read() {
                self.failed = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front()
    }
}

impl Entries {
    fn read(&mut self) -> Result<(), ReadError> {
        self.halt.check()?;
        context::poll(&self.consumer, Duration::ZERO);
        check(&self.consumer)?;
        let Self {
            queue,
            open,
            ready,
            wanted,
            ..
        } = self;
        let mut errors = Vec::new();
        queue.read(READ_RECORDS, WAIT, |record| {
            let partition = record.partition();
            match record.error() {
                // Beyond the end there may be nothing but marks of transactions.
                Some(RDKafkaErrorCode::PartitionEOF) => drop(open.remove(&partition)),
                Some(code) => errors.push((partition, code)),
                None => {
                    let offset = record.offset().cast_signed();
                    let Some(next) = open.get(&partition).copied() else {
                        return;
                    };
                    if offset < next {
                        ready.extend(entry(record, *wanted).map(Ok));
                    }
                    if offset + 1 >= next {
                        open.remove(&partition);
                    }
                }
            }
        });
        let mut errors = errors.into_iter();
        errors.try_for_each(|(partition, code)| {
            note(&self.consumer, code, &format!("partition {partition}"))
        })
    }
}

fn entry(record: &Record, wanted: Wanted) -> Option<Entry> {
    let mut headers = Vec::new();
    record.flatten_headers(&mut headers);
    // It is kept in marks, so it never changes.
    let place = || {
        format!(
            "partition {} offset {}",
            record.partition(),
            record.offset()
        )
    };
    let unreadable = |problem| {
        let place = place();
        Entry::Unreadable(Unreadable { place, problem })
    };
    match (Marker::in_headers(&headers), wanted) {
        (Some(Ok(marker)), Wanted::Marks) => Some(Entry::Mark(marker)),
        (Some(Err(problem)), Wanted::Marks) => Some(unreadable(problem)),
        (Some(_), Wanted::Letters) | (None, Wanted::Marks) => None,
        (None, Wanted::Letters) => {
            let (key, value, time) = (record.key(), record.value(), record.timestamp_ms());
            let letter = DeadLetter::in_topic(&headers, key, value, time);
            let found = letter.map(|letter| {
                let place = place();
                Entry::Letter(Found { place, letter })
            });
            Some(found.unwrap_or_else(unreadable))
        }
    }
}

fn properties(spec: &DeadTopicSpec, group: &str) -> Result<ClientConfig, String> {
    let preferred = [
        ("client.id", "tamis".to_owned()),
        ("queued.max.messages.kbytes", (8 << 10).to_string()),
        ("check.crcs", "true".to_owned()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("group.id", group.to_owned()),
        ("enable.auto.commit", "false".to_owned()),
        ("enable.auto.offset.store", "false".to_owned()),
        ("enable.partition.eof", "true".to_owned()),
        // What retention removes while it is read is gone, and the rest is still there.
        ("auto.offset.reset", "earliest".to_owned()),
    ];
    configure(&preferred, &spec.properties, &owned)
}
