//! The states of all pipelines that a process is to run.

use std::path::Path;

use tamis_config::{Downgrade, PipelineSpec};
use tamis_core::causes;
use tracing::{info, warn};

use super::{State, StateError, chosen};
use crate::exit;

/// The state of each of the pipelines `specs`, in their order, in the folder `given` or the usual one; or what is wrong on the
/// standard error. A pipeline has none where there is to be none, or where the usual folder cannot be made and it can do without.
pub(crate) fn open_all(given: Option<&Path>, specs: &[PipelineSpec]) -> Option<Vec<Option<State>>> {
    let Some(folder) = chosen(given, |name| std::env::var_os(name)) else {
        return (given.is_some() || can_do_without(specs))
            .then(|| specs.iter().map(|_| None).collect());
    };
    let (mut states, mut sound) = (Vec::with_capacity(specs.len()), true);
    for spec in specs {
        match State::open(&folder, &spec.name) {
            Ok(state) => states.push(Some(state)),
            // Nobody asked for it.
            Err(error @ StateError::Folder(..)) if given.is_none() && !needs_history(spec) => {
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

/// Whether none of `specs` needs a folder, where nothing says where it could be; or which do on the standard error.
fn can_do_without(specs: &[PipelineSpec]) -> bool {
    const NO_FOLDER: &str = "neither HOME nor XDG_STATE_HOME is set";

    let mut can = true;
    for spec in specs.iter().filter(|spec| needs_history(spec)) {
        exit::say(format_args!(
            "pipeline {}: {NO_FOLDER}, and without a state folder no older version is refused, as trust.downgrade has it; \
             name one with --state DIR, or none with --state off",
            spec.name
        ));
        can = false;
    }
    if can {
        info!("{NO_FOLDER}: no state of plugins is kept; name a folder for it with --state DIR");
    }
    can
}

/// Whether `spec` would let an older version run if nobody knew what ran. Who wants that says so.
fn needs_history(spec: &PipelineSpec) -> bool {
    let trust = spec.trust.as_ref();
    trust.is_some_and(|trust| trust.downgrade == Downgrade::Refuse)
}

fn say(pipeline: &str, error: StateError) {
    match error {
        StateError::Taken { .. } => exit::say(error),
        other => exit::say(format_args!("pipeline {pipeline}: {}", causes(&other))),
    }
}
