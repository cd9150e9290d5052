//! The side that asks.

use std::time::Duration;

use anyhow::Result;
use tamis_core::snapshot::State;
use tokio::time::{sleep, timeout};

use super::Progress;
use crate::cli::hold::{DrainArguments, HoldArguments};
use crate::control::client::AskError;
use crate::control::{Ended, Request};
use crate::exit::{self, Exit};
use crate::plugin::live::Live;
use crate::run::{Signals, runtime};
use crate::telemetry::Status;

/// Between two looks whether it has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(crate) fn pause(arguments: &HoldArguments) -> Exit {
    exit::of(tell(arguments, &Request::Pause))
}

pub(crate) fn resume(arguments: &HoldArguments) -> Exit {
    exit::of(tell(arguments, &Request::Resume))
}

fn tell(arguments: &HoldArguments, request: &Request) -> Result<Exit> {
    let live = Live::of(&arguments.of.pipeline, &arguments.of.state)?;
    let ended = runtime()?.block_on(live.ask(request, |_| Ok(())))?;
    Ok(said(&ended))
}

fn said(Ended { ok, said }: &Ended) -> Exit {
    let said = crate::dead::plain(said);
    if *ok {
        return crate::print(&said);
    }
    eprintln!("{said}");
    Exit::Failed
}

pub(crate) fn drain(arguments: &DrainArguments) -> Exit {
    let DrainArguments {
        of,
        timeout_s,
        stop,
    } = arguments;
    let drained = Live::of(&of.pipeline, &of.state).and_then(|live| {
        let within = Duration::from_secs(*timeout_s);
        runtime()?.block_on(wait(&live, *stop, within))
    });
    exit::of(drained)
}

/// Waits for the end of it, and says how far it is.
async fn wait(live: &Live, stop: bool, within: Duration) -> Result<Exit> {
    let mut signals = Signals::new()?;
    let (request, mut unsettled) = (Request::Drain { stop }, None);
    let drained = async {
        let asked = live.try_ask(&request, |line| {
            if let Ok(Progress { unsettled: now }) = serde_json::from_str(line)
                && unsettled != Some(now)
            {
                unsettled = Some(now);
                eprintln!("{now} batches in flight");
            }
            Ok(())
        });
        let asked = asked.await;
        if stop && is_gone(&asked, unsettled) {
            end(live).await;
        }
        asked
    };
    let ended = tokio::select! {
        ended = timeout(within, drained) => ended,
        () = signals.next() => {
            let pipeline = &live.pipeline;
            eprintln!("not waiting any longer; {pipeline} stays paused until `tamis resume {pipeline}`");
            return Ok(Exit::Unsettled);
        }
    };
    let pipeline = &live.pipeline;
    match ended {
        Ok(asked) if stop && is_gone(&asked, unsettled) => Ok(crate::print(&format!(
            "{pipeline} is drained, and has ended"
        ))),
        Ok(Ok(ended)) => Ok(said(&ended)),
        Ok(Err(error)) => Err(live.explain(error)),
        Err(_) => {
            let (unsettled, within) = (unsettled.unwrap_or_default(), within.as_secs());
            eprintln!(
                "after {within} s {unsettled} batches are still in flight; {pipeline} stays paused: `tamis status {pipeline}` says \
                 what it waits for, `tamis resume {pipeline}` takes records again"
            );
            Ok(Exit::Unsettled)
        }
    }
}

/// Whether the process is about to end, or has done so already.
fn is_gone(asked: &Result<Ended, AskError>, unsettled: Option<usize>) -> bool {
    match asked {
        Ok(ended) => ended.ok,
        Err(AskError::CutOff) => unsettled == Some(0),
        Err(AskError::NotRunning(_) | AskError::Forbidden(_) | AskError::Io(_)) => false,
    }
}

/// Returns once it has ended, or its process with it: its source has left the group, and everything is closed.
async fn end(live: &Live) {
    let mut has_ended = false;
    while !has_ended {
        let asked = live.try_ask(&Request::Status, |line| {
            let status = serde_json::from_str::<Status>(line);
            let state = status.map(|it| it.snapshot.state);
            has_ended |= matches!(state, Ok(State::Stopped | State::Failed));
            Ok(())
        });
        has_ended |= asked.await.is_err();
        sleep(LOOK_AGAIN).await;
    }
}
