//! `tamis pause`, `resume` and `drain`: what the process does that runs the pipeline, and what asks it for that.

mod ask;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tamis_core::{Flow, Stopped, Valve};
use tokio::time::sleep;
use tracing::info;

use crate::control::{Ended, Events};

pub(crate) use ask::{drain as ask_drain, pause as ask_pause, resume as ask_resume};

/// Between two words about what is in flight yet.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// A line of the answer to `drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Batches that are not settled, and runs that are not committed.
    unsettled: usize,
}

/// Takes no more records of `pipeline`.
pub(crate) async fn pause(pipeline: &str, valve: &Valve) -> Ended {
    if let Err(stopped) = valve.pause().await {
        return failed(stopped);
    }
    info!(pipeline, "paused: no more records are taken");
    Ended::done(match valve.flow() {
        Flow::Pausing { unsettled } => format!(
            "{pipeline} takes no more records; {unsettled} batches in flight are being settled"
        ),
        Flow::Running | Flow::Paused => format!("{pipeline} takes no more records"),
    })
}

/// Takes records again.
pub(crate) async fn resume(pipeline: &str, valve: &Valve) -> Ended {
    if valve.flow() == Flow::Running {
        return Ended::done(format!("{pipeline} was not paused"));
    }
    match valve.resume().await {
        Ok(()) => {
            info!(pipeline, "resumed: records are taken again");
            Ended::done(format!("{pipeline} takes records again"))
        }
        Err(stopped) => failed(stopped),
    }
}

/// Takes no more records, and answers once all that was taken is settled and committed. With `stop` it then ends, as a signal would
/// have it.
pub(crate) async fn drain(pipeline: &str, valve: &Valve, stop: bool, events: &Events) -> Ended {
    if let Err(stopped) = valve.pause().await {
        return failed(stopped);
    }
    info!(pipeline, "draining: no more records are taken");
    loop {
        let flow = valve.flow();
        match flow {
            Flow::Paused => break,
            Flow::Running => return Ended::failed(format!("{pipeline} was resumed meanwhile")),
            Flow::Pausing { unsettled } => events.say(Progress { unsettled }).await,
        }
        let other = async {
            let other = valve.other(flow, TELL_EVERY).await;
            if matches!(other, Ok(Flow::Pausing { .. })) {
                sleep(TELL_EVERY).await;
            }
            other
        };
        tokio::select! {
            other = other => match other {
                Ok(_) => {}
                Err(stopped) => return failed(stopped),
            },
            () = events.closed() => return Ended::done(format!("{pipeline} stays paused")),
        }
    }
    info!(pipeline, stop, "drained: all that was taken is committed");
    events.say(Progress { unsettled: 0 }).await;
    if stop {
        valve.stop().stop();
        return Ended::done(format!("{pipeline} is drained, and ends"));
    }
    Ended::done(format!(
        "{pipeline} is drained: all that was taken is settled and committed; it stays paused"
    ))
}

fn failed(_: Stopped) -> Ended {
    Ended::failed("the pipeline stops")
}
