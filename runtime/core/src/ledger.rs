//! Which ranges of which partitions are in flight, and how far each partition is settled.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::id::{OffsetRange, Partition};
use crate::runs::{NamedRun, Runs, metadata};
use crate::snapshot;
use crate::step;
use entry::{Committed, Entry};

mod entry;
mod ticket;

pub(crate) use entry::Keeps;
pub(crate) use ticket::{Cut, Owner, Ticket};

/// Runs of a partition that may wait for a commit: while no one takes commits, what is staged must not grow for ever.
const UNCOMMITTED_RUNS_MAX: usize = 256;

/// The partitions that a pipeline owns. Locked once when a batch is taken and once when it is settled.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether checkpoints move by whole runs.
    has_runs: bool,
    state: Mutex<State>,
    settled: Notify,
    to_show: Notify,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<Arc<Partition>, Entry>,
    /// What was there of partitions when they were taken over, until they are opened.
    left: BTreeMap<Partition, Vec<NamedRun>>,
    /// What no one needs any more, whoever has its partition by now.
    waste: VecDeque<Waste>,
    generations: u64,
    left_behind: usize,
}

/// How far a partition is settled: what a source is to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of which partition.
    pub partition: Arc<Partition>,
    /// The next offset to read: nothing before it is unsettled.
    pub next: u64,
    /// What has to be committed with it, at most 4,096 bytes: the runs that can be seen once this is safe.
    pub metadata: String,
    named: Vec<NamedRun>,
    generation: u64,
    /// How often it was doubted, until it was asked for, that the partition is still this member's.
    doubts: u64,
}

/// Runs whose end is committed and that no one sees yet.
#[derive(Debug)]
pub(crate) struct ToReveal {
    pub(crate) partition: Arc<Partition>,
    pub(crate) runs: Vec<NamedRun>,
    pub(crate) owner: Owner,
}

/// Runs that are seen and named no longer, or that no one will ever commit.
#[derive(Debug)]
pub(crate) struct Waste {
    pub(crate) partition: Arc<Partition>,
    pub(crate) runs: Vec<NamedRun>,
}

impl Ledger {
    /// Nothing is open; `has_runs` where checkpoints move by whole runs.
    pub(crate) fn new(has_runs: bool) -> Self {
        Self {
            has_runs,
            ..Self::default()
        }
    }

    /// Notes what is there of `partition` before it is opened: runs of the owners before.
    pub(crate) fn inherit(&self, partition: &Partition, left: Vec<NamedRun>) {
        self.lock().left.insert(partition.clone(), left);
    }

    /// Starts a new generation of `partition` on the lane with the fewest partitions of the `lanes` ones; returns it. A
    /// `checkpoint` to start with still has to be committed.
    pub(crate) fn open(
        &self,
        partition: Arc<Partition>,
        lanes: usize,
        keeps: Keeps,
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
        let mut runs = self.has_runs.then(Runs::default);
        if let (Some(runs), Some(start)) = (&mut runs, checkpoint) {
            // It holds no record, and no sink has to make anything safe.
            runs.cut(start, 0);
        }
        let left = state.left.remove(&*partition).unwrap_or_default();
        let entry = Entry::new(lane, generation, keeps, checkpoint, runs, left);
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
            state.left_behind += entry.unsettled();
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
        Ticket::new(self.owner(partition, entry.generation), range)
    }

    /// Changes the entry of `owner`, unless its generation is over.
    fn change(&self, owner: &Owner, change: impl FnOnce(&mut Entry)) {
        let mut state = self.lock();
        let State {
            partitions, waste, ..
        } = &mut *state;
        let entry = partitions.get_mut(&owner.partition);
        let Some(entry) = entry.filter(|entry| entry.generation == owner.generation) else {
            return;
        };
        change(entry);
        entry.commit_unkept();
        let runs = entry.take_unnamed();
        if !runs.is_empty() {
            let partition = Arc::clone(&owner.partition);
            waste.push_back(Waste { partition, runs });
        }
        let is_to_show = entry.is_revealing() || !waste.is_empty();
        drop(state);
        self.settled.notify_waiters();
        if is_to_show {
            self.to_show.notify_one();
        }
    }

    /// The partitions whose checkpoint is not what was committed of them, or of which it is in doubt whose they are.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let mut state = self.lock();
        let moved = state
            .partitions
            .iter_mut()
            .filter_map(|(partition, entry)| {
                let (Committed { next, named }, doubts) = entry.ask()?;
                Some(Checkpoint {
                    partition: Arc::clone(partition),
                    next,
                    metadata: metadata::write(&named),
                    named,
                    generation: entry.generation,
                    doubts,
                })
            });
        moved.collect()
    }

    /// Notes that `checkpoint` was committed.
    pub(crate) fn committed(self: &Arc<Self>, checkpoint: &Checkpoint) {
        let (next, named) = (checkpoint.next, checkpoint.named.clone());
        if !named.is_empty() {
            step::reached(step::COMMITTED, self);
        }
        let owner = self.owner(&checkpoint.partition, checkpoint.generation);
        self.change(&owner, |entry| {
            entry.committed(Committed { next, named }, checkpoint.doubts);
        });
    }

    /// What is committed and can be seen next.
    pub(crate) fn next_to_reveal(self: &Arc<Self>) -> Option<ToReveal> {
        let state = self.lock();
        state.partitions.iter().find_map(|(partition, entry)| {
            let runs = entry
                .runs
                .as_ref()
                .filter(|runs| runs.is_revealing())?
                .to_reveal()
                .to_vec();
            Some(ToReveal {
                partition: Arc::clone(partition),
                runs,
                owner: self.owner(partition, entry.generation),
            })
        })
    }

    /// Notes that `done` can be seen.
    pub(crate) fn revealed(&self, done: &ToReveal) {
        step::reached(step::REVEALED, self);
        self.change(&done.owner, |entry| entry.revealed(&done.runs));
    }

    /// What can be discarded next.
    pub(crate) fn next_waste(&self) -> Option<Waste> {
        self.lock().waste.pop_front()
    }

    fn owner(self: &Arc<Self>, partition: &Arc<Partition>, generation: u64) -> Owner {
        Owner {
            ledger: Arc::clone(self),
            partition: Arc::clone(partition),
            generation,
        }
    }

    /// Returns when there may be something to reveal or to discard.
    pub(crate) async fn wants_show(&self) {
        self.to_show.notified().await;
    }

    /// Ranges that were taken and not settled, runs that were not committed, and partitions with runs that no one will show, over all
    /// partitions that are open or were closed for good.
    pub(crate) fn unsettled(&self) -> usize {
        let state = self.lock();
        let open = state.partitions.values().map(Entry::unsettled);
        open.sum::<usize>() + state.left_behind
    }

    /// Notes the end of what there is to read of `partition`, if it is open; `None` where that is not known.
    pub(crate) fn log_end(&self, partition: &Partition, end: Option<u64>) {
        if let Some(entry) = self.lock().partitions.get_mut(partition) {
            entry.log_end = end;
        }
    }

    /// The partitions that are open.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.lock().partitions.keys().cloned().collect()
    }

    /// How far each of them is.
    pub(crate) fn view(&self) -> Vec<snapshot::Partition> {
        let state = self.lock();
        let each = state.partitions.iter();
        each.map(|(partition, entry)| entry.view(partition))
            .collect()
    }

    /// Whether something is settled that the source was not heard to have committed.
    pub(crate) fn is_uncommitted(&self) -> bool {
        self.lock().partitions.values().any(Entry::has_moved)
    }

    /// Returns once nothing of `partitions` is in flight.
    pub(crate) async fn drained(&self, partitions: &[Arc<Partition>]) {
        self.all(partitions, Entry::is_idle).await;
    }

    /// Returns once everything that is committed of `partitions` can be seen.
    pub(crate) async fn seen(&self, partitions: &[Arc<Partition>]) {
        self.all(partitions, |entry| !entry.is_revealing()).await;
    }

    /// Returns once fewer than [`UNCOMMITTED_RUNS_MAX`] runs of `partition` wait for a commit.
    pub(crate) async fn has_room(&self, partition: &Arc<Partition>) {
        let has_room = |entry: &Entry| entry.uncommitted() < UNCOMMITTED_RUNS_MAX;
        self.all(std::slice::from_ref(partition), has_room).await;
    }

    /// Returns once `is_so` of all of `partitions` that are open.
    async fn all(&self, partitions: &[Arc<Partition>], is_so: impl Fn(&Entry) -> bool) {
        let holds = |partition| self.lock().partitions.get(partition).is_none_or(&is_so);
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if partitions.iter().all(holds) {
                return;
            }
            settled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the ledger")
    }
}

#[cfg(test)]
mod tests;
