//! Checks where refused records go.

use std::collections::BTreeMap;
use std::path::Path;

use super::kafka;
use crate::problem::Report;
use crate::raw::{RawDeadLetters, RawDeadTopic};
use crate::spec::{DeadLettersSpec, DeadTopicSpec, KafkaSourceSpec, Secret, SourceSpec};

/// What starts the name of a property that says how to connect; `debug` is the one that is not a
/// family.
const CONNECTION: [&str; 5] = ["security.", "sasl.", "ssl.", "client.", "debug"];

pub(super) fn check(
    raw: RawDeadLetters,
    source: &SourceSpec,
    folder: &Path,
    report: &mut Report,
) -> DeadLettersSpec {
    if raw.kafka.is_none() && raw.folder.is_none() {
        let cure = "name one of `kafka`, `folder`, or both";
        report.add_with_cure(
            "dead_letters",
            "refused records would have nowhere to go",
            cure,
        );
    }
    let source = match source {
        SourceSpec::Kafka(source) => Some(source),
        SourceSpec::File(_) | SourceSpec::Stdin(_) => None,
    };
    if raw
        .folder
        .as_ref()
        .is_some_and(|folder| folder.path.as_os_str().is_empty())
    {
        report.add("dead_letters.folder.path", "must not be empty");
    }
    DeadLettersSpec {
        kafka: raw.kafka.map(|raw| topic(raw, source, report)),
        folder: raw.folder.map(|raw| folder.join(raw.path)),
    }
}

fn topic(
    raw: RawDeadTopic,
    source: Option<&KafkaSourceSpec>,
    report: &mut Report,
) -> DeadTopicSpec {
    const AT: &str = "dead_letters.kafka";
    let topic_at = format!("{AT}.topic");
    kafka::topic(&topic_at, &raw.topic, report);
    let at = format!("{AT}.properties");
    let own = kafka::properties(&at, raw.properties, kafka::PRODUCER_OWNED, report);

    let (brokers, properties) = match (raw.brokers, source) {
        (Some(brokers), _) => {
            kafka::brokers(&format!("{AT}.brokers"), &brokers, report);
            (brokers, own)
        }
        (None, Some(source)) => {
            let mut properties = connection(source);
            properties.extend(own);
            (source.brokers.clone(), properties)
        }
        (None, None) => {
            let message = "is missing: the source is not Kafka, so there are none to take over";
            report.add(&format!("{AT}.brokers"), message);
            (Vec::new(), own)
        }
    };
    if source.is_some_and(|source| source.brokers == brokers && reads(source, &raw.topic)) {
        report.add(
            &topic_at,
            "is a topic of the source: its dead letters would be read again",
        );
    }
    DeadTopicSpec {
        brokers,
        topic: raw.topic,
        properties,
    }
}

/// Whether `source` reads `topic`.
fn reads(source: &KafkaSourceSpec, topic: &str) -> bool {
    let matches = |expression: &str| {
        regex_lite::Regex::new(expression).is_ok_and(|expression| expression.is_match(topic))
    };
    source
        .topics
        .iter()
        .any(|name| name == topic || name.starts_with('^') && matches(name))
}

/// The properties of `source` that say how to connect.
fn connection(source: &KafkaSourceSpec) -> BTreeMap<String, Secret> {
    let says_how = |name: &str| CONNECTION.iter().any(|start| name.starts_with(start));
    let properties = source.properties.iter().filter(|(name, _)| says_how(name));
    properties
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
