//! Checks the source.

use std::path::Path;

use super::{kafka, names};
use crate::problem::{Report, item};
use crate::raw::{RawFileSource, RawKafkaSource, RawPaths, RawSource};
use crate::spec::{FileSourceSpec, KafkaSourceSpec, SourceSpec, StdinSourceSpec};

pub(super) fn check(raw: RawSource, folder: &Path, report: &mut Report) -> SourceSpec {
    match raw {
        RawSource::Kafka(raw) => SourceSpec::Kafka(kafka_source(raw, report)),
        RawSource::File(raw) => SourceSpec::File(file_source(raw, folder, report)),
        RawSource::Stdin(raw) => {
            names::check_source("source.stdin.name", &raw.name, report);
            SourceSpec::Stdin(StdinSourceSpec { name: raw.name })
        }
    }
}

fn kafka_source(raw: RawKafkaSource, report: &mut Report) -> KafkaSourceSpec {
    kafka::brokers("source.kafka.brokers", &raw.brokers, report);
    for (index, topic) in raw.topics.iter().enumerate() {
        let path = item("source.kafka.topics", index);
        if raw.topics[..index].contains(topic) {
            report.add(&path, "is there twice");
        } else if !topic.starts_with('^') {
            kafka::topic(&path, topic, report);
        } else if regex_lite::Regex::new(topic).is_err() {
            report.add(&path, "is not a regular expression");
        }
    }
    if raw.group.is_empty() {
        report.add("source.kafka.group", "must not be empty");
    }
    if let Some(name) = &raw.name {
        names::check_source("source.kafka.name", name, report);
    }
    let path = "source.kafka.properties";
    KafkaSourceSpec {
        brokers: raw.brokers,
        topics: raw.topics,
        group: raw.group,
        start_at: raw.start_at,
        name: raw.name,
        prefetch_bytes_max: raw.prefetch_bytes_max,
        properties: kafka::properties(path, raw.properties, kafka::CONSUMER_OWNED, report),
    }
}

fn file_source(raw: RawFileSource, folder: &Path, report: &mut Report) -> FileSourceSpec {
    names::check_source("source.file.name", &raw.name, report);
    let paths = match raw.paths {
        RawPaths::One(path) => vec![("source.file.paths".to_owned(), path)],
        RawPaths::Many(paths) => {
            let at = |index| item("source.file.paths", index);
            paths
                .into_iter()
                .enumerate()
                .map(|(index, path)| (at(index), path))
                .collect()
        }
    };
    for (at, path) in &paths {
        if path.is_empty() {
            report.add(at, "must not be empty");
        }
    }
    let absolute = |path: String| folder.join(path).display().to_string();
    FileSourceSpec {
        paths: paths.into_iter().map(|(_, path)| absolute(path)).collect(),
        name: raw.name,
    }
}
