//! What a report on a message means for its record.

use std::collections::BTreeMap;

use rdkafka::error::RDKafkaErrorCode;
use tamis_config::spec::KafkaSinkSpec;
use tamis_core::sink::{SinkError, Verdict};

use super::client::advice;
use super::placing::Placed;

/// What became of one message.
pub(super) type Report = Result<(), Failure>;

/// Why a message is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    code: RDKafkaErrorCode,
    /// The partition whose leader was asked; `None` where the message has not left this process.
    partition: Option<i32>,
}

/// Who named a topic: it says who is to blame where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopicNamed {
    /// A person: it must be there.
    ByConfiguration,
    /// The record: it alone cannot be written.
    ByRecord,
}

impl TopicNamed {
    pub(super) fn of(spec: &KafkaSinkSpec) -> Self {
        if spec.topic.is_fixed() {
            Self::ByConfiguration
        } else {
            Self::ByRecord
        }
    }
}

/// Verdicts on all messages of a write.
pub(super) struct Judged {
    pub(super) verdicts: Vec<Verdict>,
    /// Whether messages were refused together of which not all need to be to blame.
    pub(super) blames_neighbours: bool,
}

impl Failure {
    /// Before it was sent.
    pub(super) fn here(code: RDKafkaErrorCode) -> Self {
        let partition = None;
        Self { code, partition }
    }

    /// On its way to `partition`, or there.
    pub(super) fn of(code: RDKafkaErrorCode, partition: i32) -> Self {
        let partition = Some(partition);
        Self { code, partition }
    }

    /// Whether the next message would fail alike or, worse, overtake this one.
    pub(super) fn concerns_all(self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(self.code, Code::QueueFull | Code::Fatal)
    }

    /// Whether a broker refuses a whole request like this because of one message in it. Where it names that one, the code of
    /// its neighbours is another.
    fn is_of_request(self) -> bool {
        use RDKafkaErrorCode as Code;
        matches!(
            self.code,
            Code::MessageSizeTooLarge
                | Code::InvalidMessageSize
                | Code::InvalidMessage
                | Code::InvalidTimestamp
                | Code::PolicyViolation
        )
    }
}

/// What `reports` mean, where requests hold up to `batch_bytes`, or one larger message alone.
pub(super) fn judge(
    messages: &[Placed<'_>],
    reports: &[Report],
    batch_bytes: usize,
    named: TopicNamed,
) -> Result<Judged, SinkError> {
    let mut refused = BTreeMap::<(&str, i32), usize>::new();
    for ((message, _), report) in messages.iter().zip(reports) {
        if let Err(failure) = report
            && let Some(partition) = failure.partition.filter(|_| failure.is_of_request())
        {
            *refused.entry((&message.topic, partition)).or_default() += 1;
        }
    }
    let mut judged = Judged {
        verdicts: Vec::with_capacity(reports.len()),
        blames_neighbours: false,
    };
    for ((message, _), report) in messages.iter().zip(reports) {
        let verdict = match report {
            Ok(()) => Verdict::Written,
            Err(failure) => {
                let key = failure
                    .partition
                    .map(|partition| (&*message.topic, partition));
                let with_others = key
                    .and_then(|key| refused.get(&key))
                    .is_some_and(|it| *it > 1);
                if failure.is_of_request() && with_others && message.bytes() < batch_bytes {
                    judged.blames_neighbours = true;
                    Verdict::Retry(failure.code.to_string())
                } else {
                    verdict(failure.code, &message.topic, named)?
                }
            }
        };
        judged.verdicts.push(verdict);
    }
    if let Some(Verdict::Retry(reason)) = judged.verdicts.first()
        && judged.verdicts.iter().all(is_retry)
        && !judged.blames_neighbours
    {
        return Err(SinkError::Unavailable(reason.clone().into()));
    }
    Ok(judged)
}

fn is_retry(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Retry(_))
}

/// What a failure with `code` means that is the message's own.
fn verdict(code: RDKafkaErrorCode, topic: &str, named: TopicNamed) -> Result<Verdict, SinkError> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageSizeTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidMessage
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::PolicyViolation => Ok(Verdict::Rejected(code.to_string())),
        Code::UnknownTopic | Code::UnknownTopicOrPartition => missing(topic, named),
        Code::InvalidTopic if named == TopicNamed::ByRecord => {
            Ok(Verdict::Rejected(format!("topic {topic}: {code}")))
        }
        // What is fatal to one producer is no concern of the next one.
        Code::Fatal => Ok(Verdict::Retry(code.to_string())),
        other => match advice(other) {
            Some(advice) => Err(refused(topic, other, advice)),
            None => Ok(Verdict::Retry(code.to_string())),
        },
    }
}

/// What it means that there is no `topic`.
pub(super) fn missing(topic: &str, named: TopicNamed) -> Result<Verdict, SinkError> {
    match named {
        TopicNamed::ByRecord => Ok(Verdict::Rejected(format!("topic {topic} does not exist"))),
        TopicNamed::ByConfiguration => {
            let reason = format!("topic {topic} does not exist: make it, or correct its name");
            Err(SinkError::Misconfigured(reason.into()))
        }
    }
}

/// The end of the pipeline because `topic` may not be used like this.
pub(super) fn refused(topic: &str, code: RDKafkaErrorCode, advice: &str) -> SinkError {
    SinkError::Misconfigured(format!("topic {topic}: {code}; {advice}").into())
}
