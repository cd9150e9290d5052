//! Asks the brokers once a second for the ends of the logs: how much there is to read, and that they answer at all.
//!
//! librdkafka knows an end only from what it fetches, and it fetches nothing while the pipeline has no room. A thread of its own
//! asks, since each question waits for its answer and the polling thread has to go on.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tamis_core::Contact;
use tamis_core::id::Partition;
use tracing::debug;

use super::Consumer;

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take. A source that ends waits for that at most.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// The thread, until this is dropped: then it has given its share of the consumer back.
pub(super) struct Lookout {
    /// Ends the thread when it is dropped.
    go_on: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lookout {
    /// Begins to tell `contact` what the brokers say to `consumer`.
    pub(super) fn begin(consumer: &Arc<Consumer>, contact: Contact) -> io::Result<Self> {
        let (go_on, ended) = sync_channel(0);
        let consumer = Arc::downgrade(consumer);
        let look = move || {
            while ended.recv_timeout(ASK_EVERY) == Err(RecvTimeoutError::Timeout) {
                look(&consumer, &contact);
            }
        };
        let thread = thread::Builder::new().name("kafka-lookout".to_owned());
        Ok(Self {
            go_on: Some(go_on),
            thread: Some(thread.spawn(look)?),
        })
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        drop(self.go_on.take());
        if let Some(thread) = self.thread.take() {
            // A panic was said by itself.
            let _panicked = thread.join();
        }
    }
}

fn look(consumer: &Weak<Consumer>, contact: &Contact) {
    let Some(consumer) = consumer.upgrade() else {
        return;
    };
    let partitions = contact.partitions();
    if partitions.is_empty() {
        // The coordinator answers a member that has none.
        if consumer.context().is_member() {
            contact.answered();
        }
        return;
    }
    match ends(&consumer, &partitions) {
        Ok(ends) => {
            contact.answered();
            for partition in &partitions {
                contact.log_end(partition, end_of(&ends, partition));
            }
        }
        Err(error) => debug!(%error, "the ends of the logs are not known"),
    }
}

/// One question to each leader, for all of its partitions.
fn ends(consumer: &Consumer, partitions: &[Arc<Partition>]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        // In the place of a time the end of the log is asked for by the same number that it has as an offset.
        list.add_partition_offset(&partition.topic, partition.number, Offset::End)?;
    }
    consumer.offsets_for_times(list, ANSWER_WAIT)
}

fn end_of(ends: &TopicPartitionList, partition: &Partition) -> Option<u64> {
    let found = ends.find_partition(&partition.topic, partition.number)?;
    match (found.error(), found.offset()) {
        (Ok(()), Offset::Offset(end)) => u64::try_from(end).ok(),
        _ => None,
    }
}
