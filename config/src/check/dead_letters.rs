//! Checks where refused records go.

use std::path::Path;

use super::kafka;
use crate::problem::{Report, below};
use crate::raw::{RawDeadLetters, RawDeadTopic};
use crate::spec::{DeadLettersSpec, DeadTopicSpec, OnOutage, SinkSpec, SourceSpec, is_among};

/// Checks the stores of dead letters at `at`, or of letters in their form.
pub(super) fn check(
    at: &str,
    raw: RawDeadLetters,
    source: &SourceSpec,
    folder: &Path,
    report: &mut Report,
) -> DeadLettersSpec {
    if raw.kafka.is_none() && raw.folder.is_none() {
        let cure = "name one of `kafka`, `folder`, or both";
        report.add_with_cure(at, "refused records would have nowhere to go", cure);
    }
    if raw
        .folder
        .as_ref()
        .is_some_and(|folder| folder.path.as_os_str().is_empty())
    {
        report.add(&format!("{at}.folder.path"), "must not be empty");
    }
    DeadLettersSpec {
        kafka: raw
            .kafka
            .map(|raw| topic(&format!("{at}.kafka"), raw, source, report)),
        folder: raw.folder.map(|raw| folder.join(raw.path)),
    }
}

/// Letters of two kinds in one place would be replayed as if they were of one.
pub(super) fn distinct(dead: &DeadLettersSpec, sinks: &[SinkSpec], report: &mut Report) {
    let mut before = vec![("dead_letters".to_owned(), dead)];
    for sink in sinks {
        let OnOutage::Park { to, .. } = &sink.on_outage else {
            continue;
        };
        let at = format!("{}.on_outage.park", below("sinks", &sink.name));
        for (other, letters) in &before {
            let topics = to.kafka.as_ref().zip(letters.kafka.as_ref());
            let is_one = |(a, b): (&DeadTopicSpec, &DeadTopicSpec)| {
                a.topic == b.topic && a.brokers.iter().any(|broker| b.brokers.contains(broker))
            };
            if topics.is_some_and(is_one) {
                let message = format!("is the topic of `{other}` too");
                report.add_with_cure(&format!("{at}.kafka.topic"), message, "give each its own");
            }
            if to.folder.is_some() && to.folder == letters.folder {
                let message = format!("is the folder of `{other}` too");
                report.add_with_cure(&format!("{at}.folder.path"), message, "give each its own");
            }
        }
        before.push((at, to));
    }
}

fn topic(at: &str, raw: RawDeadTopic, source: &SourceSpec, report: &mut Report) -> DeadTopicSpec {
    let topic_at = format!("{at}.topic");
    kafka::topic(&topic_at, &raw.topic, report);
    let own = format!("{at}.properties");
    let own = kafka::properties(&own, raw.properties, kafka::DEAD_TOPIC_OWNED, report);
    let (brokers, properties) = kafka::cluster(at, raw.brokers, own, source, report);
    if is_among(kafka::read_from(&brokers, source), &raw.topic) {
        report.add(
            &topic_at,
            "is a topic of the source: its letters would be read again",
        );
    }
    DeadTopicSpec {
        brokers,
        topic: raw.topic,
        properties,
    }
}
