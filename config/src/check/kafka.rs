//! What all that reads or writes Kafka has in common: brokers, topics, properties.

use std::collections::BTreeMap;

use crate::problem::{Report, below, item};
use crate::raw::RawProperty;
use crate::spec::{KafkaSourceSpec, Secret, SourceSpec, is_topic_name};

/// Properties that Tamis sets itself, and why or what to set instead.
type Owned = [(&'static str, &'static str)];

const BROKERS: &str = "set `brokers` instead";
const COMMITS: &str = "only what is settled may be committed, and Tamis does that";

pub(super) const CONSUMER_OWNED: &Owned = &[
    ("bootstrap.servers", BROKERS),
    ("metadata.broker.list", BROKERS),
    ("group.id", "set `group` instead"),
    (
        "auto.offset.reset",
        "set `start_at` instead; later on a reset would skip records in silence",
    ),
    ("enable.auto.commit", COMMITS),
    ("enable.auto.offset.store", COMMITS),
    ("offset.store.method", COMMITS),
    (
        "enable.partition.eof",
        "the end of a partition is not a record",
    ),
    (
        "queued.max.messages.kbytes",
        "set `prefetch_bytes_max` instead",
    ),
];

const REPLICAS: &str = "a dead letter must be on all replicas before its offset is committed";

pub(super) const DEAD_TOPIC_OWNED: &Owned = &[
    ("bootstrap.servers", BROKERS),
    ("metadata.broker.list", BROKERS),
    ("acks", REPLICAS),
    ("request.required.acks", REPLICAS),
    ("enable.idempotence", REPLICAS),
    (
        "transactional.id",
        "dead letters are not written in transactions",
    ),
];

const WRITTEN: &str = "a record must be on all replicas before its offset is committed";
const ORDER: &str = "a record must not overtake one that has to be sent again";
const WAITS: &str = "an outage is waited out, however long it takes";

pub(super) const SINK_OWNED: &Owned = &[
    ("bootstrap.servers", BROKERS),
    ("metadata.broker.list", BROKERS),
    ("acks", WRITTEN),
    ("request.required.acks", WRITTEN),
    ("enable.idempotence", WRITTEN),
    ("enable.gapless.guarantee", ORDER),
    ("max.in.flight", ORDER),
    ("max.in.flight.requests.per.connection", ORDER),
    ("queue.buffering.max.messages", "set `batch` instead"),
    ("queue.buffering.max.kbytes", "set `batch` instead"),
    ("message.timeout.ms", WAITS),
    ("delivery.timeout.ms", WAITS),
    ("retries", WAITS),
    ("message.send.max.retries", WAITS),
    ("transactional.id", "set `transactional` instead"),
];

/// Takes properties over, except for those that are `owned`.
pub(super) fn properties(
    path: &str,
    raw: BTreeMap<String, RawProperty>,
    owned: &Owned,
    report: &mut Report,
) -> BTreeMap<String, Secret> {
    let mut properties = BTreeMap::new();
    for (name, value) in raw {
        if let Some((_, reason)) = owned.iter().find(|(property, _)| *property == name) {
            report.add_with_cure(&below(path, &name), "is set by Tamis itself", *reason);
        }
        let value = match value {
            RawProperty::Text(text) => text,
            RawProperty::Number(number) => number.to_string(),
            RawProperty::Flag(flag) => flag.to_string(),
        };
        properties.insert(name, Secret::new(value));
    }
    properties
}

/// Notes each of `brokers` that is not `host:port`.
pub(super) fn brokers(path: &str, brokers: &[String], report: &mut Report) {
    for (index, broker) in brokers.iter().enumerate() {
        let path = item(path, index);
        if broker.contains("://") {
            let cure = "write `host:port` and set the property `security.protocol`";
            report.add_with_cure(&path, "a broker has no scheme", cure);
            continue;
        }
        let (host, port) = broker.rsplit_once(':').unwrap_or((broker, ""));
        let host_is_legal = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
                !host.is_empty() && host.bytes().all(legal)
            }
        };
        if !host_is_legal || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            report.add_with_cure(&path, "is not a broker", "write `host:port`");
        }
    }
}

/// Notes a problem unless `topic`, at `path`, is a name that Kafka allows.
pub(super) fn topic(path: &str, topic: &str, report: &mut Report) {
    if !is_topic_name(topic) {
        report.add_with_cure(path, "is not a topic name that Kafka allows", TOPIC_RULE);
    }
}

/// What the name of a topic is made of.
pub(super) const TOPIC_RULE: &str = "letters, digits, `.`, `_` and `-`; 1 to 249 characters";

/// Where a producer at `at` writes, and with which properties beside its `own`: to the cluster of the source, and like the
/// source, unless it has `brokers` itself.
pub(super) fn cluster(
    at: &str,
    brokers: Option<Vec<String>>,
    own: BTreeMap<String, Secret>,
    source: &SourceSpec,
    report: &mut Report,
) -> (Vec<String>, BTreeMap<String, Secret>) {
    let at = format!("{at}.brokers");
    match (brokers, source) {
        (Some(brokers), _) => {
            self::brokers(&at, &brokers, report);
            (brokers, own)
        }
        (None, SourceSpec::Kafka(source)) => {
            let mut properties = connection(source);
            properties.extend(own);
            (source.brokers.clone(), properties)
        }
        (None, SourceSpec::File(_) | SourceSpec::Stdin(_)) => {
            let message = "is missing: the source is not Kafka, so there are none to take over";
            report.add(&at, message);
            (Vec::new(), own)
        }
    }
}

/// The topics that are read from the cluster of `brokers`, and regular expressions for them.
pub(super) fn read_from<'a>(brokers: &[String], source: &'a SourceSpec) -> &'a [String] {
    match source {
        SourceSpec::Kafka(source) if brokers.iter().any(|it| source.brokers.contains(it)) => {
            &source.topics
        }
        SourceSpec::Kafka(_) | SourceSpec::File(_) | SourceSpec::Stdin(_) => &[],
    }
}

/// What starts the name of a property that says how to connect; `debug` is the one that is not a
/// family.
const CONNECTION: [&str; 5] = ["security.", "sasl.", "ssl.", "client.", "debug"];

/// The properties of `source` that say how to connect.
fn connection(source: &KafkaSourceSpec) -> BTreeMap<String, Secret> {
    let says_how = |name: &str| CONNECTION.iter().any(|start| name.starts_with(start));
    let properties = source.properties.iter().filter(|(name, _)| says_how(name));
    properties
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
