//! Other sinks for a pipeline that runs: the intake is closed, what is in flight is settled, and lanes go on with the new ones.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::control::Stopped;
use crate::intake::Intake;
use crate::lane::LaneSinks;
use crate::ledger::Ledger;
use crate::pipeline::Outlet;
use crate::swap::LaneOrder;

/// Until lanes are told again to settle what they have: a batch that had just been let in may have been behind the words before.
const FLUSH_AGAIN: Duration = Duration::from_millis(50);

/// What is asked for.
pub(crate) struct Exchange {
    pub(crate) sinks: Vec<Outlet>,
    /// How long what is in flight may take to settle.
    pub(crate) patience: Duration,
    pub(crate) done: oneshot::Sender<Result<Duration, ExchangeError>>,
}

/// Why the sinks are what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The pipeline has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A store is away or slow.
    #[error("{0} batches were still in flight to the sinks before")]
    InFlight(usize),
}

/// Who starts what writes to sinks.
pub(crate) trait Start {
    /// Starts it for `sinks`; for each lane where it hands its records to then.
    fn start(&mut self, sinks: Vec<Outlet>) -> Vec<LaneSinks>;
}

/// What has to stand still meanwhile.
pub(crate) struct Gate {
    room: Arc<Semaphore>,
    /// All the room that there is.
    room_bytes: usize,
    ledger: Arc<Ledger>,
    lanes: Vec<mpsc::Sender<LaneOrder>>,
}

impl Gate {
    /// What closes `intake`, with where the lanes of it take orders.
    pub(crate) fn of(intake: &Intake, lanes: Vec<mpsc::Sender<LaneOrder>>) -> Self {
        Self {
            room: Arc::clone(&intake.room),
            room_bytes: intake.room_bytes,
            ledger: Arc::clone(&intake.ledger),
            lanes,
        }
    }

    /// Does what is `asked` for.
    pub(crate) async fn attend(
        self,
        mut asked: mpsc::Receiver<Exchange>,
        mut start: impl Start,
    ) -> Infallible {
        while let Some(exchange) = asked.recv().await {
            let Exchange {
                sinks,
                patience,
                done,
            } = exchange;
            let begun = Instant::now();
            let ended = match timeout(patience, self.close()).await {
                Ok(Ok(closed)) => {
                    let changed = self.change(start.start(sinks)).await;
                    drop(closed);
                    changed.map(|()| begun.elapsed())
                }
                Ok(Err(stopped)) => Err(stopped),
                Err(_) => Err(ExchangeError::InFlight(self.ledger.unsettled())),
            };
            // Who asked may have gone.
            let _gone = done.send(ended);
        }
        pending().await
    }

    /// Returns once nothing is in flight; nothing comes in until what it returns is dropped.
    async fn close(&self) -> Result<OwnedSemaphorePermit, ExchangeError> {
        let all = u32::try_from(self.room_bytes).expect("room is below 4 GiB");
        // Whoever asks for room later waits behind it.
        let room = Arc::clone(&self.room).acquire_many_owned(all);
        tokio::pin!(room);
        let closed = loop {
            self.flush().await?;
            tokio::select! {
                biased;
                room = &mut room => break room.expect("the semaphore is never closed"),
                () = sleep(FLUSH_AGAIN) => {}
            }
        };
        // Dead letters take no room. What is not committed would be read again, and go to the new sinks, too.
        while self.ledger.unsettled() > 0 || self.ledger.is_uncommitted() {
            self.flush().await?;
            sleep(FLUSH_AGAIN).await;
        }
        Ok(closed)
    }

    async fn flush(&self) -> Result<(), Stopped> {
        for lane in &self.lanes {
            lane.send(LaneOrder::Flush).await.map_err(|_| Stopped)?;
        }
        Ok(())
    }

    async fn change(&self, sinks: Vec<LaneSinks>) -> Result<(), ExchangeError> {
        let mut waiting = Vec::with_capacity(sinks.len());
        for (lane, sinks) in self.lanes.iter().zip(sinks) {
            let (done, changed) = oneshot::channel();
            let order = LaneOrder::Sinks(sinks, done);
            lane.send(order).await.map_err(|_| Stopped)?;
            waiting.push(changed);
        }
        for changed in waiting {
            changed.await.map_err(|_| Stopped)?;
        }
        Ok(())
    }
}
