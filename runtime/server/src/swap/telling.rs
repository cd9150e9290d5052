//! What happens to a candidate, step by step: for the log, for the history, and for whoever asked for it.

use anyhow::{Error, Result};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::control::Events;
use crate::state::Step;

/// Tells the steps of one candidate.
pub(super) struct Telling {
    pipeline: String,
    events: Option<Events>,
    pub(super) steps: Vec<Step>,
}

/// How a step ended well.
pub(super) struct Told<T> {
    pub(super) value: T,
    /// In words.
    pub(super) said: String,
    /// For a script.
    pub(super) detail: Option<Value>,
}

impl<T> Told<T> {
    pub(super) fn new(value: T, said: impl Into<String>) -> Self {
        Self {
            value,
            said: said.into(),
            detail: None,
        }
    }
}

impl Telling {
    /// Tells `events`, too, where someone waits for it.
    pub(super) fn new(pipeline: &str, events: Option<Events>) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            events,
            steps: Vec::new(),
        }
    }

    /// Does `work` and tells how it ended and how long it took.
    pub(super) async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<Told<T>>>,
    ) -> Result<T> {
        self.step_since(Instant::now(), name, work).await
    }

    /// As [`step`](Self::step), for one that began some time ago.
    pub(super) async fn step_since<T>(
        &mut self,
        begun: Instant,
        name: &str,
        work: impl Future<Output = Result<Told<T>>>,
    ) -> Result<T> {
        let ended = work.await;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (ok, said, detail, ended) = match ended {
            Ok(told) => (true, told.said, told.detail, Ok(told.value)),
            Err(error) => (false, format!("{error:#}"), None, Err(error)),
        };
        let step = Step {
            name: name.to_owned(),
            ok,
            ms,
            said,
            detail,
        };
        self.tell(step).await;
        ended
    }

    async fn tell(&mut self, step: Step) {
        let Step {
            name, ok, ms, said, ..
        } = &step;
        let pipeline = &self.pipeline;
        if *ok {
            info!(pipeline, step = name, ms, "{said}");
        } else {
            warn!(pipeline, step = name, ms, "{said}");
        }
        if let Some(events) = &self.events {
            events.say(&step).await;
        }
        self.steps.push(step);
    }
}

/// Does `work` where it holds up no one.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => Err(Error::new(panic).context("this is a bug of Tamis")),
    }
}
