//! `tamis status`: how a pipeline that runs is, or all of them.

mod text;

use anyhow::{Context, Result};

use crate::cli::status::StatusArguments;
use crate::control::client::AskError;
use crate::control::{Ended, Request};
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
        let live = Live::of(pipeline, state)?;
        let asked = runtime.block_on(ask(&live));
        let line = told(asked.map_err(|error| live.explain(error))?)?;
        return show(line, *json);
    }
    let mut exit = None;
    for live in Live::all(state)? {
        match runtime.block_on(ask(&live)) {
            Ok(asked) => exit = exit.max(Some(show(told(asked)?, *json)?)),
            // It ran once; one that has ended is told by its process, for as long as others go on there.
            Err(AskError::NotRunning(_)) => {}
            Err(error) => return Err(live.explain(error)),
        }
    }
    exit.ok_or_else(|| {
        let words = "no pipeline runs by the state folder; start one with `tamis run`, or name its folder with --state DIR";
        Misuse(words.to_owned()).into()
    })
}

/// Prints what the process has answered by `line`.
fn show(line: String, json: bool) -> Result<Exit> {
    let status: Status =
        serde_json::from_str(&line).context("its answer is that of another version of tamis")?;
    let told = if json { line } else { text::of(&status) };
    let printed = crate::print(&told);
    Ok(printed.max(if status.snapshot.ready {
        Exit::Done
    } else {
        Exit::Failed
    }))
}

/// What the process says: the first line, and how it ended.
async fn ask(live: &Live) -> Result<(Option<String>, Ended), AskError> {
    let mut status = None;
    let take = |line: &str| {
        status.get_or_insert_with(|| line.to_owned());
        Ok(())
    };
    let ended = live.try_ask(&Request::Status, take).await?;
    Ok((status, ended))
}

/// The line of JSON that the process answered with.
fn told((status, ended): (Option<String>, Ended)) -> Result<String> {
    if ended.ok {
        status.context("it has nothing to say")
    } else {
        anyhow::bail!("{}", ended.said)
    }
}
