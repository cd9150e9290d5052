//! What is in flight of a generation, on its way through lanes and writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Ledger;
use crate::id::{OffsetRange, Partition};
use crate::runs::NamedRun;
use crate::sink::StagedRun;

/// One generation of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(super) ledger: Arc<Ledger>,
    pub(super) partition: Arc<Partition>,
    pub(super) generation: u64,
}

impl Owner {
    pub(crate) fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// Whether its generation is over, as far as this process knows: nothing that comes of it counts.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.ledger.lock();
        let entry = state.partitions.get(&self.partition);
        entry.is_none_or(|entry| entry.generation != self.generation)
    }

    /// Whether the partition is still its own, beyond doubt: another member may have it by now, and this one not know it yet. The
    /// group does: the source commits once more what it has.
    pub(crate) async fn still_owns(&self) -> bool {
        let mut doubt = 0;
        self.ledger.change(self, |entry| {
            doubt = entry.doubt();
        });
        let partition = std::slice::from_ref(&self.partition);
        let is_answered =
            |entry: &super::Entry| entry.generation != self.generation || entry.is_answered(doubt);
        self.ledger.all(partition, is_answered).await;
        !self.is_over()
    }
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
    /// Counts one open output.
    pub(super) fn new(owner: Owner, range: OffsetRange) -> Self {
        let outputs = AtomicUsize::new(1);
        Self(Arc::new(Open {
            owner,
            range,
            outputs,
        }))
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

    /// Of which generation.
    pub(crate) fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// Ends a run of `sinks` sinks with this batch; `start` is that of its first one.
    pub(crate) fn cut(&self, start: u64, sinks: usize) -> Cut {
        let Open { owner, range, .. } = &*self.0;
        let range = OffsetRange {
            start,
            next: range.next,
        };
        owner.ledger.change(owner, |entry| {
            let runs = entry.runs.as_mut().expect("the pipeline has runs");
            runs.cut(range.next, sinks);
        });
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

    /// Of which generation.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Notes that `sink` made its part safe; `None` where there is nothing to show later.
    pub(crate) fn staged(&self, sink: &str, run: Option<StagedRun>) {
        let run = run.map(|run| NamedRun {
            sink: sink.to_owned(),
            run,
        });
        self.owner.ledger.change(&self.owner, |entry| {
            let runs = entry.runs.as_mut().expect("the pipeline has runs");
            runs.staged(self.range.next, run);
        });
    }
}
