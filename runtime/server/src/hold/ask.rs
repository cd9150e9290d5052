//! The side that asks.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, timeout};

use super::Progress;
use crate::cli::hold::{DrainArguments, HoldArguments};
use crate::control::client::AskError;
use crate::control::{Ended, Request};
use crate::exit::{self, Exit};
use crate::plugin::live::Live;
use crate::run::{Signals, runtime};

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
    let pipeline = &live.pipeline;
    let (mut signals, mut unsettled, begun) = (Signals::new()?, None, Instant::now());
    // It is told to end only once this side knows that it is drained: whoever gives up before leaves it paused.
    let drained = live.try_ask(&Request::Drain { stop: false }, |line| {
        if let Ok(Progress { unsettled: now }) = serde_json::from_str(line)
            && unsettled != Some(now)
        {
            unsettled = Some(now);
            eprintln!("{now} batches in flight");
        }
        Ok(())
    });
    let drained = tokio::select! {
        drained = timeout(within, drained) => drained,
        () = signals.next() => {
            eprintln!("not waiting any longer; {pipeline} stays paused until `tamis resume {pipeline}`");
            return Ok(Exit::Unsettled);
        }
    };
    match drained {
        Ok(Ok(ended)) if ended.ok && stop => {}
        Ok(Ok(ended)) => return Ok(said(&ended)),
        Ok(Err(error)) => return Err(live.explain(error)),
        Err(_) => {
            let (unsettled, within) = (unsettled.unwrap_or_default(), within.as_secs());
            eprintln!(
                "after {within} s {unsettled} batches are still in flight; {pipeline} stays paused: `tamis status {pipeline}` says \
                 what it waits for, `tamis resume {pipeline}` takes records again"
            );
            return Ok(Exit::Unsettled);
        }
    }
    tokio::select! {
        ended = end(live) => ended,
        () = sleep(within.saturating_sub(begun.elapsed())) => Ok(not_waited_for(pipeline)),
        () = signals.next() => Ok(not_waited_for(pipeline)),
    }
}

fn not_waited_for(pipeline: &str) -> Exit {
    eprintln!("{pipeline} is drained; its end was not waited for");
    Exit::Unsettled
}

/// Has a drained pipeline end, and returns once it has.
async fn end(live: &Live) -> Result<Exit> {
    let asked = live.try_ask(&Request::Drain { stop: true }, |_| Ok(()));
    let refused = match asked.await {
        Ok(ended) => Some(ended).filter(|ended| !ended.ok),
        // Its process may have been faster with its end than with the answer, or someone else have told it so.
        Err(AskError::CutOff | AskError::NotRunning(_)) => None,
        Err(error) => return Err(live.explain(error)),
    };
    loop {
        match live.try_status().await {
            Ok((status, _)) if status.snapshot.state.has_ended() => break,
            Err(AskError::CutOff | AskError::NotRunning(_)) => break,
            Ok(_) => {
                if let Some(refused) = &refused {
                    return Ok(said(refused));
                }
            }
            // It has too many clients, say.
            Err(AskError::Io(_)) => {}
            Err(error @ AskError::Forbidden(_)) => return Err(live.explain(error)),
        }
        sleep(LOOK_AGAIN).await;
    }
    let pipeline = &live.pipeline;
    Ok(crate::print(&format!(
        "{pipeline} is drained, and has ended"
    )))
}
