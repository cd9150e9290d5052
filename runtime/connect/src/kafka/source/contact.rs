//! The first contact with a cluster: who it is, and whether it has the topics.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
use tamis_core::Intake;
use tamis_core::source::SourceError;
use tokio::time::Instant;

use super::{Consumer, context};
use crate::kafka::client::{advice, code};

/// How long one question may take; between two the thread serves what came and sees whether it should stop.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How long a topic may be missing that someone has just made.
const MISSING_MAX: Duration = Duration::from_secs(10);

/// Waits until the cluster says its id; `None` when the pipeline is to stop.
pub(super) fn cluster_id(
    consumer: &Consumer,
    intake: &Intake,
) -> Result<Option<String>, SourceError> {
    while !intake.is_stopping() {
        context::check(consumer)?;
        if let Some(id) = consumer.client().fetch_cluster_id(ANSWER_WAIT) {
            return Ok(Some(id));
        }
        // It came with the answer, or never will: brokers before 0.10.1 have none.
        let has_answered = consumer.fetch_metadata(None, ANSWER_WAIT).is_ok();
        if has_answered && consumer.client().fetch_cluster_id(ANSWER_WAIT).is_none() {
            let message = "the cluster has no id to name its records by: set `source.kafka.name`";
            return Err(SourceError::Misconfigured(message.to_owned()));
        }
        context::serve(consumer, ASK_AGAIN);
    }
    Ok(None)
}

/// Waits until the cluster has each of `topics`. Those that are regular expressions may match none.
pub(super) fn topics(
    consumer: &Consumer,
    intake: &Intake,
    topics: &[String],
) -> Result<(), SourceError> {
    let mut missing_since = None;
    let mut topics = topics
        .iter()
        .filter(|topic| !topic.starts_with('^'))
        .peekable();
    while let Some(topic) = topics.peek()
        && !intake.is_stopping()
    {
        context::check(consumer)?;
        let Some(code) = error_of(consumer, topic)? else {
            consumer.context().troubles().over();
            topics.next();
            continue;
        };
        if code == RDKafkaErrorCode::UnknownTopicOrPartition {
            let since = *missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= MISSING_MAX {
                return Err(SourceError::Misconfigured(format!(
                    "topic {topic} does not exist: make it, or correct its name"
                )));
            }
        }
        consumer
            .context()
            .troubles()
            .note(code, &format!("topic {topic}: {code}"));
        context::serve(consumer, ASK_AGAIN);
    }
    Ok(())
}

/// What the cluster says of `topic`; `None` where it is fine.
fn error_of(consumer: &Consumer, topic: &str) -> Result<Option<RDKafkaErrorCode>, SourceError> {
    let error = match consumer.fetch_metadata(Some(topic), ANSWER_WAIT) {
        Ok(metadata) => metadata
            .topics()
            .first()
            .and_then(|topic| topic.error())
            .map(Into::into),
        Err(error) => Some(code(&error)),
    };
    let refusal = error.and_then(|code| Some((code, advice(code)?)));
    match refusal {
        Some((code, advice)) => Err(SourceError::Misconfigured(format!(
            "topic {topic}: {code}; {advice}"
        ))),
        None => Ok(error),
    }
}
