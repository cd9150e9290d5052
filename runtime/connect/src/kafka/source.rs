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
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tamis_config::spec::KafkaSourceSpec;
use tamis_core::Intake;
use tamis_core::source::{Source, SourceError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

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

/// How often in a row a member that is fenced joins anew,
const FENCED_MAX: u32 = 3;
/// and how soon after one fencing another one is of the same row.
const FENCED_AGAIN: Duration = Duration::from_mins(1);

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
        let consumer = consumer(spec, Context::new(spec.brokers.join(",")))?;
        let spec = spec.clone();
        Ok(Box::new(Self {
            consumer,
            spec,
            settings,
            transactions,
        }))
    }

    /// Reads as a member until the pipeline stops or reading is of no use; that, and what leaves the group when it is dropped.
    ///
    /// A member that is fenced joins anew, a few times: librdkafka may do it to itself. It forgets its member id when the brokers were away
    /// for longer than `session.timeout.ms`, and a commit that waited for them goes out without one, which they take for another
    /// member by that name. Where there truly is one, the two take turns until one of them has had its share.
    fn work(
        self,
        intake: &Arc<Intake>,
        runtime: &Handle,
    ) -> (Result<(), SourceError>, Arc<Consumer>) {
        let Self {
            consumer: first,
            spec,
            settings,
            transactions,
        } = self;
        let mut member = Arc::new(first);
        // How often in a row, and when at last.
        let mut fenced: Option<(u32, Instant)> = None;
        loop {
            let poll = Poll::new(
                Arc::clone(&member),
                spec.clone(),
                settings,
                transactions.clone(),
                Arc::clone(intake),
                runtime.clone(),
            );
            let result = poll.run(fenced.is_some());
            if !context::is_fenced(&member) {
                return (result, member);
            }
            if intake.is_stopping() {
                return (Ok(()), member);
            }
            let row = fenced.filter(|(_, last)| last.elapsed() < FENCED_AGAIN);
            let times = row.map_or(1, |(times, _)| times + 1);
            if times > FENCED_MAX {
                let error = "the group has another member with this group.instance.id: give each one its own";
                return (Err(SourceError::Misconfigured(error.to_owned())), member);
            }
            warn!(
                "the group took this member for another one by its group.instance.id; joining anew"
            );
            fenced = Some((times, Instant::now()));
            match consumer(&spec, member.context().anew()) {
                Ok(new) => close_apart(std::mem::replace(&mut member, Arc::new(new))),
                Err(error) => return (Err(error), member),
            }
        }
    }
}

/// Closes what is of no use any more, without a wait for that.
fn close_apart(member: Arc<Consumer>) {
    let thread = thread::Builder::new().name("kafka-close".to_owned());
    // Where there can be no thread it is closed here.
    let _closed = thread.spawn(move || drop(member));
}

fn consumer(spec: &KafkaSourceSpec, context: Context) -> Result<Consumer, SourceError> {
    let mut config = properties(spec).map_err(SourceError::Misconfigured)?;
    config.set("statistics.interval.ms", STATISTICS_INTERVAL_MS);
    config
        .create_with_context(context)
        .map_err(|error| SourceError::Misconfigured(explain(&error)))
}

#[async_trait]
impl Source for KafkaSource {
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let (done, ended) = oneshot::channel();
        let (closing, closed) = oneshot::channel::<()>();
        let runtime = Handle::current();
        let work = move || {
            let (result, member) = self.work(&Arc::new(intake), &runtime);
            let _no_one_waits = done.send(result);
            // It leaves the group.
            drop(member);
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
        // A rebalance is heard of with a heartbeat: what it keeps from its work is to be shown within five seconds.
        ("heartbeat.interval.ms", "1000".to_owned()),
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
