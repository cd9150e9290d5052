//! One generation of a partition: what of it is in flight, and what is to be committed.

use crate::id::Partition;
use crate::progress::Progress;
use crate::runs::{NamedRun, Runs};
use crate::snapshot;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) lane: usize,
    pub(super) generation: u64,
    pub(super) keeps: Keeps,
    pub(super) progress: Progress,
    pub(super) runs: Option<Runs>,
    /// What has to be discarded once a commit that does not name it was taken: what the owners before left, and what is seen.
    left: Vec<NamedRun>,
    /// What of that can be discarded.
    unnamed: Vec<NamedRun>,
    committed: Option<Committed>,
    /// The end of what there is to read.
    pub(super) log_end: Option<u64>,
    /// What the source was shown last; a commit of it may have had an effect without an answer.
    asked: Option<Committed>,
    /// How often it was doubted that the partition is still its own.
    doubts: u64,
    /// How many of these doubts a commit has answered.
    answered: u64,
}

/// Where the checkpoints of a partition are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// By the source, which commits them.
    Committed,
    /// Nowhere: no one will go on with it, so what is settled counts as committed.
    Nothing,
}

/// A checkpoint, with the runs that are named with it.
#[derive(Debug, Clone)]
pub(super) struct Committed {
    pub(super) next: u64,
    pub(super) named: Vec<NamedRun>,
}

impl Committed {
    fn unnamed(next: u64) -> Self {
        let named = Vec::new();
        Self { next, named }
    }
}

impl Entry {
    pub(super) fn new(
        lane: usize,
        generation: u64,
        keeps: Keeps,
        checkpoint: Option<u64>,
        runs: Option<Runs>,
        left: Vec<NamedRun>,
    ) -> Self {
        Self {
            lane,
            generation,
            keeps,
            progress: Progress::starting_at(checkpoint),
            runs,
            left,
            unnamed: Vec::new(),
            committed: None,
            log_end: None,
            asked: None,
            doubts: 0,
            answered: 0,
        }
    }

    /// What is to be committed.
    fn ready(&self) -> Option<Committed> {
        self.moved().or_else(|| {
            // The same once more: the group takes it of the owner alone.
            let in_doubt = self.answered < self.doubts;
            self.asked.clone().filter(|_| in_doubt)
        })
    }

    /// Whether its checkpoint is not what was committed of it.
    pub(super) fn has_moved(&self) -> bool {
        self.moved().is_some()
    }

    fn moved(&self) -> Option<Committed> {
        let settled = self.progress.checkpoint()?;
        let last = self.committed.as_ref();
        let Some(runs) = &self.runs else {
            let moved = last.is_none_or(|last| last.next != settled);
            return moved.then(|| Committed::unnamed(settled));
        };
        if let Some((next, named)) = runs.ready(settled) {
            return Some(Committed { next, named });
        }
        // What is seen is named no longer, so that no later owner looks for it.
        let Committed { next, named } = last?;
        let names_seen = !named.is_empty() && !self.is_revealing();
        names_seen.then(|| Committed::unnamed(*next))
    }

    /// What the source is to commit, and the number of doubts that this answers.
    pub(super) fn ask(&mut self) -> Option<(Committed, u64)> {
        let ready = self.ready()?;
        self.asked = Some(ready.clone());
        Some((ready, self.doubts))
    }

    /// Notes that a commit was taken that was asked for after so many doubts.
    pub(super) fn committed(&mut self, committed: Committed, doubts: u64) {
        let Committed { next, named } = &committed;
        if let Some(runs) = &mut self.runs {
            runs.committed(*next);
        }
        let unnamed = self.left.extract_if(.., |run| !named.contains(run));
        self.unnamed.extend(unnamed);
        self.answered = self.answered.max(doubts);
        self.committed = Some(committed);
    }

    /// Takes what is ready for committed, and the partition for its own, where there is no one else.
    pub(super) fn commit_unkept(&mut self) {
        if self.keeps == Keeps::Nothing {
            if let Some(ready) = self.moved() {
                self.committed(ready, self.doubts);
            }
            self.answered = self.doubts;
        }
    }

    /// How far it is, as the generation of `partition`.
    pub(super) fn view(&self, partition: &Partition) -> snapshot::Partition {
        let checkpoint = self.progress.checkpoint();
        // Of what no one has settled the first record is the next to be read.
        let from = checkpoint.or_else(|| self.progress.first());
        snapshot::Partition {
            topic: partition.topic.to_string(),
            partition: partition.number,
            split: partition.split,
            lane: self.lane,
            next: self.progress.next(),
            checkpoint,
            committed: self.committed.as_ref().map(|it| it.next),
            log_end: self.log_end,
            lag: match (self.log_end, from) {
                // It never had a record, and no one has settled any.
                (Some(0), None) => Some(0),
                (end, from) => end.zip(from).map(|(end, from)| end.saturating_sub(from)),
            },
            unsettled: self.unsettled() as u64,
        }
    }

    /// What can be discarded now.
    pub(super) fn take_unnamed(&mut self) -> Vec<NamedRun> {
        std::mem::take(&mut self.unnamed)
    }

    /// Notes what can be seen.
    pub(super) fn revealed(&mut self, done: &[NamedRun]) {
        if let Some(runs) = &mut self.runs {
            runs.revealed(done);
        }
        self.left.extend_from_slice(done);
    }

    /// Doubts that the partition is still its own; returns the number of this doubt.
    pub(super) fn doubt(&mut self) -> u64 {
        self.doubts += 1;
        self.doubts
    }

    pub(super) fn is_answered(&self, doubt: u64) -> bool {
        self.answered >= doubt
    }

    pub(super) fn is_revealing(&self) -> bool {
        self.runs.as_ref().is_some_and(Runs::is_revealing)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.progress.in_flight() == 0 && !self.runs.as_ref().is_some_and(Runs::is_staging)
    }

    pub(super) fn uncommitted(&self) -> usize {
        self.runs.as_ref().map_or(0, Runs::uncommitted)
    }

    pub(super) fn unsettled(&self) -> usize {
        // No one will show what this process does not, where no commit names it.
        let unseen = self.keeps == Keeps::Nothing && self.is_revealing();
        let unsettled = self.progress.in_flight() + self.uncommitted() + usize::from(unseen);
        // What the commit itself makes seen is not seen before it.
        let is_behind = self.runs.as_ref().is_some_and(Runs::is_behind);
        unsettled.max(usize::from(is_behind))
    }
}
