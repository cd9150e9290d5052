//! A part of topics, read from outside of their group: in the very batches and under the very ids that a member would make.

use std::ops::ControlFlow;
use std::sync::Arc;

use rdkafka::ClientConfig;
use tamis_config::spec::KafkaSourceSpec;
use tamis_core::batch::Batch;
use tamis_core::id::{OffsetRange, Partition};

use super::outside::{Outside, Part};
use super::source::{self, Assigned};
use crate::excerpt::{Bound, ExcerptError, Wanted, shared};
use crate::halt::Halt;
use crate::source::BatchLimits;

/// Records in one batch read.
const READ_RECORDS: usize = 1024;

/// A part of topics, as they are at one moment.
pub(crate) struct KafkaExcerpt {
    outside: Outside,
    source: Arc<str>,
    parts: Vec<Part>,
    limits: BatchLimits,
}

impl KafkaExcerpt {
    /// Asks the cluster of `spec` where that lies which is `wanted`.
    pub(crate) fn open(
        spec: &KafkaSourceSpec,
        limits: BatchLimits,
        wanted: &Wanted,
        halt: &Halt,
    ) -> Result<Self, ExcerptError> {
        let config = properties(spec).map_err(ExcerptError::Misconfigured)?;
        let outside = Outside::new(&config, &spec.brokers, halt)?;
        let source = match &spec.name {
            Some(name) => name.clone(),
            None => outside.cluster_id()?,
        };
        let mut parts = Vec::new();
        for topic in topics(spec, wanted)? {
            for partition in outside.partitions(topic)? {
                if wanted.partition.is_none_or(|number| number == partition) {
                    parts.push(part(&outside, topic, partition, wanted)?);
                }
            }
        }
        if let Some(number) = wanted.partition
            && parts.is_empty()
        {
            let reason = format!("no topic has a partition {number}; correct its number");
            return Err(ExcerptError::Misconfigured(reason));
        }
        if let Some(records_max) = wanted.records_max {
            cut(&mut parts, records_max, wanted.from.is_none());
        }
        Ok(Self {
            outside,
            source: source.into(),
            parts,
            limits,
        })
    }

    pub(crate) fn ranges(&self) -> Vec<(Arc<Partition>, OffsetRange)> {
        let ranges = self.parts.iter();
        ranges
            .map(|part| (self.partition(part), part.range))
            .collect()
    }

    fn partition(&self, part: &Part) -> Arc<Partition> {
        Arc::new(Partition {
            source: Arc::clone(&self.source),
            topic: part.topic.as_str().into(),
            number: part.partition,
            split: 0,
        })
    }

    pub(crate) fn read(
        self,
        take: &mut dyn FnMut(Batch) -> ControlFlow<()>,
    ) -> Result<(), ExcerptError> {
        let ranges = self.ranges();
        let (queues, mut reading) = self.outside.read(&self.parts, READ_RECORDS)?;
        // Behind what it reads from, to be dropped before.
        let mut assigned = Assigned::new(self.limits);
        for ((partition, range), queue) in ranges.into_iter().zip(queues) {
            assigned.add(partition, range.start, queue);
        }
        while !reading.is_over() {
            let mut last = None;
            let read = reading.next(|record| assigned.push(record, &mut last))?;
            if read < READ_RECORDS {
                assigned.seal_all();
            }
            while let Some(batch) = assigned.pop() {
                if take(batch).is_break() {
                    return Ok(());
                }
            }
        }
        assigned.seal_all();
        while let Some(batch) = assigned.pop() {
            if take(batch).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The topics that are meant, by their names.
fn topics<'a>(spec: &'a KafkaSourceSpec, wanted: &'a Wanted) -> Result<Vec<&'a str>, ExcerptError> {
    let names: Vec<&str> = spec.topics.iter().map(String::as_str).collect();
    let pattern = names.iter().find(|name| name.starts_with('^'));
    match (wanted.topic.as_deref(), pattern) {
        (None, None) => Ok(names),
        (None, Some(pattern)) => Err(ExcerptError::Misconfigured(format!(
            "source.kafka.topics has the pattern {pattern}; say which topic is to be read"
        ))),
        (Some(topic), None) if !names.contains(&topic) => {
            let names = names.join(", ");
            Err(ExcerptError::Misconfigured(format!(
                "source.kafka.topics has no {topic}; it has: {names}"
            )))
        }
        (Some(topic), _) => Ok(vec![topic]),
    }
}

/// What is wanted of one partition, as far as its log has it.
fn part(
    outside: &Outside,
    topic: &str,
    partition: i32,
    wanted: &Wanted,
) -> Result<Part, ExcerptError> {
    let log = outside.log(topic, partition)?;
    let offset = |bound: Option<Bound>, open: u64| match bound {
        None => Ok::<u64, ExcerptError>(open),
        Some(Bound::Offset(offset)) => Ok(offset.clamp(log.start, log.next)),
        Some(Bound::Time(time_ms)) => {
            let found = outside.offset_at(topic, partition, time_ms)?;
            Ok(found.map_or(log.next, |found| found.clamp(log.start, log.next)))
        }
    };
    let start = offset(wanted.from, log.start)?;
    let next = offset(wanted.to, log.next)?.max(start);
    Ok(Part {
        topic: topic.to_owned(),
        partition,
        range: OffsetRange { start, next },
    })
}

/// Leaves `records_max` offsets of all `parts` together, the last or the first of each.
fn cut(parts: &mut [Part], records_max: u64, leaves_last: bool) {
    let have: Vec<u64> = parts
        .iter()
        .map(|part| part.range.next - part.range.start)
        .collect();
    for (part, share) in parts.iter_mut().zip(shared(&have, records_max)) {
        let OffsetRange { start, next } = &mut part.range;
        if leaves_last {
            *start = *next - share;
        } else {
            *next = *start + share;
        }
    }
}

/// Those of a member, but that ends are told, and that what retention removes meanwhile is passed over.
fn properties(spec: &KafkaSourceSpec) -> Result<ClientConfig, String> {
    let mut config = source::properties(spec)?;
    config
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest");
    Ok(config)
}
