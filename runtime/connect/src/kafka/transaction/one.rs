//! The transaction of one input partition, from one owner of the partition to the next.
//!
//! | it is      | since                          | the sink may add             | a commit                        |
//! |------------|--------------------------------|------------------------------|---------------------------------|
//! | idle       | the owner came, or a commit    | records, which open it       | of offsets alone                |
//! | open       | the first record               | records                      | has to wait for the end of it   |
//! | staged     | all that is in it was taken by | nothing: it waits            | of it and all offsets up to its |
//! |            | the brokers, and its run ended |                              | end                             |
//! | committing | the source was told to         | nothing: it waits            | is under way                    |
//! | broken     | anything failed                | what it likes; it is lost on | never: its partition is read    |
//! |            |                                | purpose                      | again                           |

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tamis_core::source::SourceError;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::debug;

use crate::kafka::client::{advice, code, explain, log};
use crate::kafka::producer::Reporting;
use crate::kafka::source::Unknown;
use crate::kafka::troubles::Troubles;

/// How long records may be on their way before it is looked at what holds them up.
const FLUSH_WAIT: Duration = Duration::from_millis(500);
/// How long one request may take before it is made again.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// How long a commit may take with all tries: by then the brokers have aborted it, unless the user gave them longer.
const COMMIT_WAIT: Duration = Duration::from_secs(60);
/// How long it may take to tell the brokers that a transaction is over; without that they wait for its timeout.
const ABORT_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Transaction {
    producer: Arc<ThreadedProducer<Reports>>,
    progress: Arc<Progress>,
}

/// What came of a record that was to be added.
pub(super) enum Added<'a> {
    /// It is on its way, or the transaction is broken.
    Yes,
    /// There is no room for it now.
    Full(BaseRecord<'a, [u8], [u8]>),
    /// It can never be written.
    Refused(RDKafkaErrorCode),
}

impl Transaction {
    /// Takes the place of whoever has used `id` before.
    pub(super) fn start(
        config: &ClientConfig,
        brokers: &str,
        id: &str,
        wait: Duration,
    ) -> Result<Self, Unknown> {
        let progress = Arc::new(Progress::default());
        let reports = Reports {
            progress: Arc::clone(&progress),
            troubles: Mutex::new(Troubles::new(brokers.to_owned())),
        };
        let producer: ThreadedProducer<Reports> = config
            .clone()
            .set("transactional.id", id)
            .create_with_context(reports)
            .map_err(|error| Unknown::Stop(SourceError::Misconfigured(explain(&error))))?;
        producer.init_transactions(wait).map_err(|error| {
            let (code, reason) = (code(&error), format!("transactional.id {id}: {error}"));
            let refusal = producer.client().context().troubles().refusal();
            let stop = |reason| Unknown::Stop(SourceError::Misconfigured(reason));
            match (refusal, advice(code)) {
                (Some(refusal), _) => stop(refusal),
                (None, Some(advice)) if !is_retriable(&error) => {
                    stop(format!("{reason}; {advice}"))
                }
                (None, _) => Unknown::AskAgain(code, reason),
            }
        })?;
        let producer = Arc::new(producer);
        Ok(Self { producer, progress })
    }

    /// Who asks the brokers on its behalf.
    pub(super) fn producer(&self) -> &Arc<ThreadedProducer<Reports>> {
        &self.producer
    }

    /// Waits until records may be added; `false` where what is added is lost on purpose.
    pub(super) async fn takes_records(&self) -> bool {
        loop {
            let changed = self.progress.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match &*self.progress.lock() {
                State::Idle | State::Open => return true,
                State::Broken(_) => return false,
                State::Staged { .. } | State::Committing => {}
            }
            changed.await;
        }
    }

    /// Adds a record; the first one opens the transaction. The sink alone calls this, when it [takes
    /// records](Self::takes_records).
    pub(super) fn add<'a>(&self, record: BaseRecord<'a, [u8], [u8]>) -> Added<'a> {
        if *self.progress.lock() == State::Idle {
            match self.producer.begin_transaction() {
                Ok(()) => self.progress.set(State::Open),
                Err(error) => self.progress.fail(&error),
            }
        }
        match self.producer.send(record) {
            Ok(()) => Added::Yes,
            Err((error, record)) => match code(&error) {
                RDKafkaErrorCode::QueueFull => {
                    self.look();
                    if self.broken().is_none() {
                        Added::Full(record)
                    } else {
                        Added::Yes
                    }
                }
                code @ (RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidTimestamp) => Added::Refused(code),
                _ => {
                    self.progress.fail(&error);
                    Added::Yes
                }
            },
        }
    }

    /// Why the brokers refuse what is added as a whole, and what to do about it.
    pub(super) fn refusal(&self) -> Option<String> {
        let troubles = self.producer.client().context().troubles().refusal();
        self.progress.refusal().clone().or(troubles)
    }

    /// Waits until the brokers have taken all of it, so that it can be committed with offsets up to `next`; `false` where that takes
    /// longer than one request may.
    pub(super) fn stage(&self, next: u64) -> bool {
        let deadline = Instant::now() + REQUEST_WAIT;
        while self.broken().is_none() {
            if self.producer.flush(FLUSH_WAIT).is_ok() {
                let mut state = self.progress.lock();
                if *state == State::Open {
                    *state = State::Staged { next };
                }
                return true;
            }
            self.look();
            if Instant::now() > deadline {
                return false;
            }
        }
        true
    }

    /// Notes that librdkafka has given the open transaction up: it holds back what is in it without a word, until it is asked to do
    /// something. To begin what has begun does nothing, but its answer tells.
    pub(super) fn look(&self) {
        match self.producer.begin_transaction() {
            Err(KafkaError::Transaction(error))
                if error.txn_requires_abort() || error.is_fatal() =>
            {
                self.progress.fail(&KafkaError::Transaction(error));
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Whether offsets up to `next` can be committed.
    pub(super) fn is_ready(&self, next: u64) -> bool {
        match *self.progress.lock() {
            State::Idle => true,
            State::Staged { next: end } => end <= next,
            State::Open | State::Committing | State::Broken(_) => false,
        }
    }

    /// Why it was aborted.
    pub(super) fn broken(&self) -> Option<String> {
        match &*self.progress.lock() {
            State::Broken(reason) => Some(reason.clone()),
            State::Idle | State::Open | State::Staged { .. } | State::Committing => None,
        }
    }

    /// Commits it together with the next offset of its partition; says whether that is done.
    pub(super) fn commit(
        &self,
        topic: &str,
        number: i32,
        next: Offset,
        group: &ConsumerGroupMetadata,
    ) -> bool {
        let Some(is_idle) = self.progress.start_commit(next) else {
            return false;
        };
        let mut offsets = TopicPartitionList::new();
        let added = offsets.add_partition_offset(topic, number, next);
        added.expect("an offset can be represented");
        let begun = if is_idle {
            self.producer.begin_transaction()
        } else {
            Ok(())
        };
        let deadline = Instant::now() + COMMIT_WAIT;
        let sent = begun.and_then(|()| {
            again(deadline, || {
                let producer = &self.producer;
                producer.send_offsets_to_transaction(&offsets, group, REQUEST_WAIT)
            })
        });
        let committed = sent.and_then(|()| {
            if !is_idle {
                // At least the run in it is unsettled.
                debug!(target: "tamis::step", step = "sent", unsettled = 1_u64);
            }
            again(deadline, || self.producer.commit_transaction(REQUEST_WAIT))
        });
        match committed {
            Ok(()) => self.progress.set(State::Idle),
            Err(error) => self.progress.fail(&error),
        }
        self.broken().is_none()
    }

    /// Tells the brokers that what is not committed never will be. Where they do not hear it, the next owner tells them.
    pub(super) fn abort(&self) {
        let is_open = match *self.progress.lock() {
            State::Open | State::Staged { .. } => true,
            State::Idle | State::Committing | State::Broken(_) => false,
        };
        self.progress.break_off("its partition was given away");
        if is_open && let Err(error) = self.producer.abort_transaction(ABORT_WAIT) {
            debug!(%error, "a transaction is left to its timeout");
        }
    }
}

/// Calls until it works, or another call cannot help.
fn again(deadline: Instant, call: impl Fn() -> KafkaResult<()>) -> KafkaResult<()> {
    loop {
        match call() {
            Err(error) if is_retriable(&error) && Instant::now() < deadline => {}
            done => return done,
        }
    }
}

fn is_retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => true,
        _ => false,
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Open,
    Staged {
        /// The offset behind the run that is in it.
        next: u64,
    },
    Committing,
    Broken(String),
}

/// Where a transaction is; shared with what librdkafka calls.
#[derive(Default)]
struct Progress {
    state: Mutex<State>,
    refusal: Mutex<Option<String>>,
    changed: Notify,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the state")
    }

    fn refusal(&self) -> MutexGuard<'_, Option<String>> {
        self.refusal
            .lock()
            .expect("no one panics while holding the refusal")
    }

    /// Moves on, unless it is broken: that is for good.
    fn set(&self, to: State) {
        let mut state = self.lock();
        if !matches!(*state, State::Broken(_)) {
            *state = to;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn break_off(&self, reason: &str) {
        self.set(State::Broken(reason.to_owned()));
    }

    fn fail(&self, error: &KafkaError) {
        if let Some(cure) = cure(code(error)) {
            let refusal = format!("{error}; {cure}");
            self.refusal().get_or_insert(refusal);
        }
        self.break_off(&error.to_string());
    }

    /// Begins a commit where offsets up to `next` can be; says whether there are but offsets.
    fn start_commit(&self, next: Offset) -> Option<bool> {
        let mut state = self.lock();
        let is_idle = match *state {
            State::Idle => true,
            State::Staged { next: end } if Some(end) <= offset(next) => false,
            State::Staged { .. } | State::Open | State::Committing | State::Broken(_) => {
                return None;
            }
        };
        *state = State::Committing;
        Some(is_idle)
    }
}

fn offset(offset: Offset) -> Option<u64> {
    match offset {
        Offset::Offset(next) => u64::try_from(next).ok(),
        _ => None,
    }
}

/// Hears what became of records.
pub(super) struct Reports {
    progress: Arc<Progress>,
    troubles: Mutex<Troubles>,
}

impl Reporting for Reports {
    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles
            .lock()
            .expect("no one panics while noting a trouble")
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else {
            return;
        };
        let (code, topic) = (code(error), rdkafka::Message::topic(message));
        if let Some(cure) = cure(code) {
            let refusal = format!("topic {topic}: {code}; {cure}");
            self.progress.refusal().get_or_insert(refusal);
        }
        self.progress.break_off(&format!("topic {topic}: {code}"));
    }
}

/// What to do about an error that another try cannot cure.
fn cure(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            Some("make the topic, or correct its name")
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidTopic => advice(code),
        Code::MessageSizeTooLarge => Some(
            "set message.max.bytes among the properties of the sink to max.message.bytes of the topic: larger records are dead \
             letters then",
        ),
        _ => None,
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        match code(&error) {
            // It was shut out, or met what it cannot recover from: the next one begins anew.
            RDKafkaErrorCode::Fatal => self.progress.break_off(reason),
            code => self.troubles().note(code, reason),
        }
    }
}
