//! Which message each record becomes, and the partition of the topic that it goes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use rdkafka::producer::ThreadedProducer;
use tamis_config::spec::KafkaSinkSpec;
use tamis_core::sink::{Records, SinkError, Verdict};

use super::message::{Encoder, Message};
use super::producer::Reporting;
use super::topics::{Found, Topic, Topics};
use super::verdict::{TopicNamed, missing};

/// A message, and the partition that it goes to; `None` where its key decides.
pub(super) type Placed<'a> = (Message<'a>, Option<i32>);

/// Where the records of one sink go.
pub(super) struct Placer {
    encoder: Encoder,
    topics: Topics,
    named: TopicNamed,
}

impl Placer {
    pub(super) fn new(spec: &KafkaSinkSpec) -> Self {
        Self {
            encoder: Encoder::new(spec),
            topics: Topics::new(spec),
            named: TopicNamed::of(spec),
        }
    }

    /// Who names the topics.
    pub(super) fn named(&self) -> TopicNamed {
        self.named
    }

    /// For each of `records`, in order: the message that it becomes, or the verdict that it becomes none.
    ///
    /// # Errors
    /// Where the cluster does not say what topics there are, or a topic that a person named cannot be written to.
    pub(super) async fn place<'a, R: Reporting>(
        &'a self,
        producer: &Arc<ThreadedProducer<R>>,
        records: &'a Records,
    ) -> Result<Vec<Result<Placed<'a>, Verdict>>, SinkError> {
        let messages = records.iter().map(|record| self.encoder.message(&record));
        let messages: Vec<_> = messages.collect();
        let names = messages.iter().flatten().map(|message| &*message.topic);
        let names = names.collect::<BTreeSet<_>>();
        let found = self.topics.look_up(producer, names).await?;
        let place = |message: Result<Message<'a>, String>| match message {
            Ok(message) => self.find(message, &found),
            Err(reason) => Ok(Err(Verdict::Rejected(reason))),
        };
        messages.into_iter().map(place).collect()
    }

    fn find<'a>(
        &self,
        message: Message<'a>,
        found: &Found,
    ) -> Result<Result<Placed<'a>, Verdict>, SinkError> {
        let topic = &*message.topic;
        let nowhere = match found.get(topic) {
            Some(Topic::Partitions(count)) => {
                let partition = message.partition(*count);
                return Ok(Ok((message, partition)));
            }
            Some(Topic::Missing) => missing(topic, self.named)?,
            Some(Topic::Refused(reason)) => {
                let reason = format!("topic {topic} {reason}");
                match self.named {
                    TopicNamed::ByRecord => Verdict::Rejected(reason),
                    TopicNamed::ByConfiguration => {
                        return Err(SinkError::Misconfigured(reason.into()));
                    }
                }
            }
            None => {
                let reason = format!("topic {topic} is one more than `topics_max` allows");
                Verdict::Rejected(reason)
            }
        };
        Ok(Err(nowhere))
    }
}
