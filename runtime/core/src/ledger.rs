//! Which ranges of which partitions are in flight, and how far each partition is settled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::id::{OffsetRange, Partition};
use crate::progress::Progress;
use crate::runs::{NamedRun, Runs, metadata};
use crate::sink::StagedRun;
use crate::step;

/// Runs of a partition that may wait for a commit: while no one takes commits, what is staged must not grow for ever.
const UNCOMMITTED_RUNS_MAX: usize = 256;

/// The partitions that a pipeline owns. Locked once when a batch is taken and once when it is settled.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether checkpoints move by whole runs.
    has_runs: bool,
    state: Mutex<State>,
    settled: Notify,
    to_reveal: Notify,
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
    keeps: Keeps,
    progress: Progress,
    runs: Option<Runs>,
    committed: Option<Committed>,
}

/// Where the checkpoints of a partition are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// By the source, which commits them.
    Committed,
    /// Nowhere: no one will go on with it, so what is settled counts as committed.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Committed {
    next: u64,
    /// Whether the commit names runs.
    names_runs: bool,
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
    generation: u64,
}

/// Runs whose end is committed and that no one sees yet.
#[derive(Debug)]
pub(crate) struct ToReveal {
    pub(crate) partition: Arc<Partition>,
    pub(crate) runs: Vec<NamedRun>,
    generation: u64,
}

impl Ledger {
    /// Nothing is open; `has_runs` where checkpoints move by whole runs.
    pub(crate) fn new(has_runs: bool) -> Self {
        Self {
            has_runs,
            ..Self::default()
        }
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
        let entry = Entry {
            lane,
            generation,
            keeps,
            progress: Progress::starting_at(checkpoint),
            runs,
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
        Ticket(Arc::new(Open {
            owner: Owner {
                ledger: Arc::clone(self),
                partition: Arc::clone(partition),
                generation: entry.generation,
            },
            range,
            outputs: AtomicUsize::new(1),
        }))
    }

    /// Changes the entry of `owner`, unless its generation is over; says whether it was.
    fn change(&self, owner: &Owner, change: impl FnOnce(&mut Entry)) -> bool {
        let mut state = self.lock();
        let entry = state.partitions.get_mut(&owner.partition);
        let Some(entry) = entry.filter(|entry| entry.generation == owner.generation) else {
            return false;
        };
        change(entry);
        if entry.keeps == Keeps::Nothing
            && let Some((next, runs)) = entry.ready()
        {
            entry.committed(next, !runs.is_empty());
        }
        let is_revealing = entry.is_revealing();
        drop(state);
        self.settled.notify_waiters();
        if is_revealing {
            self.to_reveal.notify_one();
        }
        true
    }

    /// The partitions whose checkpoint is not what was committed of them.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let state = self.lock();
        let moved = state.partitions.iter().filter_map(|(partition, entry)| {
            let (next, runs) = entry.ready()?;
            Some(Checkpoint {
                partition: Arc::clone(partition),
                next,
                metadata: metadata::write(&runs),
                generation: entry.generation,
            })
        });
        moved.collect()
    }

    /// Notes that `checkpoint` was committed.
    pub(crate) fn committed(self: &Arc<Self>, checkpoint: &Checkpoint) {
        let names_runs = !checkpoint.metadata.is_empty();
        if names_runs {
            step::reached(step::COMMITTED, self);
        }
        let owner = self.owner(&checkpoint.partition, checkpoint.generation);
        self.change(&owner, |entry| {
            entry.committed(checkpoint.next, names_runs);
        });
    }

    /// What is committed and can be seen next.
    pub(crate) fn next_to_reveal(&self) -> Option<ToReveal> {
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
                generation: entry.generation,
            })
        })
    }

    /// Notes that `done` can be seen.
    pub(crate) fn revealed(self: &Arc<Self>, done: &ToReveal) {
        step::reached(step::REVEALED, self);
        let owner = self.owner(&done.partition, done.generation);
        self.change(&owner, |entry| {
            if let Some(runs) = &mut entry.runs {
                runs.revealed(&done.runs);
            }
        });
    }

    fn owner(self: &Arc<Self>, partition: &Arc<Partition>, generation: u64) -> Owner {
        Owner {
            ledger: Arc::clone(self),
            partition: Arc::clone(partition),
            generation,
        }
    }

    /// Returns when there may be something to reveal.
    pub(crate) async fn wants_reveal(&self) {
        self.to_reveal.notified().await;
    }

    /// Ranges that were taken and not settled, runs that were not committed, and partitions with runs that no one will show, over all
    /// partitions that are open or were closed for good.
    pub(crate) fn unsettled(&self) -> usize {
        let state = self.lock();
        let open = state.partitions.values().map(Entry::unsettled);
        open.sum::<usize>() + state.left_behind
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
        let has_room = |entry: &Entry| {
            let uncommitted = entry.runs.as_ref().map_or(0, Runs::uncommitted);
            uncommitted < UNCOMMITTED_RUNS_MAX
        };
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

impl Entry {
    /// What is to be committed: an end, and the runs that are named with it.
    fn ready(&self) -> Option<(u64, Vec<NamedRun>)> {
        let settled = self.progress.checkpoint()?;
        let Some(runs) = &self.runs else {
            let moved = self.committed.is_none_or(|it| it.next != settled);
            return moved.then(|| (settled, Vec::new()));
        };
        runs.ready(settled).or_else(|| {
            // What is seen is named no longer, so that no later owner looks for it.
            let Committed { next, names_runs } = self.committed?;
            (names_runs && !self.is_revealing()).then(|| (next, Vec::new()))
        })
    }

    fn committed(&mut self, next: u64, names_runs: bool) {
        self.committed = Some(Committed { next, names_runs });
        if let Some(runs) = &mut self.runs {
            runs.committed(next);
        }
    }

    fn is_revealing(&self) -> bool {
        self.runs.as_ref().is_some_and(Runs::is_revealing)
    }

    fn is_idle(&self) -> bool {
        self.progress.in_flight() == 0 && !self.runs.as_ref().is_some_and(Runs::is_staging)
    }

    fn unsettled(&self) -> usize {
        // No one will show what this process does not, where no commit names it.
        let unseen = self.keeps == Keeps::Nothing && self.is_revealing();
        self.progress.in_flight()
            + self.runs.as_ref().map_or(0, Runs::uncommitted)
            + usize::from(unseen)
    }
}

/// One generation of a partition.
#[derive(Debug, Clone)]
struct Owner {
    ledger: Arc<Ledger>,
    partition: Arc<Partition>,
    generation: u64,
}

/// What is open of one batch. When the last output is settled, so is the range.
///
/// Dropping a ticket settles nothing: what gets lost is read again.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<Open>);

#[derive(Debug)]
struct Open {
    owner: Owner,
    range: OffsetRange,
    outputs: AtomicUsize,
}

impl Ticket {
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
            let Open { owner, range, .. } = &*self.0;
            owner
                .ledger
                .change(owner, |entry| entry.progress.settle(*range));
        }
    }

    /// The ledger that it counts in.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.owner.ledger
    }

    /// Ends a run of `sinks` sinks with this batch; `start` is that of its first one.
    pub(crate) fn cut(&self, start: u64, sinks: usize) -> Cut {
        let Open { owner, range, .. } = &*self.0;
        let range = OffsetRange {
            start,
            next: range.next,
        };
        let cut = |entry: &mut Entry| {
            let runs = entry.runs.as_mut().expect("the pipeline has runs");
            runs.cut(range.next, sinks);
        };
        owner.ledger.change(owner, cut);
        let owner = owner.clone();
        Cut { owner, range }
    }
}

/// The end of a run, on its way through the sinks.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    owner: Owner,
    range: OffsetRange,
}

impl Cut {
    pub(crate) fn partition(&self) -> &Arc<Partition> {
        &self.owner.partition
    }

    /// The offsets that the run answers for.
    pub(crate) fn range(&self) -> OffsetRange {
        self.range
    }

    /// Whether its generation is over, so that no one will commit the run.
    pub(crate) fn is_late(&self) -> bool {
        let Owner {
            ledger,
            partition,
            generation,
        } = &self.owner;
        let state = ledger.lock();
        let entry = state.partitions.get(partition);
        entry.is_none_or(|entry| entry.generation != *generation)
    }

    /// Notes that `sink` made its part safe; `None` where that part is empty.
    pub(crate) fn staged(&self, sink: &str, run: Option<StagedRun>) {
        if run.is_some() {
            step::reached(step::STAGED, &self.owner.ledger);
        }
        let run = run.map(|run| NamedRun {
            sink: sink.to_owned(),
            run,
        });
        let staged = |entry: &mut Entry| {
            let runs = entry.runs.as_mut().expect("the pipeline has runs");
            runs.staged(self.range.next, run);
        };
        self.owner.ledger.change(&self.owner, staged);
    }
}

#[cfg(test)]
mod tests;
