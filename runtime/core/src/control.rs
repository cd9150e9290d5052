//! How a pipeline is told to stop, by a person or by its own failure; and whether it takes records until then.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::error::PipelineError;
use crate::valve::Flow;

/// Where a pipeline is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Records flow.
    Running,
    /// No more records are taken; those in flight are settled.
    Draining,
    /// Nothing more happens: what is in flight stays unsettled and will be read again.
    Ended,
}

/// Shared by all parts of one pipeline; phases only move forward.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    phase: Arc<watch::Sender<Phase>>,
    error: Arc<Mutex<Option<PipelineError>>>,
    /// Whether records are taken while it runs.
    flow: Arc<watch::Sender<Flow>>,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Running)),
            error: Arc::default(),
            flow: Arc::new(watch::Sender::new(Flow::Running)),
        }
    }

    /// Ends the pipeline at once because of `error`; the first error is the one that is reported.
    pub(crate) fn fail(&self, error: PipelineError) {
        self.error().get_or_insert(error);
        self.advance(Phase::Ended);
    }

    /// The error that ended the pipeline.
    pub(crate) fn take_error(&self) -> Option<PipelineError> {
        self.error().take()
    }

    fn error(&self) -> MutexGuard<'_, Option<PipelineError>> {
        self.error
            .lock()
            .expect("no one panics while holding the error")
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            *phase = (*phase).max(to);
            forward
        });
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase() == Phase::Running
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.phase() == Phase::Ended
    }

    /// Returns once the pipeline takes no more records.
    pub(crate) async fn stopping(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Returns once the pipeline has ended.
    pub(crate) async fn ended(&self) {
        self.reached(Phase::Ended).await;
    }

    pub(crate) fn set_flow(&self, to: Flow) {
        self.flow.send_if_modified(|flow| {
            let before = std::mem::replace(flow, to);
            before != to
        });
    }

    pub(crate) fn flow(&self) -> Flow {
        *self.flow.borrow()
    }

    /// Returns the flow once it is another than `than`.
    pub(crate) async fn other_flow(&self, than: Flow) -> Flow {
        let mut flow = self.flow.subscribe();
        let other = flow.wait_for(|flow| *flow != than).await;
        *other.expect("control outlives its subscribers")
    }

    async fn reached(&self, wanted: Phase) {
        let mut phase = self.phase.subscribe();
        phase
            .wait_for(|phase| *phase >= wanted)
            .await
            .expect("control outlives its subscribers");
    }
}

/// Asks a pipeline to stop.
#[derive(Debug, Clone)]
pub struct Stop(pub(crate) Control);

impl Stop {
    /// Takes no more records, settles those in flight, commits and ends. A second time changes nothing.
    pub fn stop(&self) {
        self.0.advance(Phase::Draining);
    }

    /// Ends without waiting for records in flight: they are not committed and will be read again.
    pub fn give_up(&self) {
        self.0.advance(Phase::Ended);
    }
}

/// The pipeline has ended, so what was asked of it will not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pipeline has ended")]
pub struct Stopped;
