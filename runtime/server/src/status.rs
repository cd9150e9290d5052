//! `tamis status`: how a pipeline that runs is.

mod text;

use anyhow::{Context, Result};

use crate::cli::status::StatusArguments;
use crate::control::Request;
use crate::exit::{self, Exit};
use crate::plugin::live::Live;
use crate::run::runtime;
use crate::telemetry::Status;

pub(crate) fn run(arguments: &StatusArguments) -> Exit {
    exit::of(tell(arguments))
}

fn tell(arguments: &StatusArguments) -> Result<Exit> {
    let StatusArguments { of, json } = arguments;
    let live = Live::of(&of.pipeline, &of.state)?;
    let line = runtime()?.block_on(ask(&live))?;
    let status: Status =
        serde_json::from_str(&line).context("its answer is that of another version of tamis")?;
    let told = if *json { line } else { text::of(&status) };
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
