//! Checks where refused records go.

use std::path::Path;

use super::kafka;
use crate::problem::Report;
use crate::raw::{RawDeadLetters, RawDeadTopic};
use crate::spec::{DeadLettersSpec, DeadTopicSpec, SourceSpec, is_among};

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
