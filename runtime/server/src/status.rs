//! `tamis status`: how a pipeline that runs is, or all of them.

mod text;

use anyhow::Result;

use crate::cli::status::StatusArguments;
use crate::control::client::AskError;
use crate::exit::{self, Exit, Misuse};
use crate::plugin::live::Live;
use crate::run::runtime;
use crate::telemetry::Status;

pub(crate) fn run(arguments: &StatusArguments) -> Exit {
    exit::of(tell(arguments))
}

fn tell(arguments: &StatusArguments) -> Result<Exit> {
    let runtime = runtime()?;
    let StatusArguments {
        pipeline,
        state,
        json,
    } = arguments;
    if let Some(pipeline) = pipeline {
        let told = runtime.block_on(Live::of(pipeline, state)?.status())?;
        return Ok(show(told, *json));
    }
    let mut exit = None;
    for live in Live::all(state)? {
        match runtime.block_on(live.try_status()) {
            Ok(told) => exit = exit.max(Some(show(told, *json))),
            // It ran once, or ends just now; one that has ended is told by its process, for as long as others go on there.
            Err(AskError::NotRunning(_) | AskError::CutOff) => {}
            Err(error) => return Err(live.explain(error)),
        }
    }
    exit.ok_or_else(|| {
        let words = "no pipeline runs by the state folder; start one with `tamis run`, or name its folder with --state DIR";
        Misuse(words.to_owned()).into()
    })
}

/// Prints what the process has answered.
fn show((status, line): (Status, String), json: bool) -> Exit {
    let told = if json { line } else { text::of(&status) };
    crate::print(&told).max(if status.snapshot.ready {
        Exit::Done
    } else {
        Exit::Failed
    })
}
