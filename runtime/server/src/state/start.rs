//! The states of all pipelines that a process is to run.

use std::path::Path;

use tamis_config::PipelineSpec;
use tamis_core::causes;
use tracing::{info, warn};

use super::{State, StateError, chosen};

/// The state of each of the pipelines `specs`, in their order, in the folder `given` or the usual one; or what is wrong on the
/// standard error. A pipeline has none where there is to be none, or where the usual folder cannot be made.
pub(crate) fn open_all(given: Option<&Path>, specs: &[PipelineSpec]) -> Option<Vec<Option<State>>> {
    let Some(folder) = chosen(given, |name| std::env::var_os(name)) else {
        if given.is_none() {
            info!(
                "neither HOME nor XDG_STATE_HOME is set: no state of plugins is kept; name a folder for it with --state DIR"
            );
        }
        return Some(specs.iter().map(|_| None).collect());
    };
    let (mut states, mut sound) = (Vec::with_capacity(specs.len()), true);
    for spec in specs {
        match State::open(&folder, &spec.name) {
            Ok(state) => states.push(Some(state)),
            // Nobody asked for it.
            Err(error @ StateError::Folder(..)) if given.is_none() => {
                let pipeline = &spec.name;
                let error = causes(&error);
                warn!(pipeline, error, "no state of plugins is kept");
                states.push(None);
            }
            Err(error) => {
                say(&spec.name, error);
                sound = false;
            }
        }
    }
    sound.then_some(states)
}

fn say(pipeline: &str, error: StateError) {
    match error {
        StateError::Taken { .. } => eprintln!("{error}"),
        other => eprintln!("pipeline {pipeline}: {}", causes(&other)),
    }
}
