//! What a Kafka source and a dead topic have in common: brokers, topics, properties.

use std::collections::BTreeMap;

use crate::problem::{Report, below, item};
use crate::raw::RawProperty;
use crate::spec::Secret;

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

pub(super) const PRODUCER_OWNED: &Owned = &[
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
    const TOPIC_BYTES_MAX: usize = 249;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let length_is_legal = (1..=TOPIC_BYTES_MAX).contains(&topic.len());
    if !length_is_legal || !topic.bytes().all(legal) || topic == "." || topic == ".." {
        let rule = "letters, digits, `.`, `_` and `-`; 1 to 249 characters";
        report.add_with_cure(path, "is not a topic name that Kafka allows", rule);
    }
}
