//! What librdkafka tells while it is polled, kept for the polling thread.
//!
//! Rebalances are answered outside of the callback: librdkafka waits for the answer, and the thread has all it needs there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use tamis_core::Contact;
use tamis_core::source::SourceError;
use tokio::time::Instant;
use tracing::debug;

use super::Consumer;
use super::group::Group;
use crate::kafka::client;
use crate::kafka::troubles::Troubles;

/// Something that the polling thread has to answer.
pub(in crate::kafka) enum Rebalance {
    /// These partitions are to be read from now on.
    Assign(TopicPartitionList),
    /// These no longer are.
    Revoke(TopicPartitionList),
}

/// Shared by a consumer and the thread that polls it.
pub(in crate::kafka) struct Context {
    // librdkafka waits for the answer to one before it asks for another, so there are few.
    rebalances: Mutex<VecDeque<Rebalance>>,
    troubles: Mutex<Troubles>,
    deserted: AtomicBool,
    /// Who is told how it stands with the group.
    contact: OnceLock<Contact>,
    is_member: AtomicBool,
}

impl Context {
    pub(in crate::kafka) fn new(brokers: String) -> Self {
        Self {
            rebalances: Mutex::default(),
            troubles: Mutex::new(Troubles::new(brokers)),
            deserted: AtomicBool::new(false),
            contact: OnceLock::new(),
            is_member: AtomicBool::new(false),
        }
    }

    /// Tells `contact` from now on how it stands with the group; the first one alone.
    pub(super) fn tell(&self, contact: Contact) {
        let _is_first = self.contact.set(contact);
    }

    /// Whether it was a member of the group as it is when last heard.
    pub(super) fn is_member(&self) -> bool {
        self.is_member.load(Ordering::Relaxed)
    }

    pub(in crate::kafka) fn next_rebalance(&self) -> Option<Rebalance> {
        self.rebalances().pop_front()
    }

    pub(in crate::kafka) fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles
            .lock()
            .expect("no one panics while noting a trouble")
    }

    fn rebalances(&self) -> MutexGuard<'_, VecDeque<Rebalance>> {
        self.rebalances
            .lock()
            .expect("no one panics while holding the rebalances")
    }
}

/// What librdkafka logs comes the same way as all else, a line for each poll; so one is not enough.
const EVENTS_PER_POLL: usize = 4;

/// Serves what comes for `consumer` within `wait`: rebalances, errors and log lines.
pub(in crate::kafka) fn poll(consumer: &Consumer, wait: Duration) {
    for wait in [wait]
        .into_iter()
        .chain([Duration::ZERO; EVENTS_PER_POLL - 1])
    {
        // Errors come through the context too, which has their reasons.
        if let Some(Ok(_)) = consumer.poll(wait) {
            unreachable!("records come through a queue of their own");
        }
    }
}

/// Serves all that comes for `consumer` in the next `time`: behind the log lines of a client that tries again and again there is the
/// error that ends it.
pub(super) fn serve(consumer: &Consumer, time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        poll(consumer, left);
    }
}

/// Fails when brokers refuse what they are asked for, so that waiting is of no use.
pub(in crate::kafka) fn check(consumer: &Consumer) -> Result<(), SourceError> {
    let refusal = consumer.context().troubles().refusal();
    refusal.map_or(Ok(()), |refusal| Err(SourceError::Misconfigured(refusal)))
}

/// Answers [`Rebalance::Assign`] with `list`: all of it, or none.
pub(in crate::kafka) fn assign(consumer: &Consumer, list: &TopicPartitionList) {
    let result = match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
    };
    note(result);
}

/// Answers [`Rebalance::Revoke`]. What was never assigned can be in `list`, where an assignment was answered with none: librdkafka
/// would refuse all of it then, and wait for another answer for ever.
pub(in crate::kafka) fn unassign(consumer: &Consumer, list: &TopicPartitionList) {
    let result = match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.assignment().and_then(|assigned| {
            let mut both = TopicPartitionList::new();
            for element in list.elements() {
                let (topic, partition) = (element.topic(), element.partition());
                if assigned.find_partition(topic, partition).is_some() {
                    both.add_partition(topic, partition);
                }
            }
            consumer.incremental_unassign(&both)
        }),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    };
    note(result);
}

/// Answers what is open and will come, since nobody attends to `consumer` any more: it would wait for ever when it closes.
pub(in crate::kafka) fn desert(consumer: &Consumer) {
    let context = consumer.context();
    context.deserted.store(true, Ordering::Relaxed);
    while let Some(rebalance) = context.next_rebalance() {
        match rebalance {
            Rebalance::Assign(_) => assign(consumer, &TopicPartitionList::new()),
            Rebalance::Revoke(list) => unassign(consumer, &list),
        }
    }
}

/// A refused answer means that the group has moved on; it will ask again.
fn note(result: KafkaResult<()>) {
    if let Err(error) = result {
        debug!(%error, "the answer to a rebalance was not taken");
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let is_assign = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        match (self.deserted.load(Ordering::Relaxed), is_assign) {
            (true, true) => assign(consumer, &TopicPartitionList::new()),
            (true, false) => unassign(consumer, list),
            (false, true) => self.rebalances().push_back(Rebalance::Assign(list.clone())),
            (false, false) => self.rebalances().push_back(Rebalance::Revoke(list.clone())),
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client::log(level, facility, line);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let Some((contact, group)) = self.contact.get().zip(Group::read(statistics)) else {
            return;
        };
        self.is_member.store(group.is_member(), Ordering::Relaxed);
        contact.group(group.is_member(), &group.says());
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.troubles().note(client::code(&error), reason);
    }
}
