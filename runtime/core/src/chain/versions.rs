//! One batch between two versions: the new one decides, unless the one before shows it guilty.

use std::time::Duration;

use super::{Done, attempt, run};
use crate::batch::Batch;
use crate::transform::{Transform, TransformError};
use crate::trial::{BatchCost, Trial, TrialState};

/// New stages on trial, and those before them.
pub(super) struct Versions<'a> {
    /// All there are.
    pub(super) stages: &'a mut [Box<dyn Transform>],
    /// Indexes of those before, in order.
    pub(super) old: &'a [usize],
    /// Those of the new ones.
    pub(super) new: &'a [usize],
    pub(super) trial: &'a Trial,
}

impl Versions<'_> {
    /// Takes `batch` through the new stages. What makes them guilty is decided by those before, as if there had been no others.
    pub(super) fn decide(&mut self, batch: &mut Batch) -> Result<Vec<Done>, TransformError> {
        let (before, records) = (batch.mark(), batch.rows().len() as u64);
        let reason = match attempt(self.stages, self.new, batch) {
            Ok(done) => {
                let cost = BatchCost {
                    records,
                    rejected: rejected(&done),
                    excused: 0,
                    time: Some(time(&done)),
                };
                if self.trial.charge_within(cost).is_ok() {
                    return Ok(done);
                }
                let mut other = batch.fork();
                other.go_back(&before);
                return self.compare(batch, done, cost, other);
            }
            Err(reason) => reason,
        };
        batch.go_back(&before);
        if let Ok(done) = attempt(self.stages, self.old, batch) {
            if self.takes_back(reason) {
                return Ok(done);
            }
            batch.go_back(&before);
            return run(self.stages, self.new, batch, None);
        }
        batch.go_back(&before);
        self.search(batch, reason)
    }

    /// New stages that break a limit with `batch`, of which they made what it is now by what they have `done`, are excused as far as
    /// those before refuse as much of it, which is as it was in `other`.
    fn compare(
        &mut self,
        batch: &mut Batch,
        done: Vec<Done>,
        cost: BatchCost,
        mut other: Batch,
    ) -> Result<Vec<Done>, TransformError> {
        let by_old = run(self.stages, self.old, &mut other, None);
        let excused = by_old.as_ref().map_or(0, |old| rejected(old));
        let guilty = self.trial.charge(BatchCost { excused, ..cost }).err();
        if guilty.is_some_and(|reason| self.takes_back(reason)) {
            batch.become_as(other);
            return by_old;
        }
        Ok(done)
    }

    /// Has both versions find the records of `batch` that they fail on; the new one fails for this `reason`.
    fn search(&mut self, batch: &mut Batch, reason: String) -> Result<Vec<Done>, TransformError> {
        let records = batch.rows().len() as u64;
        let mut other = batch.fork();
        let by_old = run(self.stages, self.old, &mut other, None);
        let by_new = run(self.stages, self.new, batch, None);
        let guilty = match (&by_new, &by_old) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(new), Ok(old)) if trapped(new) > trapped(old) => Some(reason),
            (Ok(new), old) => {
                // Those before that would stop the pipeline do not say how much they fail on: to go back to them just because the
                // new ones fail, too, would help no one.
                let excused = old.as_ref().map_or(trapped(new), |old| rejected(old));
                let cost = BatchCost {
                    records,
                    rejected: rejected(new),
                    excused,
                    // A search says nothing of the time that records take.
                    time: None,
                };
                self.trial.charge(cost).err()
            }
        };
        if guilty.is_some_and(|reason| self.takes_back(reason)) {
            batch.become_as(other);
            return by_old;
        }
        by_new
    }

    /// Ends the trial badly, and says whether those before decide: not where it was passed meanwhile by whoever may do so.
    fn takes_back(&self, reason: String) -> bool {
        self.trial.fail(reason) || matches!(self.trial.state(), TrialState::Failed(_))
    }
}

fn rejected(all: &[Done]) -> u64 {
    let each = all.iter().map(|done| done.applied.rejected.len() as u64);
    each.sum()
}

fn trapped(all: &[Done]) -> u64 {
    all.iter().map(|done| done.applied.trapped).sum()
}

fn time(all: &[Done]) -> Duration {
    all.iter()
        .map(|done| Duration::from_nanos(done.nanos))
        .sum()
}
