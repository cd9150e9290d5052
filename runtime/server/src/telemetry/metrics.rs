//! What `/metrics` answers: all that the status of each pipeline says in numbers.
//!
//! Labels have the names that a configuration gives, the versions that ran (bounded), and names out of fixed sets; partitions are
//! [bounded](tamis_core::snapshot::PARTITIONS_MAX). Nothing of a record is in them.

mod flow;
mod plugins;
mod stores;

use tamis_core::snapshot::{Cause, State};

use super::Status;
use super::exposition::{Exposition, Kind};

/// States, with their names in the label.
const STATES: [(State, &str); 7] = [
    (State::Starting, "starting"),
    (State::Running, "running"),
    (State::Pausing, "pausing"),
    (State::Paused, "paused"),
    (State::Draining, "draining"),
    (State::Stopped, "stopped"),
    (State::Failed, "failed"),
];

/// The text for `all` pipelines.
pub(super) fn of(all: &[Status]) -> String {
    let mut text = Exposition::default();
    let mut build = text.family(
        Kind::Gauge,
        "tamis_build_info",
        "The version of the program; always 1",
    );
    build.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    life(&mut text, all);
    flow::write(&mut text, all);
    plugins::write(&mut text, all);
    stores::write(&mut text, all);
    text.finish()
}

/// How each pipeline is.
fn life(text: &mut Exposition, all: &[Status]) {
    let mut ready = text.family(
        Kind::Gauge,
        "tamis_pipeline_ready",
        "Whether a pipeline does its work",
    );
    for it in all {
        ready.sample(&[("pipeline", &it.pipeline)], u8::from(it.snapshot.ready));
    }
    let mut unready = text.family(
        Kind::Gauge,
        "tamis_pipeline_unready",
        "Whether this keeps a pipeline from its work",
    );
    for it in all {
        for cause in Cause::ALL {
            let is_so = it.snapshot.unready.iter().any(|it| it.cause == cause);
            let labels = [("pipeline", &*it.pipeline), ("cause", cause.name())];
            unready.sample(&labels, u8::from(is_so));
        }
    }
    let mut state = text.family(
        Kind::Gauge,
        "tamis_pipeline_state",
        "1 for the state that a pipeline is in",
    );
    for it in all {
        for (one, name) in STATES {
            let labels = [("pipeline", &*it.pipeline), ("state", name)];
            state.sample(&labels, u8::from(it.snapshot.state == one));
        }
    }
    let mut uptime = text.family(
        Kind::Gauge,
        "tamis_pipeline_uptime_seconds",
        "Time since a pipeline was connected",
    );
    for it in all {
        let seconds = it.snapshot.uptime_ms as f64 / 1e3;
        uptime.sample(&[("pipeline", &it.pipeline)], seconds);
    }
}

/// One family with one number for each pipeline, if it has one.
fn of_each<T: std::fmt::Display>(
    text: &mut Exposition,
    all: &[Status],
    (kind, name, help): (Kind, &'static str, &str),
    value: impl Fn(&Status) -> Option<T>,
) {
    let mut family = text.family(kind, name, help);
    for it in all {
        if let Some(value) = value(it) {
            family.sample(&[("pipeline", &it.pipeline)], value);
        }
    }
}

fn seconds_of_ns(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn seconds_of_ms(ms: u64) -> f64 {
    ms as f64 / 1e3
}

#[cfg(test)]
mod tests;
