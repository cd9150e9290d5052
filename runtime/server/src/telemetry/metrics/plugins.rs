//! What each version of a plugin did.

use tamis_core::snapshot::Plugin;

use super::seconds_of_ns;
use crate::telemetry::Status;
use crate::telemetry::exposition::{Exposition, Kind};

type Number = fn(&Plugin) -> f64;

const FAMILIES: [(Kind, &str, &str, Number); 11] = [
    (
        Kind::Counter,
        "tamis_plugin_records_total",
        "Records that a plugin got",
        |it| it.records as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_bytes_total",
        "Bytes of their keys, values and headers",
        |it| it.bytes as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_output_records_total",
        "Records that went on from a plugin",
        |it| it.records_out as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_output_bytes_total",
        "Bytes of their keys, values and headers",
        |it| it.bytes_out as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_kept_records_total",
        "Those that went on as they were",
        |it| it.kept as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_emitted_records_total",
        "Those that the plugin made",
        |it| it.emitted as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_dropped_records_total",
        "Records that a plugin filtered out on purpose",
        |it| it.dropped as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_rejected_records_total",
        "Records that a plugin refused, or failed on",
        |it| it.rejected as f64,
    ),
    (
        Kind::Counter,
        "tamis_plugin_seconds_total",
        "Time that a plugin took, all lanes together",
        |it| seconds_of_ns(it.nanos),
    ),
    (
        Kind::Gauge,
        "tamis_plugin_nanoseconds_per_record",
        "Time that a plugin took, by the records that it got, since the start",
        |it| it.nanos as f64 / it.records.max(1) as f64,
    ),
    (
        Kind::Gauge,
        "tamis_plugin_memory_bytes",
        "Memory of the instances of a plugin, all lanes together",
        |it| it.memory_bytes as f64,
    ),
];

pub(super) fn write(text: &mut Exposition, all: &[Status]) {
    for (kind, name, help, number) in FAMILIES {
        let mut family = text.family(kind, name, help);
        for (pipeline, plugin) in each(all) {
            family.sample(&labels(pipeline, plugin), number(plugin));
        }
    }
    let mut counted = text.family(
        Kind::Counter,
        "tamis_plugin_counted_total",
        "What a plugin counts by names of its own",
    );
    for (pipeline, plugin) in each(all) {
        let [of_pipeline, name, version] = labels(pipeline, plugin);
        for (counter, count) in &plugin.counted {
            counted.sample(&[of_pipeline, name, version, ("name", counter)], count);
        }
    }
}

fn each(all: &[Status]) -> impl Iterator<Item = (&str, &Plugin)> {
    all.iter().flat_map(|it| {
        let plugins = it.snapshot.plugins.iter();
        plugins.map(|plugin| (&*it.pipeline, plugin))
    })
}

fn labels<'a>(pipeline: &'a str, plugin: &'a Plugin) -> [(&'static str, &'a str); 3] {
    [
        ("pipeline", pipeline),
        ("plugin", &plugin.name),
        ("version", &plugin.version),
    ]
}
