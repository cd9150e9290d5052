//! New stages beside those that decide, on records that have gone their way already: what would be different, and what it costs.
//! Nothing of what either wants done is done.

mod became;
mod change;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::batch::{Batch, Row, Taken};
use crate::transform::{Applied, Transform};

pub use self::became::{Became, Difference, Output};
pub use self::change::{Change, Fate};

use self::became::BecameRef;

/// Differences that are kept before a swap, as examples for a person.
const DIFFERENCES_MAX: usize = 10;
/// Batches that new stages fail on, until it is clear that they fail.
const FAILURES_MAX: u64 = 10;

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many differences are kept.
    differences_max: usize,
    /// Records that both got.
    pub records: u64,
    /// Those of which something else became.
    pub differing: u64,
    /// In what, and how many of them; a record may differ in several things.
    pub changes: BTreeMap<Change, u64>,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Batches that the present stages fail on, so that they say nothing of the new ones.
    pub passed_over: u64,
    /// Batches that the new stages fail on, and the present ones do not.
    pub failed: u64,
    /// How the first of them failed.
    pub failure: Option<String>,
    /// The present stages.
    pub old: Cost,
    /// The new ones.
    pub new: Cost,
}

/// What stages did with the records that both got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Records that were refused.
    pub rejected: u64,
    /// Records that were filtered out.
    pub dropped: u64,
    /// Time, in nanoseconds.
    pub nanos: u64,
}

impl Cost {
    /// Nanoseconds a record of `records`.
    #[must_use]
    pub fn record_nanos(&self, records: u64) -> u64 {
        self.nanos / records.max(1)
    }
}

/// Takes `taken` through the stages `before` that both have, then through `old` and, apart from that, through `new`, until
/// `time` has passed.
pub fn compare(
    before: &mut [&mut dyn Transform],
    old: &mut [&mut dyn Transform],
    new: &mut [&mut dyn Transform],
    taken: &[Taken],
    time: Duration,
) -> Comparison {
    let (mut comparison, begun) = (Comparison::new(DIFFERENCES_MAX), Instant::now());
    for taken in taken {
        if begun.elapsed() >= time || comparison.failed >= FAILURES_MAX {
            break;
        }
        comparison.add(before, old, new, taken.batch());
    }
    comparison
}

impl Comparison {
    /// Nothing seen yet. Of the differences to come the first `differences_max` are kept.
    #[must_use]
    pub fn new(differences_max: usize) -> Self {
        Self {
            differences_max,
            ..Self::default()
        }
    }

    /// Takes `batch` through the stages `before` that both have, then through `old` and, apart from that, through `new`. Stages
    /// only [attempt](Transform::attempt) it.
    pub fn add(
        &mut self,
        before: &mut [&mut dyn Transform],
        old: &mut [&mut dyn Transform],
        new: &mut [&mut dyn Transform],
        mut batch: Batch,
    ) {
        if pass(before, &mut batch).is_err() {
            self.passed_over += 1;
            return;
        }
        let Ok(old) = Side::of(old, batch.fork()) else {
            self.passed_over += 1;
            return;
        };
        let new = match Side::of(new, batch.fork()) {
            Ok(new) => new,
            Err(reason) => {
                self.failed += 1;
                self.failure.get_or_insert(reason);
                return;
            }
        };
        self.records += batch.rows().len() as u64;
        self.old.add(&old);
        self.new.add(&new);
        let (mut old_rows, mut new_rows) = (old.batch.rows(), new.batch.rows());
        for same in batch.rows().chunk_by(|a, b| a.offset == b.offset) {
            let offset = same[0].offset;
            let old = old.became(split_off(&mut old_rows, offset), offset);
            let new = new.became(split_off(&mut new_rows, offset), offset);
            if old == new {
                continue;
            }
            self.differing += 1;
            for change in change::between(&old, &new) {
                *self.changes.entry(change).or_default() += 1;
            }
            if self.differences.len() < self.differences_max {
                let partition = batch.partition();
                self.differences.push(Difference {
                    topic: partition.topic.to_string(),
                    partition: partition.number,
                    offset,
                    old: old.owned(),
                    new: new.owned(),
                });
            }
        }
    }
}

/// The rows at `offset`, with which `rows` begin.
fn split_off<'a>(rows: &mut &'a [Row], offset: u64) -> &'a [Row] {
    let count = rows.iter().take_while(|row| row.offset == offset).count();
    rows.split_off(..count).expect("there are so many")
}

/// What some stages made of a batch.
struct Side {
    batch: Batch,
    /// By offset: why something of it was refused.
    rejected: BTreeMap<u64, Vec<String>>,
    cost: Cost,
}

impl Side {
    fn of(stages: &mut [&mut dyn Transform], mut batch: Batch) -> Result<Self, String> {
        let begun = Instant::now();
        let all = pass(stages, &mut batch)?;
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let dropped = all.iter().map(|applied| applied.dropped).sum();
        let mut rejected: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for rejection in all.into_iter().flat_map(|applied| applied.rejected) {
            rejected
                .entry(rejection.offset)
                .or_default()
                .push(rejection.reason);
        }
        let cost = Cost {
            rejected: rejected.values().map(|reasons| reasons.len() as u64).sum(),
            dropped,
            nanos,
        };
        Ok(Self {
            batch,
            rejected,
            cost,
        })
    }

    fn became<'a>(&'a self, rows: &'a [Row], offset: u64) -> BecameRef<'a> {
        let rejected = self.rejected.get(&offset).map_or(&[][..], Vec::as_slice);
        let batch = &self.batch;
        BecameRef {
            batch,
            rows,
            rejected,
        }
    }
}

impl Cost {
    fn add(&mut self, side: &Side) {
        self.rejected += side.cost.rejected;
        self.dropped += side.cost.dropped;
        self.nanos = self.nanos.saturating_add(side.cost.nanos);
    }
}

fn pass(stages: &mut [&mut dyn Transform], batch: &mut Batch) -> Result<Vec<Applied>, String> {
    let all = stages.iter_mut().map(|stage| stage.attempt(batch));
    all.collect()
}

#[cfg(test)]
mod tests;
