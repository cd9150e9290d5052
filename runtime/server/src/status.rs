//! `tamis status`: how a pipeline that runs is, or all of them.

mod text;

use anyhow::{Context, Result};

use crate::cli::status::StatusArguments;
use crate::control::Request;
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
        let line = runtime.block_on(ask(&Live::of(pipeline, state)?))?;
        return show(line, *json);
    }
    let mut exit = None;
    for live in Live::all(state)? {
        match runtime.block_on(ask(&live)) {
            Ok(line) => exit = exit.max(Some(show(line, *json)?)),
            // It ran once.
            Err(error) if error.is::<Misuse>() => {}
            Err(error) => return Err(error),
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

/// The line of JSON that the process answers with.
async fn ask(live: &Live) -> Result<String> {
    let mut status = None;
    let take = |line: &str| {
        status.get_or_insert_with(|| line.to_owned());
        Ok(())
    };
    let ended = live.ask(&Request::Status, take).await?;
    if ended.ok {
        status.context("it has nothing to say")
    } else {
        anyhow::bail!("{}", ended.said)
    }
}
