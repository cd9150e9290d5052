//! Puts other stages, and other sinks, in the place of those that a running pipeline has.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::batch::Taken;
use crate::chain::{Chain, NextChain};
use crate::control::{Control, Stopped};
use crate::counts::Counts;
use crate::exchange::{Exchange, ExchangeError};
use crate::gate::GateOrder;
use crate::lane::LaneSinks;
use crate::pipeline::Outlet;
use crate::recent::Recent;
use crate::tap::Tap;
use crate::transform::Transform;
use crate::valve::Valve;

/// Reaches all lanes of one pipeline.
#[derive(Clone)]
pub struct Swapper {
    lanes: Vec<LaneHandle>,
    gate: mpsc::Sender<GateOrder>,
    tap: Tap,
    control: Control,
}

#[derive(Clone)]
struct LaneHandle {
    orders: mpsc::Sender<LaneOrder>,
    recent: Arc<Recent>,
}

/// What a lane has of it.
pub(crate) struct LaneEnd {
    pub(crate) orders: mpsc::Receiver<LaneOrder>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) tap: Tap,
}

/// What a lane is told to do between two batches.
pub(crate) enum LaneOrder {
    /// Go on with other stages.
    Switch(Switch),
    /// Settle what is in flight without waiting for more.
    Flush,
    /// Go on with other sinks, while nothing is in flight.
    Sinks(LaneSinks, oneshot::Sender<()>),
}

/// Tells a lane to go on with other stages.
pub(crate) struct Switch {
    next: NextChain,
    done: oneshot::Sender<Switched>,
}

/// What one lane says of it.
struct Switched {
    pause: Duration,
    /// For whoever asked to drop: a lane has better things to do.
    replaced: Vec<Box<dyn Transform>>,
}

impl Switch {
    /// Does it, between two batches of this lane.
    pub(crate) fn switch(self, chain: &mut Chain, lane: usize, counts: &Counts) {
        let begun = Instant::now();
        let replaced = chain.switch(self.next);
        counts.goes_on_with(lane, &chain.deciding());
        let pause = begun.elapsed();
        // Who asked may have gone.
        let _gone = self.done.send(Switched { pause, replaced });
    }
}

impl Swapper {
    /// One for so many lanes, which together remember batches of up to so many bytes.
    pub(crate) fn new(
        lanes: usize,
        recent_bytes_max: usize,
        control: Control,
    ) -> (Self, Vec<LaneEnd>, mpsc::Receiver<GateOrder>) {
        let (gate, asked) = mpsc::channel(1);
        let tap = Tap::default();
        let (handles, ends) = (0..lanes)
            .map(|_| {
                let (to, orders) = mpsc::channel(1);
                let recent = Arc::new(Recent::new(recent_bytes_max / lanes));
                let handle = LaneHandle {
                    orders: to,
                    recent: Arc::clone(&recent),
                };
                let tap = tap.clone();
                (
                    handle,
                    LaneEnd {
                        orders,
                        recent,
                        tap,
                    },
                )
            })
            .unzip();
        let swapper = Self {
            lanes: handles,
            gate,
            tap,
            control,
        };
        (swapper, ends, asked)
    }

    /// Has each lane go on with its part of `next`, each between two of its batches; how long each of them took for it.
    /// A lane that waits for a store is waited for.
    ///
    /// Dropping the future leaves some lanes with the old and some with the new.
    ///
    /// # Errors
    /// When the pipeline has ended.
    ///
    /// # Panics
    /// Where `next` has not one for each lane.
    pub async fn swap(&self, next: Vec<NextChain>) -> Result<Vec<Duration>, Stopped> {
        assert_eq!(next.len(), self.lanes.len(), "one for each lane");
        let mut waiting = Vec::with_capacity(next.len());
        for (lane, next) in self.lanes.iter().zip(next) {
            let (done, switched) = oneshot::channel();
            let order = LaneOrder::Switch(Switch { next, done });
            self.unless_ended(lane.orders.send(order))
                .await?
                .map_err(|_| Stopped)?;
            waiting.push(switched);
        }
        let mut pauses = Vec::with_capacity(waiting.len());
        for switched in waiting {
            let Switched { pause, replaced } =
                self.unless_ended(switched).await?.map_err(|_| Stopped)?;
            drop(replaced);
            pauses.push(pause);
        }
        Ok(pauses)
    }

    /// Has all lanes go on with `sinks`, of the same names and kinds as before and in the same order, once nothing is in flight to those
    /// before them; how long no record was taken for that. Runs have to be shown by the stores that there were.
    ///
    /// # Errors
    /// When the pipeline has ended, or `patience` did not suffice; then nothing has changed.
    pub async fn exchange(
        &self,
        sinks: Vec<Outlet>,
        patience: Duration,
    ) -> Result<Duration, ExchangeError> {
        let (done, exchanged) = oneshot::channel();
        let exchange = Exchange {
            sinks,
            patience,
            done,
        };
        self.unless_ended(self.gate.send(GateOrder::Exchange(exchange)))
            .await?
            .map_err(|_| Stopped)?;
        self.unless_ended(exchanged).await?.map_err(|_| Stopped)?
    }

    /// What pauses the same pipeline.
    #[must_use]
    pub fn valve(&self) -> Valve {
        Valve::new(self.gate.clone(), self.control.clone())
    }

    /// Where its lanes can be looked at.
    #[must_use]
    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Where the lanes take orders.
    pub(crate) fn orders(&self) -> Vec<mpsc::Sender<LaneOrder>> {
        self.lanes.iter().map(|lane| lane.orders.clone()).collect()
    }

    async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.control.ended() => Err(Stopped),
            done = work => Ok(done),
        }
    }

    /// How many lanes there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The last batches that the lanes took, as the source gave them.
    #[must_use]
    pub fn recent(&self) -> Vec<Taken> {
        let all = self.lanes.iter().map(|lane| lane.recent.all());
        all.flatten().collect()
    }

    /// Returns once the pipeline takes no more records.
    pub async fn stopping(&self) {
        self.control.stopping().await;
    }
}
