//! Whether this process is well: what an orchestrator asks.

use serde::Serialize;
use serde_json::{Value, json};
use tamis_core::snapshot::{State, Unready};

use super::Status;

/// One pipeline, as `/health/ready` tells it.
#[derive(Serialize)]
struct Pipeline<'a> {
    pipeline: &'a str,
    state: State,
    ready: bool,
    unready: Vec<Value>,
}

/// Whether all pipelines do their work, and the words for it. A stranger is told the causes alone: the words of a store, say, name
/// hosts.
pub(super) fn ready(all: &[Status], is_known: bool) -> (bool, Value) {
    let told = |it: &Unready| {
        if is_known {
            json!({ "cause": it.cause, "what": it.what })
        } else {
            json!({ "cause": it.cause })
        }
    };
    let pipelines: Vec<_> = all
        .iter()
        .map(|it| Pipeline {
            pipeline: &it.pipeline,
            state: it.snapshot.state,
            ready: is_ready(it),
            unready: it.snapshot.unready.iter().map(told).collect(),
        })
        .collect();
    let ready = pipelines.iter().all(|it| it.ready);
    (ready, json!({ "ready": ready, "pipelines": pipelines }))
}

/// One that has done all that there was to do keeps no one from anything.
fn is_ready(status: &Status) -> bool {
    status.snapshot.ready || status.is_complete
}
