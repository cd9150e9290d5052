//! Checks a sink that writes Kafka topics.

use std::collections::BTreeMap;

use super::{Beside, template};
use crate::check::kafka;
use crate::problem::{Report, below, near_miss};
use crate::raw::{RawKafkaBatch, RawKafkaSink, RawTransaction};
use crate::spec::{
    KAFKA_REQUEST, KafkaDelivery, KafkaKey, KafkaSinkSpec, KafkaSourceSpec, RunLimits, SourceSpec,
    WriterLimits, is_among,
};
use crate::template::{Part, Template};

pub(super) fn check(
    at: &str,
    raw: RawKafkaSink,
    beside: &Beside<'_>,
    report: &mut Report,
) -> KafkaSinkSpec {
    let owned = kafka::SINK_OWNED;
    let own = kafka::properties(&format!("{at}.properties"), raw.properties, owned, report);
    let (brokers, properties) = kafka::cluster(at, raw.brokers, own, beside.source, report);
    let read = kafka::read_from(&brokers, beside.source);
    if raw.transactional {
        transactional(&format!("{at}.transactional"), &brokers, beside, report);
    }
    KafkaSinkSpec {
        topic: topic(&format!("{at}.topic"), &raw.topic, read, report),
        key: key(&format!("{at}.key"), &raw.key, report),
        headers: headers(&format!("{at}.headers"), raw.headers, report),
        topics_max: raw.topics_max,
        read: read.to_vec(),
        delivery: delivery(at, raw.transactional, raw.batch, raw.run, report),
        brokers,
        properties,
    }
}

/// Notes a problem where offsets and records cannot be in one transaction.
fn transactional(at: &str, brokers: &[String], beside: &Beside<'_>, report: &mut Report) {
    if beside.others {
        let message = "there are other sinks, which a transaction cannot take in";
        report.add_with_cure(at, message, "give this sink a pipeline of its own");
    }
    match beside.source {
        SourceSpec::Kafka(source) if !brokers.iter().any(|it| source.brokers.contains(it)) => {
            let message = "has other brokers than the source, but a transaction is of one cluster";
            report.add_with_cure(at, message, "leave `brokers` out");
        }
        SourceSpec::Kafka(source) if reads_uncommitted(source) => {
            let message =
                "the source reads records that may be aborted yet, and would write them for good";
            let cure = "leave `isolation.level` of the source out";
            report.add_with_cure(at, message, cure);
        }
        SourceSpec::Kafka(_) => {}
        SourceSpec::File(_) | SourceSpec::Stdin(_) => {
            let message = "the source is not Kafka, so there are no offsets to commit";
            report.add(at, message);
        }
    }
}

fn reads_uncommitted(source: &KafkaSourceSpec) -> bool {
    let level = source.properties.get("isolation.level");
    level.is_some_and(|level| level.expose() == "read_uncommitted")
}

fn delivery(
    at: &str,
    transactional: bool,
    batch: Option<RawKafkaBatch>,
    run: Option<RawTransaction>,
    report: &mut Report,
) -> KafkaDelivery {
    if transactional {
        if batch.is_some() {
            let message = "says nothing where `transactional` is true";
            report.add_with_cure(&format!("{at}.batch"), message, "set `run` instead");
        }
        let RawTransaction {
            bytes_max,
            records_max,
            age_ms_max,
        } = run.unwrap_or_default();
        return KafkaDelivery::Transactional(RunLimits {
            bytes_max,
            records_max,
            age_ms_max,
        });
    }
    if run.is_some() {
        let cure = "set `transactional: true`, or `batch` instead";
        let message = "says nothing where `transactional` is not true";
        report.add_with_cure(&format!("{at}.run"), message, cure);
    }
    let RawKafkaBatch {
        records_max,
        bytes_max,
        linger_ms,
    } = batch.unwrap_or_default();
    KafkaDelivery::AtLeastOnce(WriterLimits {
        records_max,
        bytes_max,
        linger_ms,
        ..KAFKA_REQUEST
    })
}

/// The template of the topic in `text`; `read` are topics that it must not name.
fn topic(at: &str, text: &str, read: &[String], report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    let literals = template.parts.iter().filter_map(|part| match part {
        Part::Literal(text) | Part::Time(text) => Some(text.as_str()),
        Part::Topic | Part::Partition | Part::Field(_) | Part::Route => None,
    });
    // What records put in is judged when it is there; here any name stands for it.
    let sample: String = literals.chain(["x"]).collect();
    let fixed = template
        .parts
        .iter()
        .all(|part| matches!(part, Part::Literal(_)));
    let sample = if fixed {
        text
    } else {
        &sample.replace('%', "")
    };
    kafka::topic(at, sample, report);
    if leads_back(&template, read) {
        let message = "is a topic of the source: what is written would be read again";
        report.add(at, message);
    }
    template
}

/// Whether `template` surely names one of the topics that are `read`; what else it names is looked at when it does.
fn leads_back(template: &Template, read: &[String]) -> bool {
    let only_topic = |part: &Part| matches!(part, Part::Literal(_) | Part::Topic);
    if !template.parts.iter().all(only_topic) {
        return false;
    }
    let named = |topic: &str| -> String {
        let text = template.parts.iter().map(|part| match part {
            Part::Literal(text) => text,
            Part::Topic | Part::Partition | Part::Field(_) | Part::Route | Part::Time(_) => topic,
        });
        text.collect()
    };
    // A topic that fits an expression is not known, but it fits it still when nothing is put around it.
    read.iter()
        .any(|topic| named(topic) == *topic || is_among(read, &named(topic)))
}

fn key(at: &str, text: &str, report: &mut Report) -> KafkaKey {
    const WORDS: [&str; 2] = ["record", "none"];
    match text {
        "record" => return KafkaKey::Record,
        "none" => return KafkaKey::None,
        _ => {}
    }
    let Some(template) = template(at, text, report) else {
        return KafkaKey::None;
    };
    if template
        .parts
        .iter()
        .all(|part| matches!(part, Part::Literal(_)))
    {
        let message = "is neither `record`, `none` nor a template with a placeholder";
        match near_miss(text, WORDS).filter(|_| !report.is_secret(at)) {
            Some(meant) => report.add_with_cure(at, message, format!("did you mean `{meant}`?")),
            None => report.add(at, message),
        }
    }
    KafkaKey::Template(template)
}

fn headers(
    at: &str,
    raw: BTreeMap<String, String>,
    report: &mut Report,
) -> BTreeMap<String, Template> {
    let mut headers = BTreeMap::new();
    for (name, text) in raw {
        let at = below(at, &name);
        let own = match &*name {
            "tamis-id" => Some("it holds the record's id"),
            "tamis-plugins" => {
                Some("it holds the plugins that made the record, with their versions")
            }
            _ => None,
        };
        if let Some(holds) = own {
            report.add_with_cure(&at, "is set by Tamis itself", holds);
        }
        headers.extend(template(&at, &text, report).map(|template| (name, template)));
    }
    headers
}
