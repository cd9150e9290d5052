//! Where the record of a dead letter goes once more.

use std::sync::Arc;

use tamis_config::{PipelineSpec, SinkSpec};
use tamis_connect::dead_folder::letter::DeadLetter;
use tamis_core::only::{Only, Wanted};

use crate::wiring::Lanes;

/// The stage that refused it, as the configuration has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// Into the plugin with this index, and on from there.
    Plugin(usize),
    /// To the sinks that take it.
    Router,
    /// Into the sink with this index alone.
    Sink(usize),
}

/// The name of whoever refuses records that no sink takes.
const ROUTER: &str = "router";

impl Target {
    /// That of `letter`; `None` where the configuration has no such stage any more.
    pub(super) fn of(letter: &DeadLetter, spec: &PipelineSpec) -> Option<Self> {
        let plugin = || spec.plugins.iter().position(|it| it.name == letter.stage);
        let sink = || spec.sinks.iter().position(|it| it.name == letter.stage);
        // A plugin and a sink may have one name: only a plugin has a version.
        if !letter.stage_version.is_empty() {
            return plugin().map(Self::Plugin);
        }
        let router = (letter.stage == ROUTER).then_some(Self::Router);
        let sink = sink().map(Self::Sink);
        sink.or(router).or_else(|| plugin().map(Self::Plugin))
    }

    /// Its name, for a person.
    pub(super) fn name(self, spec: &PipelineSpec) -> String {
        match self {
            Self::Plugin(index) => format!("plugin {}", spec.plugins[index].name),
            Self::Router => "the router".to_owned(),
            Self::Sink(index) => format!("sink {}", spec.sinks[index].name),
        }
    }

    /// `lanes`, in which only what is `wanted` reaches it.
    pub(super) fn lanes(self, lanes: Lanes, wanted: &Arc<Wanted>) -> Lanes {
        let only = |mut before: Vec<_>| {
            let from = match self {
                Self::Plugin(index) => index,
                Self::Router | Self::Sink(_) => before.len(),
            };
            let rest = before.split_off(from);
            let only = Only::new(before, Arc::clone(wanted));
            let mut lane: Vec<Box<dyn tamis_core::transform::Transform>> = vec![Box::new(only)];
            lane.extend(rest);
            lane
        };
        lanes.into_iter().map(only).collect()
    }

    /// The sinks that may take what goes through it.
    pub(super) fn sinks(self, spec: &PipelineSpec) -> &[SinkSpec] {
        match self {
            Self::Plugin(_) | Self::Router => &spec.sinks,
            Self::Sink(index) => &spec.sinks[index..=index],
        }
    }
}
