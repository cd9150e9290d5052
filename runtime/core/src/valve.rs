//! Has a pipeline take no more records for a while, and take them again.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::control::{Control, Stop, Stopped};
use crate::gate::GateOrder;

/// Whether a pipeline takes records from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Running,
    /// No more, and so many batches are not settled yet.
    Pausing {
        /// Batches, and runs that wait for their commit.
        unsettled: usize,
    },
    /// No more, and all that was taken is settled and committed.
    Paused,
}

/// Pauses one pipeline.
#[derive(Clone)]
pub struct Valve {
    gate: mpsc::Sender<GateOrder>,
    control: Control,
}

impl Valve {
    pub(crate) fn new(gate: mpsc::Sender<GateOrder>, control: Control) -> Self {
        Self { gate, control }
    }

    /// Takes no more records from now on; those in flight go on until they are settled and committed. The source stays what it is: a
    /// member of a group keeps its partitions. A second time changes nothing.
    ///
    /// # Errors
    /// When the pipeline takes no more records for good.
    pub async fn pause(&self) -> Result<(), Stopped> {
        self.tell(GateOrder::Pause).await?;
        if self.control.is_running() {
            Ok(())
        } else {
            Err(Stopped)
        }
    }

    /// Takes records again.
    ///
    /// # Errors
    /// When the pipeline takes no more records for good.
    pub async fn resume(&self) -> Result<(), Stopped> {
        self.tell(GateOrder::Resume).await
    }

    /// A handle to stop it with, for good.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.control.clone())
    }

    /// Returns once it takes no more records for good.
    pub async fn stopping(&self) {
        self.control.stopping().await;
    }

    /// Whether it takes records.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.control.flow()
    }

    /// Returns the flow once it is another than `than`, or after `within`.
    ///
    /// # Errors
    /// When the pipeline takes no more records for good.
    pub async fn other(&self, than: Flow, within: Duration) -> Result<Flow, Stopped> {
        tokio::select! {
            biased;
            () = self.control.stopping() => Err(Stopped),
            flow = self.control.other_flow(than) => Ok(flow),
            () = tokio::time::sleep(within) => Ok(than),
        }
    }

    async fn tell(
        &self,
        order: impl FnOnce(oneshot::Sender<()>) -> GateOrder,
    ) -> Result<(), Stopped> {
        let (done, told) = oneshot::channel();
        tokio::select! {
            biased;
            () = self.control.stopping() => Err(Stopped),
            told = async {
                self.gate.send(order(done)).await.map_err(|_| Stopped)?;
                told.await.map_err(|_| Stopped)
            } => told,
        }
    }
}
