//! Topics, read as a member of a consumer group.
//!
//! One thread polls the consumer: it serves rebalances, reads records into batches, hands these to the pipeline and commits
//! the checkpoints that the pipeline shows. librdkafka fetches ahead in its own threads, bounded in total: while the
//! pipeline has no room the thread takes nothing more, so fetching stops, but it goes on polling, so the group holds.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use tamis_config::spec::KafkaSourceSpec;
use tamis_core::Intake;
use tamis_core::source::{Source, SourceError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::client::{configure, explain};
use super::transaction::Transactions;
use crate::source::BatchLimits;
use context::Context;
use poll::Poll;

mod assigned;
mod commit;
mod contact;
pub(super) mod context;
mod group;
mod lookout;
mod poll;
mod start;

pub(super) use assigned::Assigned;
pub(super) use start::Unknown;

/// How often librdkafka says how it stands with the group: that is all that is read of its statistics.
const STATISTICS_INTERVAL_MS: &str = "1000";
/// How long leaving the group may take: what the source ended with must not wait for that for ever.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// The consumer with what it tells the polling thread.
pub(super) type Consumer = BaseConsumer<Context>;

/// Limits of the pipeline that a source keeps.
#[derive(Debug, Clone, Copy)]
pub struct SourceSettings {
    /// How long revoked partitions may take to drain; below `max.poll.interval.ms`.
    pub drain_timeout: Duration,
    /// Time between two commits.
    pub commit_interval: Duration,
    /// When a batch is full.
    pub batch: BatchLimits,
}

/// A member of a consumer group.
pub struct KafkaSource {
    consumer: Consumer,
    spec: KafkaSourceSpec,
    settings: SourceSettings,
    transactions: Option<Arc<Transactions>>,
}

impl KafkaSource {
    /// Makes the member; it joins its group when it runs. Its checkpoints go with `transactions`, if there are any.
    ///
    /// # Errors
    /// Where librdkafka does not take a property. Brokers are not asked yet.
    pub fn connect(
        spec: &KafkaSourceSpec,
        settings: SourceSettings,
        transactions: Option<Arc<Transactions>>,
    ) -> Result<Box<dyn Source>, SourceError> {
        let mut config = properties(spec).map_err(SourceError::Misconfigured)?;
        config.set("statistics.interval.ms", STATISTICS_INTERVAL_MS);
        let consumer = config
            .create_with_context(Context::new(spec.brokers.join(",")))
            .map_err(|error| SourceError::Misconfigured(explain(&error)))?;
        let spec = spec.clone();
        Ok(Box::new(Self {
            consumer,
            spec,
            settings,
            transactions,
        }))
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let (done, ended) = oneshot::channel();
        let (closing, closed) = oneshot::channel::<()>();
        let runtime = Handle::current();
        let work = move || {
            let Self {
                consumer,
                spec,
                settings,
                transactions,
            } = *self;
            let consumer = Arc::new(consumer);
            let member = Arc::clone(&consumer);
            let poll = Poll::new(member, spec, settings, transactions, intake, runtime);
            let result = poll.run();
            let _no_one_waits = done.send(result);
            // It leaves the group.
            drop(consumer);
            drop(closing);
        };
        thread::Builder::new()
            .name("kafka-poll".to_owned())
            .spawn(work)
            .map_err(|error| SourceError::Failed(error.into()))?;
        let panicked = |_| SourceError::Failed("the polling thread panicked; this is a bug".into());
        let result = ended.await.map_err(panicked)?;
        let _closed = tokio::time::timeout(CLOSE_WAIT, closed).await;
        result
    }
}

/// The properties of a member.
///
/// # Errors
/// Where the user sets one that Tamis owns.
pub(super) fn properties(spec: &KafkaSourceSpec) -> Result<ClientConfig, String> {
    let prefetch_kbytes = (spec.prefetch_bytes_max / 1024).max(1);
    let preferred = [
        ("client.id", "tamis".to_owned()),
        // Members keep what they have while others come and go.
        (
            "partition.assignment.strategy",
            "cooperative-sticky".to_owned(),
        ),
        // Bytes alone bound what is fetched ahead: this is the most that librdkafka takes.
        ("queued.min.messages", "10000000".to_owned()),
        // Costs nothing that could be measured.
        ("check.crcs", "true".to_owned()),
        // How soon fetching goes on once there is room again; a second by default, in which the lanes run dry.
        ("fetch.queue.backoff.ms", "5".to_owned()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("group.id", spec.group.clone()),
        ("enable.auto.commit", "false".to_owned()),
        ("enable.auto.offset.store", "false".to_owned()),
        ("enable.partition.eof", "false".to_owned()),
        // Where to start is decided here, so that nothing is skipped in silence.
        ("auto.offset.reset", "error".to_owned()),
        // All partitions share one queue, so this bounds them together; the answer of a broker may overshoot it once, for
        // librdkafka asks for no more than this at a time. A single larger record still passes.
        ("queued.max.messages.kbytes", prefetch_kbytes.to_string()),
    ];
    configure(&preferred, &spec.properties, &owned)
}
