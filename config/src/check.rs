//! Turns what a file says into what it means: the values that a schema cannot judge, and those that
//! depend on others.

mod dead_letters;
mod kafka;
mod names;
mod plugin;
mod sink;
mod source;
mod trust;

use std::path::Path;

use crate::problem::Report;
use crate::raw::{RawLimits, RawPipeline};
use crate::spec::{KafkaSourceSpec, LimitsSpec, PipelineSpec, SourceSpec};

/// Whether the files that plugins name must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginFiles {
    /// A missing one is a problem.
    MustExist,
    /// They may be built later: for editors, and for checking a configuration where it is written.
    MayBeMissing,
}

/// librdkafka's default of `max.poll.interval.ms`.
const MAX_POLL_INTERVAL_MS: u64 = 300_000;

/// What `raw` means, where relative paths start at `folder`. It holds only if no problem was noted.
pub(crate) fn check(
    raw: RawPipeline,
    folder: &Path,
    plugin_files: PluginFiles,
    report: &mut Report,
) -> PipelineSpec {
    names::check("pipeline", &raw.pipeline, report);
    let source = source::check(raw.source, folder, report);
    let dead_letters =
        dead_letters::check("dead_letters", raw.dead_letters, &source, folder, report);
    let sinks = sink::check(raw.sinks, &source, folder, report);
    dead_letters::distinct(&dead_letters, &sinks, report);
    PipelineSpec {
        name: raw.pipeline,
        limits: limits(raw.limits, &source, report),
        source,
        plugins: plugin::check(raw.plugins, folder, plugin_files, report),
        sinks,
        dead_letters,
        swap: raw.swap,
        stamp_field: raw.stamp_field,
        trust: raw.trust.map(|raw| trust::check(raw, report)),
    }
}

fn limits(raw: RawLimits, source: &SourceSpec, report: &mut Report) -> LimitsSpec {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    if raw.in_flight_bytes_max < raw.batch_bytes_max {
        let least = raw.batch_bytes_max;
        let message = format!("must be at least `limits.batch_bytes_max`, which is {least}");
        report.add("limits.in_flight_bytes_max", message);
    }
    if let SourceSpec::Kafka(source) = source {
        drain(raw.drain_timeout_ms, source, report);
    }
    LimitsSpec {
        lanes: raw.lanes.unwrap_or_else(cores),
        batch_records_max: raw.batch_records_max,
        batch_bytes_max: raw.batch_bytes_max,
        in_flight_bytes_max: raw.in_flight_bytes_max,
        drain_timeout_ms: raw.drain_timeout_ms,
        shutdown_timeout_ms: raw.shutdown_timeout_ms,
        commit_interval_ms: raw.commit_interval_ms,
    }
}

/// A member that drains for longer than it may stay silent is put out of its group, and its commit
/// is refused.
fn drain(drain_timeout_ms: u64, source: &KafkaSourceSpec, report: &mut Report) {
    const PROPERTY: &str = "max.poll.interval.ms";
    let path = format!("source.kafka.properties.{PROPERTY}");
    let interval = match source.properties.get(PROPERTY) {
        None => MAX_POLL_INTERVAL_MS,
        Some(value) => match value.expose().parse() {
            Ok(interval) => interval,
            Err(_) => return report.add(&path, "expected a whole number"),
        },
    };
    if drain_timeout_ms >= interval {
        let interval = report.show(&path, interval);
        let message = format!("must be below `{PROPERTY}`, which is {interval}");
        report.add("limits.drain_timeout_ms", message);
    }
}
