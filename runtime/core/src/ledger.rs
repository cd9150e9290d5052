//! Which ranges of which partitions are in flight, and how far each partition is settled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::id::{OffsetRange, Partition};
use crate::progress::Progress;

/// The partitions that a pipeline owns. Locked once when a batch is taken and once when it is settled.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
    settled: Notify,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<Arc<Partition>, Entry>,
    generations: u64,
    left_behind: usize,
}

#[derive(Debug)]
struct Entry {
    lane: usize,
    generation: u64,
    progress: Progress,
    committed: Option<u64>,
}

impl Ledger {
    /// Starts a new generation of `partition` on the lane with the fewest partitions of the `lanes` ones; returns it. A
    /// `checkpoint` to start with still has to be committed.
    pub(crate) fn open(
        &self,
        partition: Arc<Partition>,
        lanes: usize,
        checkpoint: Option<u64>,
    ) -> usize {
        let mut state = self.lock();
        let mut load = vec![0; lanes];
        state
            .partitions
            .values()
            .for_each(|entry| load[entry.lane] += 1);
        let lane = (0..lanes)
            .min_by_key(|lane| load[*lane])
            .expect("there is a lane");
        state.generations += 1;
        let generation = state.generations;
        let progress = Progress::starting_at(checkpoint);
        let entry = Entry {
            lane,
            generation,
            progress,
            committed: None,
        };
        let before = state.partitions.insert(partition, entry);
        assert!(
            before.is_none(),
            "a partition is closed before it is opened anew"
        );
        lane
    }

    /// Ends the generation of `partition`: what it still has in flight changes nothing any more. `for_good` when no one in this
    /// process will read it again.
    pub(crate) fn close(&self, partition: &Arc<Partition>, for_good: bool) {
        let mut state = self.lock();
        if let Some(entry) = state.partitions.remove(partition)
            && for_good
        {
            state.left_behind += entry.progress.in_flight();
        }
        drop(state);
        self.settled.notify_waiters();
    }

    /// The lane of `partition`.
    ///
    /// # Panics
    /// Where the partition is not open.
    pub(crate) fn lane(&self, partition: &Arc<Partition>) -> usize {
        self.lock()
            .partitions
            .get(partition)
            .expect("the partition is open")
            .lane
    }

    /// Notes that `range` was taken. The ticket counts one open output, for whoever hands the batch on.
    pub(crate) fn take(self: &Arc<Self>, partition: &Arc<Partition>, range: OffsetRange) -> Ticket {
        let mut state = self.lock();
        let entry = state
            .partitions
            .get_mut(partition)
            .expect("the partition is open");
        entry.progress.take(range);
        Ticket(Arc::new(Open {
            ledger: Arc::clone(self),
            partition: Arc::clone(partition),
            generation: entry.generation,
            range,
            outputs: AtomicUsize::new(1),
        }))
    }

    fn settle(&self, open: &Open) {
        let mut state = self.lock();
        if let Some(entry) = state.partitions.get_mut(&open.partition)
            && entry.generation == open.generation
        {
            entry.progress.settle(open.range);
        }
        drop(state);
        self.settled.notify_waiters();
    }

    /// The partitions whose checkpoint lies beyond what was committed of them.
    pub(crate) fn checkpoints(&self) -> Vec<(Arc<Partition>, u64)> {
        let state = self.lock();
        let moved = state.partitions.iter().filter_map(|(partition, entry)| {
            let checkpoint = entry.progress.checkpoint()?;
            (entry.committed != Some(checkpoint)).then(|| (Arc::clone(partition), checkpoint))
        });
        moved.collect()
    }

    /// Notes that the checkpoint `next` of `partition` was committed.
    pub(crate) fn committed(&self, partition: &Arc<Partition>, next: u64) {
        if let Some(entry) = self.lock().partitions.get_mut(partition) {
            entry.committed = Some(next);
        }
    }

    /// Ranges that were taken and not settled, over all partitions that are open or were closed for good.
    pub(crate) fn unsettled(&self) -> usize {
        let state = self.lock();
        let open = state
            .partitions
            .values()
            .map(|entry| entry.progress.in_flight());
        open.sum::<usize>() + state.left_behind
    }

    /// Returns once nothing of `partitions` is in flight.
    pub(crate) async fn drained(&self, partitions: &[Arc<Partition>]) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if partitions.iter().all(|partition| self.is_idle(partition)) {
                return;
            }
            settled.await;
        }
    }

    fn is_idle(&self, partition: &Arc<Partition>) -> bool {
        let state = self.lock();
        state
            .partitions
            .get(partition)
            .is_none_or(|entry| entry.progress.in_flight() == 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the ledger")
    }
}

/// What is open of one batch. When the last output is settled, so is the range.
///
/// Dropping a ticket settles nothing: what gets lost is read again.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<Open>);

#[derive(Debug)]
struct Open {
    ledger: Arc<Ledger>,
    partition: Arc<Partition>,
    generation: u64,
    range: OffsetRange,
    outputs: AtomicUsize,
}

impl Ticket {
    /// Ranges that were taken and not settled, this one among them, over all partitions.
    pub(crate) fn unsettled(&self) -> usize {
        self.0.ledger.unsettled()
    }

    /// Notes that `outputs` more have to be settled.
    pub(crate) fn add(&self, outputs: usize) {
        self.0.outputs.fetch_add(outputs, Ordering::Relaxed);
    }

    /// Notes that `outputs` are settled: written, or stored as dead letters.
    ///
    /// # Panics
    /// Where more are settled than were open.
    pub(crate) fn settle(&self, outputs: usize) {
        let before = self.0.outputs.fetch_sub(outputs, Ordering::AcqRel);
        assert!(before >= outputs, "an output is settled once");
        if before == outputs && outputs > 0 {
            self.0.ledger.settle(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Arc<Partition> {
        Arc::new(Partition {
            source: "s".into(),
            topic: "t".into(),
            number: 0,
            split: 0,
        })
    }

    const RANGE: OffsetRange = OffsetRange { start: 5, next: 9 };

    #[test]
    fn a_range_is_settled_with_its_last_output() {
        let ledger = Arc::new(Ledger::default());
        ledger.open(partition(), 1, None);
        let ticket = ledger.take(&partition(), RANGE);
        ticket.add(2);
        ticket.settle(1);
        ticket.settle(1);
        assert_eq!(ledger.checkpoints(), []);
        ticket.settle(1);
        assert_eq!(ledger.checkpoints(), [(partition(), 9)]);
        ledger.committed(&partition(), 9);
        assert_eq!(ledger.checkpoints(), []);
    }

    #[test]
    fn a_late_verdict_of_a_lost_generation_changes_nothing() {
        let ledger = Arc::new(Ledger::default());
        ledger.open(partition(), 1, None);
        let lost = ledger.take(&partition(), RANGE);
        ledger.close(&partition(), false);
        ledger.open(partition(), 1, None);
        let again = ledger.take(&partition(), RANGE);
        lost.settle(1);
        assert_eq!((ledger.checkpoints(), ledger.unsettled()), (vec![], 1));
        again.settle(1);
        assert_eq!(ledger.checkpoints(), [(partition(), 9)]);
    }

    #[test]
    fn a_dropped_ticket_settles_nothing() {
        let ledger = Arc::new(Ledger::default());
        ledger.open(partition(), 1, None);
        drop(ledger.take(&partition(), RANGE));
        assert_eq!((ledger.checkpoints(), ledger.unsettled()), (vec![], 1));
    }

    #[test]
    fn a_start_is_a_checkpoint_to_be_committed() {
        let ledger = Arc::new(Ledger::default());
        ledger.open(partition(), 1, Some(5));
        assert_eq!(ledger.checkpoints(), [(partition(), 5)]);
        ledger.committed(&partition(), 5);
        let ticket = ledger.take(&partition(), RANGE);
        assert_eq!(ledger.checkpoints(), []);
        ticket.settle(1);
        assert_eq!(ledger.checkpoints(), [(partition(), 9)]);
    }

    #[test]
    fn what_is_left_behind_for_good_stays_unsettled() {
        for (for_good, expected) in [(true, 1), (false, 0)] {
            let ledger = Arc::new(Ledger::default());
            ledger.open(partition(), 1, None);
            let ticket = ledger.take(&partition(), RANGE);
            ledger.close(&partition(), for_good);
            ticket.settle(1);
            assert_eq!(ledger.unsettled(), expected, "{for_good}");
        }
    }

    #[test]
    fn partitions_are_spread_over_the_lanes() {
        let ledger = Ledger::default();
        let number = |number| {
            Arc::new(Partition {
                number,
                ..(*partition()).clone()
            })
        };
        let lanes: Vec<_> = (0..4)
            .map(|index| ledger.open(number(index), 3, None))
            .collect();
        assert_eq!(lanes, [0, 1, 2, 0]);
        ledger.close(&number(1), false);
        assert_eq!(ledger.open(number(7), 3, None), 1);
    }
}
