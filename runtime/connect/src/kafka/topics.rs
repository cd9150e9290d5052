//! The topics that records have named lately: whether they are there, and with how many partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{Producer as _, ThreadedProducer};
use tamis_config::spec::KafkaSinkSpec;
use tamis_core::sink::SinkError;
use tokio::time::{Instant, sleep};

use super::client::{advice, code};
use super::producer::{Reporting, no_refusal};
use super::verdict::{TopicNamed, refused};

/// How long one question may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Between two questions.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How long a topic may be missing that someone has just made.
const MISSING_MAX: Duration = Duration::from_secs(10);
/// How long an answer holds: partitions may be added, and missing topics made.
const HOLDS: Duration = Duration::from_mins(1);
/// How long a topic that no record names counts as one of those that are bounded.
const UNUSED_MAX: Duration = Duration::from_hours(1);

/// What is known of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topic {
    /// It is there.
    Partitions(i32),
    /// It is not.
    Missing,
    /// It must not be written to; says why.
    Refused(String),
}

/// What is known of the topics of one write; those that are one too many are not in it.
pub(super) type Found = BTreeMap<String, Topic>;

/// The topics of one sink.
pub(super) struct Topics {
    spec: KafkaSinkSpec,
    known: Mutex<BTreeMap<String, Known>>,
}

struct Known {
    topic: Topic,
    asked: Instant,
    used: Instant,
}

impl Topics {
    pub(super) fn new(spec: &KafkaSinkSpec) -> Self {
        Self {
            spec: spec.clone(),
            known: Mutex::default(),
        }
    }

    /// Looks `names` up, and asks the cluster for those that are not known.
    ///
    /// # Errors
    /// Where the cluster does not say, or this user may not use one of them.
    pub(super) async fn look_up<R: Reporting>(
        &self,
        producer: &Arc<ThreadedProducer<R>>,
        names: BTreeSet<&str>,
    ) -> Result<Found, SinkError> {
        let unknown = self.unknown(&names, Instant::now());
        if !unknown.is_empty() {
            let found = ask_all(producer, unknown, TopicNamed::of(&self.spec)).await?;
            self.learn(found, Instant::now());
        }
        let known = self.known.lock().expect("no one panics while looking");
        let find = |name: &str| Some((name.to_owned(), known.get(name)?.topic.clone()));
        Ok(names.into_iter().filter_map(find).collect())
    }

    /// Those of `names` that have to be asked for: as many new ones as there may be.
    fn unknown(&self, names: &BTreeSet<&str>, now: Instant) -> Vec<String> {
        let mut known = self.known.lock().expect("no one panics while looking");
        known.retain(|_, known| known.counts(now));
        let mut room = self.spec.topics_max.saturating_sub(known.len());
        let mut unknown = Vec::new();
        for &name in names {
            match known.get_mut(name) {
                Some(known) => {
                    known.used = now;
                    if now.duration_since(known.asked) >= HOLDS {
                        unknown.push(name.to_owned());
                    }
                }
                None if room == 0 => {}
                None => {
                    room -= 1;
                    if self.spec.reads(name) {
                        let topic = Topic::Refused("is one that this pipeline reads".to_owned());
                        known.insert(name.to_owned(), Known::new(topic, now));
                    } else {
                        unknown.push(name.to_owned());
                    }
                }
            }
        }
        unknown
    }

    fn learn(&self, found: Found, now: Instant) {
        let mut known = self.known.lock().expect("no one panics while learning");
        for (name, topic) in found {
            known.insert(name, Known::new(topic, now));
        }
    }
}

impl Known {
    fn new(topic: Topic, now: Instant) -> Self {
        let (asked, used) = (now, now);
        Self { topic, asked, used }
    }

    /// Whether it is one of those that are bounded. Names that mean nothing do not keep others out for long.
    fn counts(&self, now: Instant) -> bool {
        match self.topic {
            Topic::Partitions(_) => now.duration_since(self.used) < UNUSED_MAX,
            Topic::Missing | Topic::Refused(_) => now.duration_since(self.asked) < HOLDS,
        }
    }
}

/// Asks for each of `names`, and once more for those that are missing: to ask for a topic may have made it.
async fn ask_all<R: Reporting>(
    producer: &Arc<ThreadedProducer<R>>,
    names: Vec<String>,
    named: TopicNamed,
) -> Result<Found, SinkError> {
    let (since, mut open, mut found) = (Instant::now(), names, Found::new());
    loop {
        let (producer, names) = (Arc::clone(producer), std::mem::take(&mut open));
        let answers = tokio::task::spawn_blocking(move || {
            let ask = |name: String| ask(&producer, &name, named).map(|topic| (name, topic));
            names.into_iter().map(ask).collect::<Result<Vec<_>, _>>()
        });
        let answers = answers.await.expect("no question panics")?;
        for (name, answer) in answers {
            match answer {
                Topic::Missing if since.elapsed() < MISSING_MAX => open.push(name),
                topic => {
                    found.insert(name, topic);
                }
            }
        }
        if open.is_empty() {
            return Ok(found);
        }
        sleep(ASK_AGAIN).await;
    }
}

/// What the cluster says of topic `name`.
fn ask<R: Reporting>(
    producer: &ThreadedProducer<R>,
    name: &str,
    named: TopicNamed,
) -> Result<Topic, SinkError> {
    use RDKafkaErrorCode as Code;
    let answer = producer.client().fetch_metadata(Some(name), ANSWER_WAIT);
    let error = match &answer {
        Ok(metadata) => {
            let topic = metadata.topics().first();
            let count = topic.map_or(0, |topic| topic.partitions().len());
            match topic.and_then(|topic| topic.error()) {
                Some(error) => Code::from(error),
                None if count == 0 => Code::LeaderNotAvailable,
                None => {
                    producer.context().troubles().over();
                    let count = i32::try_from(count).expect("partitions have numbers of 31 bits");
                    return Ok(Topic::Partitions(count));
                }
            }
        }
        Err(error) => code(error),
    };
    match error {
        Code::UnknownTopicOrPartition | Code::UnknownTopic => return Ok(Topic::Missing),
        Code::InvalidTopic if named == TopicNamed::ByRecord => {
            return Ok(Topic::Refused(
                "has a name that the cluster refuses".to_owned(),
            ));
        }
        _ => {}
    }
    if let Some(advice) = advice(error) {
        return Err(refused(name, error, advice));
    }
    no_refusal(producer)?;
    Err(SinkError::Unavailable(
        format!("topic {name}: {error}").into(),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tamis_config::spec::{KafkaDelivery, KafkaKey, RunLimits};
    use tamis_config::template::Template;

    use super::*;

    fn topics(topics_max: usize) -> Topics {
        Topics::new(&KafkaSinkSpec {
            brokers: Vec::new(),
            topic: Template { parts: Vec::new() },
            key: KafkaKey::Record,
            headers: BTreeMap::new(),
            topics_max,
            read: Vec::new(),
            delivery: KafkaDelivery::Transactional(RunLimits::default()),
            properties: BTreeMap::new(),
        })
    }

    fn check(topics: &Topics, names: &[&str], now: Instant, expected: &[&str]) {
        let unknown = topics.unknown(&names.iter().copied().collect(), now);
        assert_eq!(unknown, expected);
        let answer = |name: String| match name.starts_with('-') {
            true => (name, Topic::Missing),
            false => (name, Topic::Partitions(1)),
        };
        topics.learn(unknown.into_iter().map(answer).collect(), now);
    }

    #[tokio::test(start_paused = true)]
    async fn topics_are_bounded_until_they_are_not_named_for_long() {
        let (topics, start) = (topics(2), Instant::now());
        check(&topics, &["a", "b", "c"], start, &["a", "b"]);
        check(&topics, &["a", "c"], start, &[]);
        let later = start + UNUSED_MAX - HOLDS;
        check(&topics, &["a"], later, &["a"]);
        check(&topics, &["c"], start + UNUSED_MAX, &["c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_topic_that_is_missing_keeps_others_out_for_a_minute_only() {
        let (topics, start) = (topics(1), Instant::now());
        check(&topics, &["-", "a"], start, &["-"]);
        check(&topics, &["-", "a"], start + HOLDS / 2, &[]);
        check(&topics, &["a"], start + HOLDS, &["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn partitions_are_counted_again_after_a_while() {
        let (topics, start) = (topics(1), Instant::now());
        check(&topics, &["a"], start, &["a"]);
        check(&topics, &["a"], start + HOLDS / 2, &[]);
        check(&topics, &["a"], start + HOLDS, &["a"]);
    }
}
