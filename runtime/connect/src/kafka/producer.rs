//! A producer whose user waits for what became of each message.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{
    DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};
use tamis_core::sink::{SinkError, Verdict};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::client::{advice, code, explain, log};
use super::placing::Placed;
use super::troubles::Troubles;
use super::verdict::{self, Failure, Report, TopicNamed};

/// librdkafka's default of [`BATCH_SIZE`].
const BATCH_BYTES: usize = 1_000_000;
/// Bytes up to which librdkafka puts messages of one partition into one request.
const BATCH_SIZE: &str = "batch.size";
/// Between two looks at whether waiting is still of use.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// librdkafka's producer.
pub(super) type Producer = ThreadedProducer<Reports>;

/// A producer that is made anew where the old one cannot go on.
pub(super) struct Carrier {
    brokers: String,
    /// Of all its producers: the next one need not say again what the last one said.
    troubles: Arc<Mutex<Troubles>>,
    state: Mutex<State>,
}

struct State {
    config: ClientConfig,
    producer: Arc<Producer>,
    batch_bytes: usize,
    /// Whether the next write needs another producer, because of the size above.
    changed: bool,
}

impl Carrier {
    /// Makes the producer; it asks the brokers when it is used.
    ///
    /// # Errors
    /// Where librdkafka does not take a property.
    pub(super) fn connect(config: ClientConfig, brokers: &[String]) -> Result<Self, SinkError> {
        let brokers = brokers.join(",");
        let troubles = Arc::new(Mutex::new(Troubles::new(brokers.clone())));
        let producer = producer(&config, &troubles)?;
        let batch_bytes = config.get(BATCH_SIZE).and_then(|size| size.parse().ok());
        let state = Mutex::new(State {
            config,
            producer,
            batch_bytes: batch_bytes.unwrap_or(BATCH_BYTES),
            changed: false,
        });
        Ok(Self {
            brokers,
            troubles,
            state,
        })
    }

    /// The producer; a new one where the old one has met an error that it cannot recover from.
    ///
    /// # Errors
    /// Where that error is one that a new one would meet, too.
    pub(super) fn producer(&self) -> Result<Arc<Producer>, SinkError> {
        let mut state = self.state();
        no_refusal(&state.producer)?;
        let fatal = state.producer.client().fatal_error();
        match &fatal {
            // One message was refused, and no other may overtake those that waited behind it.
            Some((RDKafkaErrorCode::GaplessGuarantee, reason)) => {
                debug!(reason, "kafka producer is made anew");
            }
            Some((_, reason)) => warn!(reason, "kafka producer failed and is made anew"),
            None => {}
        }
        if fatal.is_some() || state.changed {
            let new = producer(&state.config, &self.troubles)?;
            let old = std::mem::replace(&mut state.producer, new);
            state.changed = false;
            // It waits for its thread to end.
            tokio::task::spawn_blocking(move || drop(old));
        }
        Ok(Arc::clone(&state.producer))
    }

    /// Sends `messages` in order through `producer`, and says of each what became of it.
    ///
    /// # Errors
    /// Where none of them was taken, or something is wrong that concerns all of them.
    pub(super) async fn write(
        &self,
        producer: &Producer,
        mut messages: Vec<Placed<'_>>,
        named: TopicNamed,
    ) -> Result<Vec<Verdict>, SinkError> {
        let reports = deliver(producer, &mut messages).await?;
        no_refusal(producer)?;
        let batch_bytes = self.state().batch_bytes;
        let judged = verdict::judge(&messages, &reports, batch_bytes, named)?;
        if judged.blames_neighbours {
            self.send_less();
        }
        Ok(judged.verdicts)
    }

    /// Makes requests smaller: several messages were refused together, and not all of them need to be to blame.
    fn send_less(&self) {
        let mut state = self.state();
        state.batch_bytes = (state.batch_bytes / 2).max(1);
        let batch_bytes = state.batch_bytes;
        state.config.set(BATCH_SIZE, batch_bytes.to_string());
        state.changed = true;
        warn!(
            brokers = self.brokers,
            batch_bytes, "kafka refused several records at once, sending smaller requests"
        );
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the producer")
    }
}

/// Produces `messages`, and waits for what became of each for as long as it takes.
async fn deliver(
    producer: &Producer,
    messages: &mut [Placed<'_>],
) -> Result<Vec<Report>, SinkError> {
    let count = messages.len();
    let (to, mut reported) = mpsc::channel(count.max(1));
    // A message without a report is not known to be there.
    let mut reports = vec![Err(Failure::here(RDKafkaErrorCode::MessageTimedOut)); count];
    for (index, (message, partition)) in messages.iter_mut().enumerate() {
        let to = to.clone();
        let record = message.record(*partition, Box::new(Waiting { index, to }));
        let Err((error, _)) = producer.send(record) else {
            continue;
        };
        let failure = Failure::here(code(&error));
        reports[index] = Err(failure);
        if failure.concerns_all() {
            // Those behind it must not overtake it.
            reports[index..].fill(Err(failure));
            break;
        }
    }
    drop(to);
    let (since, mut some) = (Instant::now(), Vec::new());
    let mut left = count;
    loop {
        match timeout(LOOK_AGAIN, reported.recv_many(&mut some, count.max(1))).await {
            Ok(0) => return Ok(reports),
            Ok(_) => {}
            Err(_) => {
                no_refusal(producer)?;
                // librdkafka lets go of what waits behind an error that ends it, but now and then not of all of it.
                if producer.client().fatal_error().is_some() {
                    producer.purge(PurgeConfig::default().queue());
                }
                let mut troubles = producer.context().troubles();
                troubles.still_waiting(since, left);
            }
        }
        left = left.saturating_sub(some.len());
        for (index, report) in some.drain(..) {
            reports[index] = report;
        }
    }
}

/// Fails where the cluster has refused the producer, so that going on is of no use.
pub(super) fn no_refusal<R: Reporting>(producer: &ThreadedProducer<R>) -> Result<(), SinkError> {
    let fatal = producer.client().fatal_error();
    let fatal = fatal.and_then(|(code, reason)| Some(format!("{reason}; {}", advice(code)?)));
    match fatal.or_else(|| producer.context().troubles().refusal()) {
        Some(reason) => Err(SinkError::Misconfigured(reason.into())),
        None => Ok(()),
    }
}

fn producer(
    config: &ClientConfig,
    troubles: &Arc<Mutex<Troubles>>,
) -> Result<Arc<Producer>, SinkError> {
    let troubles = Arc::clone(troubles);
    let producer = config.create_with_context(Reports { troubles });
    producer
        .map(Arc::new)
        .map_err(|error| SinkError::Misconfigured(explain(&error).into()))
}

/// Brings what became of messages to whoever waits for it.
pub(super) struct Reports {
    troubles: Arc<Mutex<Troubles>>,
}

/// Who waits for what became of a message.
pub(super) struct Waiting {
    index: usize,
    to: mpsc::Sender<(usize, Report)>,
}

/// What a producer reports to, whoever waits for it.
pub(super) trait Reporting: ProducerContext + 'static {
    /// What goes wrong between it and its brokers.
    fn troubles(&self) -> MutexGuard<'_, Troubles>;
}

impl Reporting for Reports {
    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles
            .lock()
            .expect("no one panics while noting a trouble")
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Waiting>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Box<Waiting>) {
        let report = match result {
            Ok(_) => {
                self.troubles().over();
                Ok(())
            }
            Err((error, message)) => Err(Failure::of(code(error), message.partition())),
        };
        // There is room for a report of each message.
        let _no_one_waits = waiting.to.try_send((waiting.index, report));
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        match code(&error) {
            // The next write asks the producer about it.
            RDKafkaErrorCode::Fatal => {}
            code => self.troubles().note(code, reason),
        }
    }
}
