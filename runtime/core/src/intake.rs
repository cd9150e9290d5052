//! What a source sees of its pipeline.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::batch::Batch;
use crate::contact::Contact;
use crate::control::{Control, Stopped};
use crate::counts::Counts;
use crate::id::Partition;
use crate::lane::LaneMessage;
use crate::ledger::{Checkpoint, Keeps, Ledger};
use crate::reveal::{RecoverError, RunStores};
use crate::room::Room;
use crate::step;
use crate::valve::Flow;

/// Takes batches in, bounds what is in flight, and tells how far it is settled.
pub struct Intake {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) lanes: Vec<mpsc::Sender<LaneMessage>>,
    pub(crate) room: Arc<Room>,
    pub(crate) stores: RunStores,
    pub(crate) control: Control,
    pub(crate) counts: Arc<Counts>,
}

impl Intake {
    /// How many lanes there are: into how many parts it pays to split one input.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Where a source that talks to others says how that goes: from now on the pipeline is not ready where it does not.
    #[must_use]
    pub fn contact(&self) -> Contact {
        self.counts.gauges().source.talks();
        self.notes()
    }

    /// Where a source that talks to no one says what there is to read.
    #[must_use]
    pub fn notes(&self) -> Contact {
        Contact {
            counts: Arc::clone(&self.counts),
            ledger: Arc::clone(&self.ledger),
        }
    }

    /// Starts a new generation of `partition`, on one lane, that is read from `next` on. That is its first checkpoint, to be committed
    /// whatever was before: once it is, no owner before this one can commit, and what those left is discarded.
    ///
    /// # Panics
    /// Where it is open already.
    pub fn open_at(&self, partition: &Arc<Partition>, next: u64) {
        self.open_with(partition, Keeps::Committed, Some(next));
    }

    /// Opens `partition` for this process alone: its checkpoints are kept nowhere, so no one has to commit them.
    ///
    /// # Panics
    /// Where it is open already.
    pub fn open_unkept(&self, partition: &Arc<Partition>) {
        self.open_with(partition, Keeps::Nothing, None);
    }

    fn open_with(&self, partition: &Arc<Partition>, keeps: Keeps, next: Option<u64>) {
        self.counts.gauges().source.begin();
        self.ledger
            .open(Arc::clone(partition), self.lanes.len(), keeps, next);
    }

    /// Takes `partition` over from the owner before, before it is opened: what that one committed with `metadata` is shown where
    /// it is not yet. What it did not commit is thrown away later. Outages are waited out.
    ///
    /// # Errors
    /// When the pipeline has ended meanwhile, or `metadata` cannot be followed.
    pub async fn recover(&self, partition: &Partition, metadata: &str) -> Result<(), RecoverError> {
        let ledger = &self.ledger;
        self.stores.recover(ledger, partition, metadata).await
    }

    /// Throws away what a process before this one left of `partition`, before it is opened [unkept](Self::open_unkept).
    ///
    /// # Errors
    /// When the pipeline has ended.
    pub async fn clear(&self, partition: &Partition) -> Result<(), Stopped> {
        self.stores.clear(partition).await
    }

    /// Hands `batch` over to the lane of its partition as soon as there is room, and leaves `None` behind.
    ///
    /// Dropping the future before it is done leaves the batch where it was.
    ///
    /// # Errors
    /// When the pipeline has ended.
    ///
    /// # Panics
    /// Where the partition is not open, or the batch begins before the end of the one before it.
    pub async fn send(&self, batch: &mut Option<Batch>) -> Result<(), Stopped> {
        let Some(waiting) = batch.as_ref() else {
            return Ok(());
        };
        let lane = &self.lanes[self.ledger.lane(waiting.partition())];
        let weight = waiting.weight();
        let (room, slot) = tokio::select! {
            biased;
            () = self.control.ended() => return Err(Stopped),
            ready = async {
                let waits = &self.counts.gauges().source;
                let commits = waits.commits.begin();
                self.ledger.has_room(waiting.partition()).await;
                drop(commits);
                // A pipeline that someone paused waits for that person.
                let is_open = self.control.flow() == Flow::Running;
                let waiting = is_open.then(|| waits.room.begin());
                let room = self.room.share(weight).await;
                drop(waiting);
                let _waiting = waits.lanes.begin();
                (room, lane.reserve().await)
            } => ready,
        };
        let slot = slot.map_err(|_| Stopped)?;
        if let Some(mut batch) = batch.take() {
            batch.hold(room);
            let ticket = self.ledger.take(batch.partition(), batch.range());
            self.counts.add_taken(batch.taken(), batch.buffered());
            slot.send(LaneMessage::Batch(batch, ticket));
            step::reached(step::TAKEN, &self.ledger);
        }
        Ok(())
    }

    /// What is to be committed now. A commit that failed is part of what this returns next, even if it had an effect.
    ///
    /// With a sink that shows whole runs, checkpoints are the ends of runs, and there is no further one until all of the one
    /// before is [seen](Self::seen).
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        self.ledger.checkpoints()
    }

    /// Notes that `checkpoint` is safe where the source keeps it, beyond doubt: its runs are shown now.
    pub fn committed(&self, checkpoint: &Checkpoint) {
        self.ledger.committed(checkpoint);
    }

    /// Returns once everything that is committed of `partitions` can be seen; `false` where `timeout` did not suffice or the
    /// pipeline has ended.
    pub async fn seen(&self, partitions: &[Arc<Partition>], timeout: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.ledger.seen(partitions) => true,
            () = self.control.ended() => false,
            () = tokio::time::sleep(timeout) => false,
        }
    }

    /// Settles what is in flight of `partitions` without waiting for fuller batches; `false` where `timeout` did not suffice
    /// or the pipeline has ended. A source has to go on committing meanwhile: something may wait for that.
    pub async fn drain(&self, partitions: &[Arc<Partition>], timeout: Duration) -> bool {
        step::reached(step::DRAINING, &self.ledger);
        let drained = async {
            for partition in partitions {
                let lane = self.ledger.lane(partition);
                let flush = LaneMessage::Flush(Arc::clone(partition));
                if self.lanes[lane].send(flush).await.is_err() {
                    return std::future::pending().await;
                }
            }
            self.ledger.drained(partitions).await;
        };
        tokio::select! {
            biased;
            () = drained => true,
            () = self.control.ended() => false,
            () = tokio::time::sleep(timeout) => false,
        }
    }

    /// Ends the generation of `partition`: what it has in flight no longer moves its checkpoint, and what a sink has of it and
    /// did not show is thrown away.
    pub async fn close(&self, partition: &Arc<Partition>) {
        let lane = self.ledger.lane(partition);
        self.ledger.close(partition, self.is_stopping());
        let (to, control) = (self.lanes[lane].clone(), self.control.clone());
        let abandon = LaneMessage::Abandon(Arc::clone(partition));
        let mut sending = Box::pin(async move {
            tokio::select! {
                biased;
                () = control.ended() => {}
                // A lane that is gone has nothing left to throw away.
                _gone = to.send(abandon) => {}
            }
        });
        // A lane that waits for a store must not keep the partition from its next owner. Once polled the message has its place
        // in the lane's queue, in front of whatever the next generation sends.
        let queued = poll_fn(|ctx| Poll::Ready(sending.as_mut().poll(ctx).is_ready())).await;
        if !queued {
            tokio::spawn(sending);
        }
    }

    /// Whether no more records should be sent.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        !self.control.is_running()
    }

    /// Whether the pipeline has ended, so that nothing more will be settled.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.control.is_ended()
    }

    /// Returns once no more records should be sent.
    pub async fn stopping(&self) {
        self.control.stopping().await;
    }
}
