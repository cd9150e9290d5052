//! A topic for dead letters: each record as it was, with its key, time and headers, at least once.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use tamis_config::spec::DeadTopicSpec;
use tamis_core::headers;
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};
use tokio::sync::mpsc;
use tracing::warn;

use super::client::{advice, code, configure, explain, log};
use super::troubles::Troubles;

/// A topic that takes refused records.
pub struct DeadTopic {
    topic: String,
    config: ClientConfig,
    brokers: String,
    producer: Mutex<Arc<Producer>>,
}

type Producer = ThreadedProducer<Reports>;
/// What became of one record.
type Report = Result<(), RDKafkaErrorCode>;

impl DeadTopic {
    /// Makes the producer; it asks the brokers when the first record is written.
    ///
    /// # Errors
    /// Where librdkafka does not take a property.
    pub fn connect(spec: &DeadTopicSpec) -> Result<Self, SinkError> {
        let config = properties(spec).map_err(|error| SinkError::Misconfigured(error.into()))?;
        let brokers = spec.brokers.join(",");
        let producer = Mutex::new(producer(&config, &brokers)?);
        Ok(Self {
            topic: spec.topic.clone(),
            config,
            brokers,
            producer,
        })
    }

    /// The producer; a new one where the old one has met an error that it cannot recover from.
    fn producer(&self) -> Result<Arc<Producer>, SinkError> {
        let mut current = self
            .producer
            .lock()
            .expect("no one panics while holding the producer");
        if current.client().fatal_error().is_some() {
            *current = producer(&self.config, &self.brokers)?;
        }
        Ok(Arc::clone(&current))
    }

    /// Produces `records` and waits for what became of each.
    async fn deliver(&self, producer: &Producer, records: &Records) -> Vec<Report> {
        let (to, mut reported) = mpsc::channel(records.len().max(1));
        // A record without a report is not known to be there.
        let mut reports = vec![Err(RDKafkaErrorCode::MessageTimedOut); records.len()];
        for (index, record) in records.iter().enumerate() {
            let opaque = Box::new(Waiting {
                index,
                to: to.clone(),
            });
            if let Err((error, _)) = producer.send(self.message(&record, opaque)) {
                reports[index] = Err(code(&error));
            }
        }
        drop(to);
        while let Some((index, report)) = reported.recv().await {
            reports[index] = report;
        }
        reports
    }

    fn message<'a>(
        &'a self,
        record: &Record<'a>,
        delivery_opaque: Box<Waiting>,
    ) -> BaseRecord<'a, [u8], [u8], Box<Waiting>> {
        let add = |list: OwnedHeaders, (key, value)| list.insert(Header { key, value });
        let flat = record.headers();
        BaseRecord {
            topic: &self.topic,
            partition: None,
            payload: record.value(),
            key: record.key(),
            timestamp: record.timestamp_ms(),
            headers: (!flat.is_empty()).then(|| headers::iter(flat).fold(OwnedHeaders::new(), add)),
            delivery_opaque,
        }
    }

    fn verdict(&self, report: &Report) -> Result<Verdict, SinkError> {
        use RDKafkaErrorCode as Code;
        let Err(code) = report else {
            return Ok(Verdict::Written);
        };
        let topic = &self.topic;
        match code {
            Code::MessageSizeTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidMessage
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::PolicyViolation => Ok(Verdict::Rejected(code.to_string())),
            Code::UnknownTopic | Code::UnknownTopicOrPartition => {
                let reason = format!("topic {topic} does not exist: make it, or correct its name");
                Err(SinkError::Misconfigured(reason.into()))
            }
            // What is fatal to one producer is no concern of the next one.
            Code::Fatal => Ok(Verdict::Retry(code.to_string())),
            other => match advice(*other) {
                Some(advice) => {
                    let reason = format!("topic {topic}: {code}; {advice}");
                    Err(SinkError::Misconfigured(reason.into()))
                }
                None => Ok(Verdict::Retry(code.to_string())),
            },
        }
    }
}

#[async_trait]
impl Sink for DeadTopic {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let producer = self.producer()?;
        let mut reports = self.deliver(&producer, records).await;
        // A broker refuses a request as a whole when it is too large: only a record that is refused alone is to blame.
        for index in 0..reports.len() {
            if reports.len() > 1 && reports[index] == Err(RDKafkaErrorCode::MessageSizeTooLarge) {
                let alone = self.deliver(&producer, &records.select([index])).await;
                reports[index] = alone[0];
            }
        }
        if let Some(refusal) = producer.client().context().troubles().refusal() {
            return Err(SinkError::Misconfigured(refusal.into()));
        }
        let verdicts: Vec<_> = reports
            .iter()
            .map(|report| self.verdict(report))
            .collect::<Result<_, _>>()?;
        match verdicts.first() {
            Some(Verdict::Retry(reason)) if verdicts.iter().all(is_retry) => {
                Err(SinkError::Unavailable(reason.clone().into()))
            }
            _ => Ok(verdicts),
        }
    }
}

fn is_retry(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Retry(_))
}

fn properties(spec: &DeadTopicSpec) -> Result<ClientConfig, String> {
    let preferred = [
        ("client.id", "tamis".to_owned()),
        // An outage is waited out by whoever writes; this bounds how long a write goes without an answer.
        ("message.timeout.ms", "10000".to_owned()),
        // Below that, so that a missing topic is told from an outage.
        ("topic.metadata.propagation.max.ms", "5000".to_owned()),
        // The broker decides what is too large; it must be below what it takes in one request (100 MiB by default).
        ("message.max.bytes", (64 << 20).to_string()),
        ("queue.buffering.max.kbytes", (128 << 10).to_string()),
    ];
    let owned = [
        ("bootstrap.servers", spec.brokers.join(",")),
        ("enable.idempotence", "true".to_owned()),
        ("acks", "all".to_owned()),
    ];
    configure(&preferred, &spec.properties, &owned)
}

fn producer(config: &ClientConfig, brokers: &str) -> Result<Arc<Producer>, SinkError> {
    let reports = Reports {
        troubles: Mutex::new(Troubles::new(brokers.to_owned())),
    };
    let producer = config.create_with_context(reports).map(Arc::new);
    producer.map_err(|error| SinkError::Misconfigured(explain(&error).into()))
}

/// Brings what became of records to whoever waits for it.
struct Reports {
    troubles: Mutex<Troubles>,
}

/// Who waits for what became of a record.
struct Waiting {
    index: usize,
    to: mpsc::Sender<(usize, Report)>,
}

impl Reports {
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
            Err((error, _)) => Err(code(error)),
        };
        // There is room for a report of each record.
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
            // The next write takes a new producer.
            RDKafkaErrorCode::Fatal => warn!(reason, "kafka producer failed"),
            code => self.troubles().note(code, reason),
        }
    }
}
