//! Where reading of a partition starts: where its group has committed, or where the user wants a new group to start.
//!
//! | committed        | the log                  | start                                   |
//! |------------------|--------------------------|-----------------------------------------|
//! | nothing          | any                      | `start_at`, and commits it              |
//! | nothing, but the | any                      | its begin: the partition is new, and    |
//! | group has others |                          | what it has was never read              |
//! | within the log   | has it                   | there                                   |
//! | before the log   | retention has overtaken  | stop: records were lost                 |
//! | beyond the log   | the topic was made anew  | stop: the same offsets name other records |

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use tamis_config::spec::StartAt;
use tamis_core::id::OffsetRange;
use tamis_core::source::SourceError;

use super::Consumer;
use crate::kafka::client::{advice, code};

/// How long one question to the cluster may take.
const ANSWER_WAIT: Duration = Duration::from_secs(3);

/// Where a partition starts.
#[derive(PartialEq, Eq)]
pub(super) struct Start {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: u64,
    /// What its last owner committed beside the offset.
    pub(super) metadata: String,
    log: OffsetRange,
}

impl Start {
    /// Fails where the log does not have the offset: only once all that was committed before it is seen, since whoever is told may
    /// reset the group, and with that what it says of runs.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let Self { offset, log, .. } = self;
        if (log.start..=log.next).contains(offset) {
            return Ok(());
        }
        Err(lost(&self.topic, self.partition, *offset, *log))
    }
}

/// Why a start could not be told.
pub(in crate::kafka) enum Unknown {
    /// The cluster did not answer, or not yet.
    AskAgain(RDKafkaErrorCode, String),
    /// Asking again cannot help.
    Stop(SourceError),
}

/// Where each partition of `list` starts.
pub(super) fn starts(
    consumer: &Consumer,
    list: &TopicPartitionList,
    start_at: StartAt,
) -> Result<Vec<Start>, Unknown> {
    if list.count() == 0 {
        return Ok(Vec::new());
    }
    let committed = consumer
        .committed_offsets(list.clone(), ANSWER_WAIT)
        .map_err(|error| unknown("committed offsets", &error))?;
    let is_new = |element: &TopicPartitionListElem<'_>| !is_committed(element);
    let start_at = match start_at {
        StartAt::Latest if committed.elements().iter().any(is_new) => {
            if has_started(consumer, list)? {
                StartAt::Earliest
            } else {
                StartAt::Latest
            }
        }
        StartAt::Latest | StartAt::Earliest => start_at,
    };
    let start = |element: &TopicPartitionListElem<'_>| {
        let (topic, partition) = (element.topic(), element.partition());
        element.error().map_err(|error| unknown(topic, &error))?;
        let log = log(consumer, topic, partition).map_err(|error| unknown(topic, &error))?;
        let committed = match element.offset() {
            Offset::Offset(committed) => u64::try_from(committed).ok(),
            _ => None,
        };
        let offset = match (committed, start_at) {
            (Some(committed), _) => committed,
            (None, StartAt::Earliest) => log.start,
            (None, StartAt::Latest) => log.next,
        };
        let topic = topic.to_owned();
        Ok(Start {
            topic,
            partition,
            offset,
            metadata: element.metadata().to_owned(),
            log,
        })
    };
    committed.elements().iter().map(start).collect()
}

/// Where to read from, as librdkafka wants it.
pub(super) fn list(starts: &[Start]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(starts.len());
    for start in starts {
        let offset = i64::try_from(start.offset).expect("offsets of a broker are signed");
        list.add_partition_offset(&start.topic, start.partition, Offset::Offset(offset))
            .expect("an offset can be represented");
    }
    list
}

/// Makes partitions that are read already be read from other offsets: what was fetched ahead of them is thrown away.
pub(super) fn seek(
    consumer: &Consumer,
    starts: &[Start],
    wait: Duration,
) -> Result<(), (RDKafkaErrorCode, String)> {
    let list = consumer
        .seek_partitions(list(starts), wait)
        .map_err(|error| (code(&error), error.to_string()))?;
    for element in list.elements() {
        let topic = element.topic();
        element
            .error()
            .map_err(|error| (code(&error), format!("{topic}: {error}")))?;
    }
    Ok(())
}

/// Whether the group has committed anything of the topics in `list` before.
///
/// Two members that start a group at the same moment may each see the other's first commit: then the later one reads from the
/// begin, which is more than was asked for, but loses nothing.
fn has_started(consumer: &Consumer, list: &TopicPartitionList) -> Result<bool, Unknown> {
    let topics: BTreeSet<_> = list
        .elements()
        .iter()
        .map(|element| element.topic().to_owned())
        .collect();
    let mut all = TopicPartitionList::new();
    for topic in &topics {
        let metadata = consumer
            .fetch_metadata(Some(topic), ANSWER_WAIT)
            .map_err(|error| unknown(topic, &error))?;
        for found in metadata.topics() {
            if let Some(error) = found.error() {
                let error = KafkaError::MetadataFetch(error.into());
                return Err(unknown(topic, &error));
            }
            for partition in found.partitions() {
                all.add_partition(topic, partition.id());
            }
        }
    }
    let committed = consumer
        .committed_offsets(all, ANSWER_WAIT)
        .map_err(|error| unknown("committed offsets", &error))?;
    for element in committed.elements() {
        // Where nothing is known of one partition, that the group has nothing is not known either.
        element
            .error()
            .map_err(|error| unknown(element.topic(), &error))?;
    }
    Ok(committed.elements().iter().any(is_committed))
}

fn is_committed(element: &TopicPartitionListElem<'_>) -> bool {
    matches!(element.offset(), Offset::Offset(_))
}

/// The offsets that a partition has.
pub(super) fn log(
    consumer: &Consumer,
    topic: &str,
    partition: i32,
) -> Result<OffsetRange, KafkaError> {
    let (low, high) = consumer.fetch_watermarks(topic, partition, ANSWER_WAIT)?;
    let offset = |mark: i64| u64::try_from(mark).map_err(|_| KafkaError::NoMessageReceived);
    Ok(OffsetRange {
        start: offset(low)?,
        next: offset(high)?,
    })
}

/// What is wrong when a partition is to be read from `next` on, which its log does not have.
pub(super) fn lost(topic: &str, partition: i32, next: u64, log: OffsetRange) -> SourceError {
    let what = if next < log.start {
        let range = OffsetRange {
            start: next,
            next: log.start,
        };
        format!("retention removed {range} of {topic}/{partition} before it was read")
    } else {
        format!(
            "the next offset of {topic}/{partition} is {next} but its log is {log}: the topic was made anew, or the end of \
             its log was lost"
        )
    };
    SourceError::Lost(format!(
        "{what}; to go on without these records, reset the offsets of the group to {} or use another group",
        log.start
    ))
}

fn unknown(what: &str, error: &KafkaError) -> Unknown {
    let code = code(error);
    let reason = format!("{what}: {error}");
    match advice(code) {
        Some(advice) => Unknown::Stop(SourceError::Misconfigured(format!("{reason}; {advice}"))),
        None => Unknown::AskAgain(code, reason),
    }
}
