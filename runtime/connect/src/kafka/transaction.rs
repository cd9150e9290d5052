//! Transactions: what a pipeline writes to a topic and how far it has read become visible in one step.
//!
//! Each input partition has a producer of its own. Its `transactional.id` names the group and the partition, so that the next
//! owner of the partition, wherever it runs, ends what the one before left open and shuts it out before it asks where to
//! start (KIP-98). Offsets go with the generation of the group: a member that was put out of it commits nothing (KIP-447).
//!
//! The sink of a lane fills a transaction until the run ends; the source then adds the checkpoint and commits, in the place of
//! a commit of its own. Where anything fails on the way the transaction is aborted, and the source reads again from the
//! checkpoint before: no one has seen what was in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_config::spec::{KafkaDelivery, KafkaSinkSpec, RunLimits, SinkKind, SinkSpec, SourceSpec};
use tamis_core::sink::SinkError;
use tamis_core::source::SourceError;
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_blocking};

use super::client::configure;
use super::source::Unknown;
use super::troubles::Troubles;
use one::Transaction;

mod one;
pub mod sink;

/// How long one try to shut an owner before out may take.
const START_WAIT: Duration = Duration::from_secs(3);

/// After how long the brokers abort what no one ends, beside what a run may take.
const TIMEOUT_MS: u64 = 60_000;

/// The transactions of one pipeline, by input partition; shared by its source and its sink.
pub struct Transactions {
    config: ClientConfig,
    troubles: Arc<Mutex<Troubles>>,
    group: String,
    open: Mutex<BTreeMap<Place, Arc<Transaction>>>,
    released: Notify,
}

/// An input topic and the number of a partition.
type Place = (String, i32);

impl Transactions {
    /// Those of a pipeline from `source` to `sinks`; `None` where it writes in none.
    ///
    /// # Errors
    /// Where the user sets a property that Tamis owns.
    pub fn of(source: &SourceSpec, sinks: &[SinkSpec]) -> Result<Option<Arc<Self>>, SinkError> {
        let transactional = sinks.iter().find_map(|sink| match &sink.kind {
            SinkKind::Kafka(spec) => match spec.delivery {
                KafkaDelivery::Transactional(run) => Some((spec, run)),
                KafkaDelivery::AtLeastOnce(_) => None,
            },
            SinkKind::Elasticsearch(_)
            | SinkKind::File(_)
            | SinkKind::Mongodb(_)
            | SinkKind::Mysql(_) => None,
        });
        let (SourceSpec::Kafka(source), Some((spec, run))) = (source, transactional) else {
            return Ok(None);
        };
        let config =
            properties(spec, &run).map_err(|error| SinkError::Misconfigured(error.into()))?;
        Ok(Some(Arc::new(Self {
            config,
            troubles: Arc::new(Mutex::new(Troubles::new(spec.brokers.join(",")))),
            group: source.group.clone(),
            open: Mutex::default(),
            released: Notify::new(),
        })))
    }

    /// Returns once the sink has let go of all that it had of the partitions in `list` in an earlier generation.
    pub(super) async fn released(&self, list: &TopicPartitionList) {
        let is_open = |place: &Place| self.lock().contains_key(place);
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            if !places(list).iter().any(is_open) {
                return;
            }
            released.await;
        }
    }

    /// Shuts out whoever owned the partitions in `list` before, and ends what it left open; to be done before anyone asks how
    /// far they are committed. After an error that another try may cure, what was done is not done again.
    pub(super) async fn own(self: &Arc<Self>, list: &TopicPartitionList) -> Result<(), Unknown> {
        let mut starting = JoinSet::new();
        for place in places(list) {
            if self.lock().contains_key(&place) {
                continue;
            }
            let all = Arc::clone(self);
            starting.spawn_blocking(move || {
                let id = format!("tamis/{}/{}/{}", all.group, place.0, place.1);
                let started = Transaction::start(&all.config, &all.troubles, &id, START_WAIT)?;
                all.lock().insert(place, Arc::new(started));
                Ok(())
            });
        }
        let mut owned = Ok(());
        while let Some(started) = starting.join_next().await {
            match started.map_err(|error| Unknown::Stop(SourceError::Failed(error.into())))? {
                Ok(()) => {}
                Err(Unknown::AskAgain(code, reason)) => {
                    owned = Err(Unknown::AskAgain(code, reason))
                }
                Err(stop) => return Err(stop),
            }
        }
        owned
    }

    /// Whether a checkpoint of a partition can be committed: it passes all that is in the transaction, and no more is added.
    pub(super) fn is_ready(&self, topic: &str, number: i32, next: u64) -> bool {
        self.get(topic, number)
            .is_some_and(|transaction| transaction.is_ready(next))
    }

    /// Those of the partitions that `are_own` whose transaction was aborted.
    pub(super) fn broken(&self, are_own: impl Fn(&str, i32) -> bool) -> Option<Broken> {
        let mut all: Option<Broken> = None;
        for ((topic, number), transaction) in &*self.lock() {
            let reason = transaction.broken().filter(|_| are_own(topic, *number));
            let Some(reason) = reason else {
                continue;
            };
            let broken = all.get_or_insert_with(|| Broken {
                list: TopicPartitionList::new(),
                reason,
                refusal: None,
            });
            broken.list.add_partition(topic, *number);
            // What is known may be no more than that its records were given up, and not why.
            transaction.look();
            broken.refusal = broken.refusal.take().or_else(|| transaction.refusal());
        }
        all
    }

    /// Commits the offsets in `list`, each with what was written of its partition, in the name of the present generation of
    /// `group`. Returns what is committed by that; the others have no offset.
    pub(super) fn commit(
        &self,
        list: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> TopicPartitionList {
        let mut committed = list.clone();
        let places = places(list);
        thread::scope(|scope| {
            let commit = |(topic, number): &Place| {
                let transaction = self.get(topic, *number)?;
                let next = list.find_partition(topic, *number)?.offset();
                let (topic, number) = (topic.clone(), *number);
                Some(scope.spawn(move || transaction.commit(&topic, number, next, group)))
            };
            // All are under way before the first one is waited for.
            let commits: Vec<_> = places.iter().map(commit).collect();
            for ((topic, number), commit) in places.iter().zip(commits) {
                if !commit.is_some_and(|commit| commit.join().unwrap_or(false)) {
                    let left_out = committed.set_partition_offset(topic, *number, Offset::Invalid);
                    left_out.expect("it is in the list");
                }
            }
        });
        committed
    }

    fn get(&self, topic: &str, number: i32) -> Option<Arc<Transaction>> {
        self.lock().get(&(topic.to_owned(), number)).cloned()
    }

    /// Notes that no one will commit what there is of a partition: the sink need not wait for that.
    pub(super) fn give_up(&self, topic: &str, number: i32) {
        if let Some(transaction) = self.get(topic, number) {
            transaction.break_off();
        }
    }

    /// Notes that the sink has nothing of a partition any more. What was not committed of it is aborted.
    async fn release(&self, topic: &str, number: i32) {
        let transaction = self.lock().remove(&(topic.to_owned(), number));
        self.released.notify_waiters();
        if let Some(transaction) = transaction {
            // Its end waits for its threads, too.
            let _ended = spawn_blocking(move || transaction.abort()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Arc<Transaction>>> {
        self.open
            .lock()
            .expect("no one panics while holding the transactions")
    }
}

/// Transactions that were aborted.
pub(super) struct Broken {
    /// Their partitions.
    pub(super) list: TopicPartitionList,
    /// Why the first of them.
    pub(super) reason: String,
    /// Why to begin anew is of no use, and what to do about it.
    pub(super) refusal: Option<String>,
}

fn places(list: &TopicPartitionList) -> Vec<Place> {
    let place =
        |element: TopicPartitionListElem<'_>| (element.topic().to_owned(), element.partition());
    list.elements().into_iter().map(place).collect()
}

fn properties(spec: &KafkaSinkSpec, run: &RunLimits) -> Result<ClientConfig, String> {
    // One that waits for its end must not be taken for one whose owner died.
    let timeout_ms = TIMEOUT_MS + run.age_ms_max;
    let preferred = [
        ("client.id", "tamis".to_owned()),
        // What a member that dies leaves open holds up readers for no longer, should no one take its partitions over.
        ("transaction.timeout.ms", timeout_ms.to_string()),
        // Where Kafka's own client would put a record with this key. Records without one are placed by Tamis.
        ("partitioner", "murmur2_random".to_owned()),
        ("linger.ms", "5".to_owned()),
        ("queue.buffering.max.kbytes", (16 << 10).to_string()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("enable.idempotence", "true".to_owned()),
        ("acks", "all".to_owned()),
    ];
    configure(&preferred, &spec.properties, &owned)
}
