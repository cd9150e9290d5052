//! The thread that polls a consumer, from joining the group to leaving it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
use tamis_config::spec::KafkaSourceSpec;
use tamis_core::batch::Batch;
use tamis_core::id::Partition;
use tamis_core::source::SourceError;
use tamis_core::{Intake, RecoverError};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::assigned::Assigned;
use super::commit::{Commits, Refused};
use super::context::Rebalance;
use super::lookout::Lookout;
use super::start::{self, Start, Unknown};
use super::{Consumer, SourceSettings, contact, context};
use crate::kafka::batch_read::{Record, RecordQueue};
use crate::kafka::transaction::{Broken, Transactions};

/// Records in one batch read.
const READ_RECORDS: usize = 1024;
/// How long a batch read waits for as many, and records for a fuller batch.
const READ_WAIT: Duration = Duration::from_millis(5);
/// How long the thread waits for a record when there was none.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How long it then serves events, of which each log line is one.
const EVENTS_WAIT: Duration = Duration::from_millis(1);
/// How long the last commits of partitions may take, with all tries.
const LAST_COMMIT_WAIT: Duration = Duration::from_secs(10);
/// How long one try to read from another offset may take.
const SEEK_WAIT: Duration = Duration::from_secs(3);
/// How long a transaction is aborted before its partition is read again: by then it is known whether that is another member's.
const BEGIN_ANEW_AFTER: Duration = Duration::from_secs(1);
/// How long it goes without polling, whatever it waits for.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// All that the thread works with.
pub(super) struct Poll {
    assigned: Assigned,
    queue: RecordQueue,
    consumer: Arc<Consumer>,
    spec: KafkaSourceSpec,
    settings: SourceSettings,
    intake: Arc<Intake>,
    runtime: Handle,
    source: Arc<str>,
    transactions: Option<Arc<Transactions>>,
    commits: Commits,
    /// Since when a transaction is broken.
    broken: Option<Instant>,
    is_idle: bool,
    sealed: Instant,
}

impl Poll {
    pub(super) fn new(
        consumer: Arc<Consumer>,
        spec: KafkaSourceSpec,
        settings: SourceSettings,
        transactions: Option<Arc<Transactions>>,
        intake: Arc<Intake>,
        runtime: Handle,
    ) -> Self {
        Self {
            assigned: Assigned::new(settings.batch),
            queue: RecordQueue::new(&consumer, READ_RECORDS),
            source: spec.name.as_deref().unwrap_or_default().into(),
            commits: Commits::new(settings.commit_interval, transactions.clone()),
            transactions,
            broken: None,
            is_idle: true,
            sealed: Instant::now(),
            consumer,
            spec,
            settings,
            intake,
            runtime,
        }
    }

    /// Reads until the pipeline stops or reading is of no use; then drains, commits and leaves the group. Who is fenced does
    /// neither: its partitions may be another member's.
    ///
    /// Whoever `is_back` has seen its topics before: brokers that are just starting may know none of them.
    pub(super) fn run(mut self, is_back: bool) -> Result<(), SourceError> {
        let contact = self.intake.contact();
        self.consumer.context().tell(contact.clone());
        let lookout = Lookout::begin(&self.consumer, contact);
        let _lookout = lookout.map_err(|error| SourceError::Failed(error.into()))?;
        let result = self.work(is_back);
        let partitions = self.assigned.remove_all();
        if context::is_fenced(&self.consumer) {
            self.close(&partitions);
            self.commits.finish(&self.consumer, &self.intake);
        } else {
            self.let_go(&partitions);
        }
        result
    }

    fn work(&mut self, is_back: bool) -> Result<(), SourceError> {
        if self.spec.name.is_none()
            && let Some(id) = contact::cluster_id(&self.consumer, &self.intake)?
        {
            self.source = id.into();
        }
        if !is_back {
            contact::topics(&self.consumer, &self.intake, &self.spec.topics)?;
        }
        let topics: Vec<_> = self.spec.topics.iter().map(String::as_str).collect();
        let subscribed = self.consumer.subscribe(&topics);
        subscribed.map_err(|error| SourceError::Misconfigured(error.to_string()))?;
        while !self.intake.is_stopping() {
            let wait = if self.is_idle {
                EVENTS_WAIT
            } else {
                Duration::ZERO
            };
            context::poll(&self.consumer, wait);
            context::check(&self.consumer)?;
            match self.consumer.context().next_rebalance() {
                Some(Rebalance::Assign(list)) => self.assign(&list)?,
                Some(Rebalance::Revoke(list)) => self.revoke(&list),
                None => self.begin_anew()?,
            }
            self.commits.turn(&self.consumer, &self.intake);
            match self.assigned.pop() {
                Some(batch) => self.send(batch),
                None => self.read()?,
            }
        }
        Ok(())
    }

    fn assign(&mut self, list: &TopicPartitionList) -> Result<(), SourceError> {
        let starts = self.take_over(list).map(|starts| self.open(&starts));
        let none = TopicPartitionList::new();
        context::assign(&self.consumer, starts.as_ref().unwrap_or(&none));
        starts.map(drop)
    }

    /// Finishes what the owners before this one left of each partition, and tells where they start; none of them when the pipeline
    /// has ended meanwhile.
    fn take_over(&self, list: &TopicPartitionList) -> Result<Vec<Start>, SourceError> {
        let mut starts = self.starts(list)?;
        while let Err(error) = self.recover(&starts) {
            match error {
                RecoverError::Stopped(_) => return Ok(Vec::new()),
                RecoverError::Impossible(error) => return Err(error),
                RecoverError::Gone(error) => {
                    let now = self.starts(list)?;
                    // What was committed meanwhile is of another member, which does not name runs that are gone.
                    if now == starts {
                        return Err(error);
                    }
                    starts = now;
                }
            }
        }
        starts.iter().try_for_each(Start::check)?;
        Ok(starts)
    }

    fn recover(&self, starts: &[Start]) -> Result<(), RecoverError> {
        starts.iter().try_for_each(|start| {
            let partition = self.partition(start);
            self.wait(self.intake.recover(&partition, &start.metadata))
        })
    }

    /// Where the partitions start; none of them when the pipeline is to stop before that is known.
    fn starts(&self, list: &TopicPartitionList) -> Result<Vec<Start>, SourceError> {
        if let Some(transactions) = &self.transactions {
            // What is still on its way of an earlier generation must not get into a transaction of this one.
            self.wait(async {
                tokio::select! {
                    () = transactions.released(list) => {}
                    () = self.intake.stopping() => {}
                }
            });
        }
        while !self.intake.is_stopping() {
            context::check(&self.consumer)?;
            let owned = match &self.transactions {
                Some(transactions) => self.wait(transactions.own(list)),
                None => Ok(()),
            };
            match owned.and_then(|()| start::starts(&self.consumer, list, self.spec.start_at)) {
                Ok(starts) => return Ok(starts),
                Err(Unknown::Stop(error)) => return Err(error),
                Err(Unknown::AskAgain(code, reason)) => {
                    self.consumer.context().troubles().note(code, &reason);
                    context::poll(&self.consumer, POLL_EVERY);
                }
            }
        }
        Ok(Vec::new())
    }

    /// Opens partitions; returns what to assign. Their start is a checkpoint to be committed: where the group reads them for the
    /// first time the next owner must not start at another end of the log, and runs that were named are seen now.
    fn open(&mut self, starts: &[Start]) -> TopicPartitionList {
        for start in starts {
            let queue = self.queue.forward(&start.topic, start.partition);
            let partition = Arc::new(self.partition(start));
            self.intake.open_at(&partition, start.offset);
            self.assigned.add(partition, start.offset, queue);
        }
        info!(partitions = starts.len(), "partitions assigned");
        start::list(starts)
    }

    /// Reads again what was in transactions that were aborted: no one has seen it.
    fn begin_anew(&mut self) -> Result<(), SourceError> {
        let broken = self
            .transactions
            .as_ref()
            .and_then(|it| it.broken(|topic, number| self.assigned.get(topic, number).is_some()));
        let Some(Broken {
            list,
            reason,
            refusal,
        }) = broken
        else {
            self.broken = None;
            return Ok(());
        };
        if self.broken.get_or_insert_with(Instant::now).elapsed() < BEGIN_ANEW_AFTER {
            return Ok(());
        }
        if let Some(refusal) = refusal {
            return Err(SourceError::Misconfigured(refusal));
        }
        warn!(
            partitions = list.count(),
            reason, "a transaction was aborted, reading again what was in it"
        );
        self.broken = None;
        let partitions = self.assigned.remove(&list);
        self.close(&partitions);
        self.commits.finish(&self.consumer, &self.intake);
        let starts = self.starts(&list)?;
        starts.iter().try_for_each(Start::check)?;
        while !self.intake.is_stopping() {
            context::check(&self.consumer)?;
            match start::seek(&self.consumer, &starts, SEEK_WAIT) {
                Ok(()) => {
                    self.open(&starts);
                    break;
                }
                Err((code, reason)) => {
                    self.consumer.context().troubles().note(code, &reason);
                    context::poll(&self.consumer, POLL_EVERY);
                }
            }
        }
        Ok(())
    }

    fn partition(&self, start: &Start) -> Partition {
        Partition {
            source: Arc::clone(&self.source),
            topic: start.topic.as_str().into(),
            number: start.partition,
            split: 0,
        }
    }

    fn revoke(&mut self, list: &TopicPartitionList) {
        let partitions = self.assigned.remove(list);
        info!(partitions = partitions.len(), "partitions revoked");
        if self.consumer.assignment_lost() {
            // Another member may read them already: what is committed now would be its checkpoint.
            self.close(&partitions);
        } else {
            self.let_go(&partitions);
        }
        self.commits.finish(&self.consumer, &self.intake);
        context::unassign(&self.consumer, list);
    }

    /// Drains partitions, commits how far they got, and closes them.
    fn let_go(&mut self, partitions: &[Arc<Partition>]) {
        let drain_timeout = self.settings.drain_timeout;
        let drained = self.drain(partitions, drain_timeout);
        if !drained && !self.intake.is_ended() {
            warn!(
                ?drain_timeout,
                "not all was settled in time; the rest will be read again"
            );
        }
        self.commit_last(partitions);
        self.close(partitions);
    }

    /// Waits until nothing of `partitions` is in flight. Commits meanwhile: a transaction keeps out what is behind it until it is
    /// committed.
    fn drain(&mut self, partitions: &[Arc<Partition>], within: Duration) -> bool {
        let every = self.turn_every();
        self.runtime.block_on(async {
            let drained = self.intake.drain(partitions, within);
            tokio::pin!(drained);
            loop {
                if let Ok(answer) = timeout(every, &mut drained).await {
                    return answer;
                }
                context::poll(&self.consumer, Duration::ZERO);
                self.commits.turn(&self.consumer, &self.intake);
            }
        })
    }

    /// How long the thread may wait for the pipeline before it looks after all else.
    fn turn_every(&self) -> Duration {
        POLL_EVERY.min(self.commits.interval())
    }

    /// Commits the checkpoints of `partitions`, which are about to be another member's. Each commit makes runs seen, and only
    /// then there can be a next one; what cannot be shown in time is left to the next owner.
    fn commit_last(&mut self, partitions: &[Arc<Partition>]) {
        let deadline = Instant::now() + LAST_COMMIT_WAIT;
        let mut all_seen = false;
        loop {
            let mut checkpoints = self.intake.checkpoints();
            checkpoints.retain(|it| partitions.contains(&it.partition));
            if checkpoints.is_empty() {
                if all_seen {
                    return;
                }
            } else {
                let (commits, consumer) = (&mut self.commits, &self.consumer);
                let answer = commits.now(consumer, &self.intake, checkpoints, deadline);
                if answer == Err(Refused::ForGood) {
                    return;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            all_seen = self.wait(self.intake.seen(partitions, left));
            if !all_seen {
                return;
            }
        }
    }

    fn close(&self, partitions: &[Arc<Partition>]) {
        for partition in partitions {
            if let Some(transactions) = &self.transactions {
                transactions.give_up(&partition.topic, partition.number);
            }
            self.wait(self.intake.close(partition));
        }
    }

    /// Waits for the pipeline, and polls meanwhile.
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            tokio::pin!(future);
            loop {
                if let Ok(answer) = timeout(POLL_EVERY, &mut future).await {
                    return answer;
                }
                context::poll(&self.consumer, Duration::ZERO);
            }
        })
    }

    /// Sends a batch if there is room for it soon; else keeps it, so that nothing more is read before it went.
    fn send(&mut self, batch: Batch) {
        let mut batch = Some(batch);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                // What is not taken yet is read again by whoever comes next.
                () = self.intake.stopping() => {}
                // Without room the next turn tries again; that the pipeline has ended is seen there.
                _ = timeout(self.turn_every(), self.intake.send(&mut batch)) => {}
            }
        });
        if let Some(batch) = batch {
            self.assigned.put_back(batch);
        }
    }

    fn read(&mut self) -> Result<(), SourceError> {
        let (records_max, wait) = if self.is_idle {
            (1, IDLE_WAIT)
        } else {
            (READ_RECORDS, READ_WAIT)
        };
        let (mut last, mut faults) = (None, Vec::new());
        let read = self
            .queue
            .read(records_max, wait, |record| match record.error() {
                None => self.assigned.push(record, &mut last),
                Some(code) => faults.push(Fault::new(code, record)),
            });
        self.is_idle = read == 0;
        if read < records_max || self.sealed.elapsed() >= READ_WAIT {
            self.assigned.seal_all();
            self.sealed = Instant::now();
        }
        if read > faults.len() {
            self.consumer.context().troubles().over();
        }
        faults
            .into_iter()
            .try_for_each(|fault| self.examine(&fault))
    }

    /// Decides whether reading can go on past `fault`.
    fn examine(&self, fault: &Fault) -> Result<(), SourceError> {
        use RDKafkaErrorCode as Code;
        let Fault {
            topic,
            partition,
            code,
            reason,
        } = fault;
        let is_out_of_log = matches!(
            code,
            Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation
        );
        if is_out_of_log && let Some((_, next)) = self.assigned.get(topic, *partition) {
            return Err(match start::log(&self.consumer, topic, *partition) {
                Ok(log) => start::lost(topic, *partition, next, log),
                Err(_) => {
                    SourceError::Lost(format!("{topic}/{partition}, offset {next}: {reason}"))
                }
            });
        }
        if matches!(code, Code::BadMessage | Code::NotImplemented) {
            // librdkafka goes on behind them, and with the next commit they would be gone.
            return Err(SourceError::Lost(format!(
                "{topic}/{partition} has records that cannot be read ({reason}); where they are whole on the broker, start \
                 again; where not, reset the offset of the group past them"
            )));
        }
        let reason = format!("{topic}/{partition}: {reason}");
        self.consumer.context().troubles().note(*code, &reason);
        Ok(())
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        context::desert(&self.consumer);
    }
}

/// What is wrong with a partition.
struct Fault {
    topic: String,
    partition: i32,
    code: RDKafkaErrorCode,
    reason: String,
}

impl Fault {
    fn new(code: RDKafkaErrorCode, record: &Record) -> Self {
        let reason = String::from_utf8_lossy(record.value().unwrap_or_default()).into_owned();
        Self {
            topic: record.topic().to_owned(),
            partition: record.partition(),
            code,
            reason,
        }
    }
}
