//! From a configuration to what is drawn of it. Nothing that may hold a secret is: no settings, no properties, no URI.

use tamis_config::spec::{Among, DeadLettersSpec, OnOutage, Routes, SinkKind, SinkSpec};
use tamis_config::{PipelineSpec, SourceSpec};

use super::{Edge, Kind, Node, Way};

/// Values of a condition, and topics, that are shown.
const SHOWN_MAX: usize = 5;

pub(super) fn of(spec: &PipelineSpec) -> Way {
    let mut way = Way {
        name: spec.name.clone(),
        nodes: Vec::new(),
        edges: Vec::new(),
    };
    let mut last = way.node(Kind::Source, source(&spec.source));
    let mut refusing = Vec::new();
    for plugin in &spec.plugins {
        let file = plugin.path.file_name().unwrap_or(plugin.path.as_os_str());
        let file = file.to_string_lossy().into_owned();
        let next = way.node(Kind::Plugin, vec![plugin.name.clone(), file]);
        way.edge(last, next, String::new());
        refusing.push(next);
        last = next;
    }
    let mut parked = Vec::new();
    for sink in &spec.sinks {
        let label = vec![sink.name.clone(), kind(&sink.kind)];
        let node = way.node(Kind::Sink, label);
        way.edge(last, node, taken(sink, spec.sinks.len()));
        refusing.push(node);
        if let OnOutage::Park { after_ms, to } = &sink.on_outage {
            parked.push((node, *after_ms, to));
        }
    }
    let dead = way.letters("dead letters", &spec.dead_letters);
    for node in refusing {
        way.aside(node, dead, "refused".to_owned());
    }
    for (node, after_ms, to) in parked {
        let name = format!("parked of {}", way.nodes[node].label[0]);
        let parking = way.letters(&name, to);
        way.aside(node, parking, format!("away for {after_ms} ms"));
    }
    way
}

impl Way {
    fn node(&mut self, kind: Kind, label: Vec<String>) -> usize {
        self.nodes.push(Node { kind, label });
        self.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String) {
        let is_aside = false;
        self.edges.push(Edge {
            from,
            to,
            label,
            is_aside,
        });
    }

    fn aside(&mut self, from: usize, to: usize, label: String) {
        let is_aside = true;
        self.edges.push(Edge {
            from,
            to,
            label,
            is_aside,
        });
    }

    /// Where letters go: to the first of these, and what that refuses to the second.
    fn letters(&mut self, name: &str, spec: &DeadLettersSpec) -> usize {
        let topic = spec.kafka.as_ref();
        let topic = topic.map(|it| format!("kafka: {}", it.topic));
        let folder = spec.folder.as_ref();
        let folder = folder.map(|it| format!("folder: {}", it.display()));
        let label = |place| vec![name.to_owned(), place];
        match (topic, folder) {
            (Some(topic), Some(folder)) => {
                let first = self.node(Kind::Letters, label(topic));
                let second = self.node(Kind::Letters, label(folder));
                self.aside(first, second, "refused".to_owned());
                first
            }
            (topic, folder) => {
                let place = topic.or(folder).unwrap_or_default();
                self.node(Kind::Letters, label(place))
            }
        }
    }
}

fn source(spec: &SourceSpec) -> Vec<String> {
    match spec {
        SourceSpec::Kafka(kafka) => vec![
            format!("kafka: {}", listed(&kafka.topics)),
            format!("group {}", kafka.group),
        ],
        SourceSpec::File(file) => vec![format!("files: {}", listed(&file.paths))],
        SourceSpec::Stdin(_) => vec!["standard input".to_owned()],
    }
}

fn kind(kind: &SinkKind) -> String {
    match kind {
        SinkKind::Elasticsearch(spec) => format!("elasticsearch: {}", spec.index),
        SinkKind::File(spec) => format!("files: {}/{}", spec.root.display(), spec.path),
        SinkKind::Kafka(spec) => format!("kafka: {}", spec.topic),
        SinkKind::Mongodb(spec) => format!("mongodb: {}.{}", spec.database, spec.collection),
        SinkKind::Mysql(spec) => format!("mysql: {}.{}", spec.server.database, spec.table),
    }
}

/// Which records `sink` takes, beside the others of so many.
fn taken(sink: &SinkSpec, sinks: usize) -> String {
    let mut said = Vec::new();
    match &sink.routes {
        Routes::Unrouted if sinks == 1 => {}
        Routes::Unrouted => said.push("no route".to_owned()),
        Routes::Named(names) => said.push(format!("route {}", listed(names))),
        Routes::All => said.push("all routes".to_owned()),
    }
    if let Some(when) = &sink.when {
        said.push(match &when.among {
            Among::These(these) => format!("{} is {}", when.field, listed(these)),
            Among::Others(others) => format!("{} is not {}", when.field, listed(others)),
        });
    }
    said.join("; ")
}

fn listed(all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(SHOWN_MAX).map(String::as_str).collect();
    let more = all.len().saturating_sub(SHOWN_MAX);
    let shown = shown.join(", ");
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}
