//! Shows what becomes of records while they flow, to whoever looks: a bounded share of them, and at the cost of one load a batch
//! where no one does.

mod became;
mod budget;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use tokio::sync::mpsc;

use crate::batch::{Batch, Mark};
use crate::chain::Done;
use crate::id::Partition;
use crate::router::Condition;
use crate::transform::{Applied, Rejection, Stage};

use became::{Became, Passage};
pub use became::{Part, TapFate, Tapped};
use budget::Budget;

/// Who looks at one pipeline at once.
pub const TAPS_MAX: usize = 4;
/// Records that wait for who looks, and their bytes; what comes while that is full is counted as lost.
const WAITING_MAX: usize = 64;
const WAITING_BYTES_MAX: usize = 2 << 20;

/// Where all lanes of a pipeline can be looked at.
#[derive(Clone, Default)]
pub struct Tap(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_on: AtomicBool,
    watchers: Mutex<Vec<Arc<Watcher>>>,
}

/// What someone wants to see.
#[derive(Clone, Default)]
pub struct Look {
    /// What this stage gets and makes of it; what the whole chain does where there is none.
    pub stage: Option<String>,
    /// Only records with one of these fates; all of them where there is none.
    pub fates: Vec<TapFate>,
    /// Only records that are so before or behind.
    pub filter: Option<Arc<dyn Condition>>,
    /// Records a second, at most.
    pub rate: u32,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Records that passed meanwhile.
    pub passed: u64,
    /// Those that were looked at.
    pub looked_at: u64,
    /// Those that were as was asked for, and not shown because whoever looks did not keep up.
    pub lost: u64,
}

#[derive(Default)]
struct Counters {
    passed: AtomicU64,
    looked_at: AtomicU64,
    lost: AtomicU64,
}

struct Watcher {
    look: Look,
    to: mpsc::Sender<Tapped>,
    /// Bytes that wait in there.
    waiting: AtomicUsize,
    budget: Mutex<Budget>,
    counters: Counters,
}

/// Someone who looks, until this is dropped.
pub struct Watching {
    tap: Tap,
    watcher: Arc<Watcher>,
    shown: mpsc::Receiver<Tapped>,
}

/// As many as may look at a pipeline do so already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{TAPS_MAX} look at the pipeline already; try again when one of them has ended")]
pub struct TooMany;

impl Tap {
    /// Begins to look.
    ///
    /// # Errors
    /// Where [`TAPS_MAX`] do.
    pub fn watch(&self, look: Look) -> Result<Watching, TooMany> {
        let (to, shown) = mpsc::channel(WAITING_MAX);
        let watcher = Arc::new(Watcher {
            budget: Mutex::new(Budget::new(look.rate)),
            look,
            to,
            waiting: AtomicUsize::new(0),
            counters: Counters::default(),
        });
        let mut watchers = self.watchers();
        if watchers.len() >= TAPS_MAX {
            return Err(TooMany);
        }
        watchers.push(Arc::clone(&watcher));
        self.0.is_on.store(true, Ordering::Relaxed);
        drop(watchers);
        Ok(Watching {
            tap: self.clone(),
            watcher,
            shown,
        })
    }

    /// Whether anyone looks.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Relaxed)
    }

    /// Those who look at the next batch; `None`, at next to no cost, where there is no one.
    pub(crate) fn eyes(&self) -> Option<Eyes> {
        self.is_on().then(|| Eyes(self.watchers().clone()))
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Arc<Watcher>>> {
        self.0
            .watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tap").field(&self.is_on()).finish()
    }
}

impl Watching {
    /// The next record; they come in the order of their partitions.
    pub async fn next(&mut self) -> Option<Tapped> {
        let tapped = self.shown.recv().await?;
        let waiting = &self.watcher.waiting;
        waiting.fetch_sub(tapped.bytes(), Ordering::Relaxed);
        Some(tapped)
    }

    /// How much was looked at so far.
    #[must_use]
    pub fn looked(&self) -> Looked {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.watcher.counters;
        Looked {
            passed: get(&counters.passed),
            looked_at: get(&counters.looked_at),
            lost: get(&counters.lost),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watchers = self.tap.watchers();
        watchers.retain(|other| !Arc::ptr_eq(other, &self.watcher));
        let is_on = !watchers.is_empty();
        self.tap.0.is_on.store(is_on, Ordering::Relaxed);
    }
}

/// Those who look at one batch.
pub(crate) struct Eyes(Vec<Arc<Watcher>>);

impl Eyes {
    /// What `batch` is in front of `stage`, where someone looks at that.
    pub(crate) fn in_front(&self, stage: &Stage, batch: &Batch) -> Option<Mark> {
        let looking = self.0.iter().filter(|watcher| watcher.looks_at(stage));
        // Each of them is told.
        let looks = looking.filter(|watcher| watcher.pass(batch.rows().len()));
        (looks.count() > 0).then(|| batch.mark())
    }

    /// Shows what `stage` made of what `batch` was at `mark`.
    pub(crate) fn behind(&self, stage: &Stage, mark: &Mark, batch: &Batch, applied: &Applied) {
        let passage = Passage {
            stage: Some(stage),
            batch,
            before: mark.rows(),
            numbers: Some(mark.numbers()),
            rejected: &applied.rejected,
        };
        let looking = self.0.iter().filter(|watcher| watcher.looks_at(stage));
        looking.for_each(|watcher| watcher.show(&passage));
    }

    /// Shows what all stages together made of `batch`.
    pub(crate) fn at_the_end(&self, batch: &Batch, done: &[Done]) {
        let whole = |watcher: &&Arc<Watcher>| {
            watcher.look.stage.is_none() && watcher.pass(batch.originals().len())
        };
        let looking: Vec<_> = self.0.iter().filter(whole).collect();
        if looking.is_empty() {
            return;
        }
        let rejected = done.iter().flat_map(|done| &done.applied.rejected);
        let mut rejected: Vec<Rejection> = rejected.cloned().collect();
        rejected.sort_by_key(|rejection| rejection.offset);
        let passage = Passage {
            stage: None,
            batch,
            before: batch.originals(),
            numbers: None,
            rejected: &rejected,
        };
        looking.iter().for_each(|watcher| watcher.show(&passage));
    }
}

impl Watcher {
    fn looks_at(&self, stage: &Stage) -> bool {
        self.look.stage.as_ref().is_some_and(|it| *it == stage.name)
    }

    /// Whether a record is what is looked for.
    fn wants(&self, became: &Became<'_>) -> bool {
        let Look { fates, filter, .. } = &self.look;
        (fates.is_empty() || fates.contains(&became.fate()))
            && filter.as_ref().is_none_or(|filter| became.any(&**filter))
    }

    /// Counts a batch of so many records that passes; whether any of it may be looked at.
    fn pass(&self, records: usize) -> bool {
        let passed = &self.counters.passed;
        passed.fetch_add(records as u64, Ordering::Relaxed);
        self.budget()
            .is_some_and(|mut budget| budget.turn().has_room())
    }

    /// None while another lane shows something: no lane waits for one.
    fn budget(&self) -> Option<MutexGuard<'_, Budget>> {
        match self.budget.try_lock() {
            Ok(budget) => Some(budget),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Shows as much of `passage` as may be shown now.
    fn show(&self, passage: &Passage<'_>) {
        let add = |counter: &AtomicU64, count: u64| counter.fetch_add(count, Ordering::Relaxed);
        let Some(mut budget) = self.budget() else {
            return;
        };
        let mut turn = budget.turn();
        // With nothing to look for, the records that are shown are spread over the batch.
        let takes_any = self.look.fates.is_empty() && self.look.filter.is_none();
        let step = if takes_any {
            passage.before.len().div_ceil(turn.records().max(1)).max(1)
        } else {
            1
        };
        for (index, became) in passage.iter().enumerate() {
            if !turn.has_room() {
                break;
            }
            if index % step != 0 {
                continue;
            }
            turn.look_at(became.bytes());
            add(&self.counters.looked_at, 1);
            if !self.wants(&became) {
                continue;
            }
            let tapped = became.owned();
            let bytes = tapped.bytes();
            turn.take(bytes);
            let waits = self.waiting.fetch_add(bytes, Ordering::Relaxed);
            // One that is larger than all of that goes alone.
            let has_room = waits == 0 || waits + bytes <= WAITING_BYTES_MAX;
            if !has_room || self.to.try_send(tapped).is_err() {
                self.waiting.fetch_sub(bytes, Ordering::Relaxed);
                add(&self.counters.lost, 1);
            }
        }
    }
}

/// A record, and what became of it: where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: Arc<Partition>,
    /// The offset.
    pub offset: u64,
    /// Which of the outputs of that record it is.
    pub number: u32,
}

#[cfg(test)]
mod tests;
