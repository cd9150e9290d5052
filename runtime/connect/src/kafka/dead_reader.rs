//! Reads a topic of dead letters from its begin to where it ended when reading was asked for.

use std::collections::VecDeque;

use rdkafka::ClientConfig;
use tamis_config::spec::DeadTopicSpec;

use super::batch_read::{Queue, Record};
use super::client::configure;
use super::outside::{Outside, Part, Reading};
use crate::dead::marker::Marker;
use crate::dead::read::{Entry, Found, ReadError, Unreadable, Wanted};
use crate::dead_folder::letter::DeadLetter;
use crate::halt::Halt;

/// Records in one batch read.
const READ_RECORDS: usize = 256;

/// A topic of dead letters, up to its present end.
pub(crate) struct TopicReader {
    config: ClientConfig,
    brokers: Vec<String>,
    /// Each partition that has records.
    parts: Vec<Part>,
    halt: Halt,
}

impl TopicReader {
    /// Asks the cluster where the topic ends. An outage is waited out.
    pub(crate) fn open(spec: &DeadTopicSpec, group: &str, halt: &Halt) -> Result<Self, ReadError> {
        let mut reader = Self {
            config: properties(spec, group).map_err(ReadError::Misconfigured)?,
            brokers: spec.brokers.clone(),
            parts: Vec::new(),
            halt: halt.clone(),
        };
        let outside = reader.outside()?;
        for partition in outside.partitions(&spec.topic)? {
            let range = outside.log(&spec.topic, partition)?;
            if range.start < range.next {
                let topic = spec.topic.clone();
                reader.parts.push(Part {
                    topic,
                    partition,
                    range,
                });
            }
        }
        Ok(reader)
    }

    fn outside(&self) -> Result<Outside, ReadError> {
        Ok(Outside::new(&self.config, &self.brokers, &self.halt)?)
    }

    /// How many letters and marks there are at most.
    pub(crate) fn entries_max(&self) -> u64 {
        let counts = self.parts.iter().map(|part| part.range);
        counts.map(|range| range.next - range.start).sum()
    }

    /// All that is wanted, each partition in order.
    pub(crate) fn entries(&self, wanted: Wanted) -> Result<Entries, ReadError> {
        // A new one for each pass: the end of the pass before might still undo where records of this one go.
        let (queues, reading) = self.outside()?.read(&self.parts, READ_RECORDS)?;
        Ok(Entries {
            _queues: queues,
            reading,
            ready: VecDeque::new(),
            wanted,
            failed: false,
        })
    }
}

/// The records of one pass over a topic.
pub(crate) struct Entries {
    /// Records come through these as long as they live; ahead of their target, since they must be dropped before.
    _queues: Vec<Queue>,
    reading: Reading,
    /// What is read and not handed out. It is bounded by what librdkafka fetches ahead.
    ready: VecDeque<Result<Entry, ReadError>>,
    wanted: Wanted,
    failed: bool,
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.reading.is_over() && !self.failed {
            let Self {
                reading,
                ready,
                wanted,
                ..
            } = self;
            let read = reading.next(|record| ready.extend(entry(record, *wanted).map(Ok)));
            if let Err(refusal) = read {
                self.failed = true;
                return Some(Err(refusal.into()));
            }
        }
        self.ready.pop_front()
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
