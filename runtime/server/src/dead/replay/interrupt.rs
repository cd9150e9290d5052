//! A person who wants a replay to end: first after what is under way, then at once.

use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;
use tamis_connect::halt::Halt;
use tamis_core::Stop;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::run::Signals;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Halted,
    GivenUp,
}

/// What a person has said so far.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    halt: Halt,
    phase: Arc<watch::Sender<Phase>>,
    pipeline: Arc<Mutex<Option<Stop>>>,
}

/// The pipeline that runs, for as long as this lives.
pub(super) struct Running<'a>(&'a Interrupt);

impl Interrupt {
    /// Listens to signals from now on.
    pub(super) fn listen() -> Result<Self> {
        let mut signals = Signals::new()?;
        let interrupt = Self {
            halt: Halt::default(),
            phase: Arc::new(watch::Sender::new(Phase::Running)),
            pipeline: Arc::default(),
        };
        let heard = interrupt.clone();
        tokio::spawn(async move {
            signals.next().await;
            info!("ending once letters in flight are settled; once more to stop at once");
            heard.enter(Phase::Halted);
            signals.next().await;
            warn!("stopping at once; letters in flight will be replayed again");
            heard.enter(Phase::GivenUp);
        });
        Ok(interrupt)
    }

    /// For whoever reads letters.
    pub(super) fn halt(&self) -> &Halt {
        &self.halt
    }

    /// Notes the pipeline that runs now.
    pub(super) fn running(&self, stop: Stop) -> Running<'_> {
        *self.pipeline() = Some(stop);
        // It may have come in between.
        let phase = *self.phase.borrow();
        self.tell(phase);
        Running(self)
    }

    /// Returns once no more letters should be sent.
    pub(super) async fn halted(&self) {
        self.reached(Phase::Halted).await;
    }

    /// Returns once nothing should be waited for.
    pub(super) async fn given_up(&self) {
        self.reached(Phase::GivenUp).await;
    }

    async fn reached(&self, wanted: Phase) {
        let mut phase = self.phase.subscribe();
        let reached = phase.wait_for(|phase| *phase >= wanted).await;
        reached.expect("the sender lives as long as this");
    }

    fn enter(&self, phase: Phase) {
        self.halt.set();
        self.phase.send_replace(phase);
        self.tell(phase);
    }

    /// A pipeline that is to stop has its `shutdown_timeout_ms` to settle what it has.
    fn tell(&self, phase: Phase) {
        let pipeline = self.pipeline();
        match (&*pipeline, phase) {
            (None, _) | (_, Phase::Running) => {}
            (Some(stop), Phase::Halted) => stop.stop(),
            (Some(stop), Phase::GivenUp) => stop.give_up(),
        }
    }

    fn pipeline(&self) -> MutexGuard<'_, Option<Stop>> {
        self.pipeline
            .lock()
            .expect("no one panics while stopping a pipeline")
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.pipeline() = None;
    }
}
