//! Puts other stages in the place of those that a running pipeline has.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::batch::Taken;
use crate::chain::{Chain, NextChain};
use crate::control::{Control, Stopped};
use crate::recent::Recent;
use crate::transform::Transform;

/// Reaches all lanes of one pipeline.
#[derive(Clone)]
pub struct Swapper {
    lanes: Vec<LaneHandle>,
    control: Control,
}

#[derive(Clone)]
struct LaneHandle {
    switches: mpsc::Sender<Switch>,
    recent: Arc<Recent>,
}

/// What a lane has of it.
pub(crate) struct LaneEnd {
    pub(crate) switches: mpsc::Receiver<Switch>,
    pub(crate) recent: Arc<Recent>,
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
    /// Does it, between two batches.
    pub(crate) fn switch(self, chain: &mut Chain) {
        let begun = Instant::now();
        let replaced = chain.switch(self.next);
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
    ) -> (Self, Vec<LaneEnd>) {
        let (handles, ends) = (0..lanes)
            .map(|_| {
                let (to, switches) = mpsc::channel(1);
                let recent = Arc::new(Recent::new(recent_bytes_max / lanes));
                let handle = LaneHandle {
                    switches: to,
                    recent: Arc::clone(&recent),
                };
                (handle, LaneEnd { switches, recent })
            })
            .unzip();
        let swapper = Self {
            lanes: handles,
            control,
        };
        (swapper, ends)
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
            self.unless_ended(lane.switches.send(Switch { next, done }))
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
