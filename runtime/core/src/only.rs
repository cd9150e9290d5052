//! The way of a replay: records go through the stages in front of the one that refused them, and only they go on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::batch::{Batch, Row};
use crate::id::{OffsetRange, Partition};
use crate::transform::{Applied, Stage, Transform, TransformError};

/// Which outputs go on, and which of them did not come.
#[derive(Debug, Default)]
pub struct Wanted {
    /// By partition and offset: numbers.
    outputs: BTreeMap<Partition, BTreeMap<u64, Vec<u32>>>,
    missing: Mutex<Vec<Missing>>,
}

/// A wanted output that the stages in front did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Of which partition.
    pub partition: Partition,
    /// The offset of its input.
    pub offset: u64,
    /// Its number.
    pub number: u32,
    /// Who refused it or its input now, and why; `None` where plugins dropped it on purpose, or make fewer outputs than they did.
    pub refused: Option<String>,
}

impl Wanted {
    /// Wants one more output.
    pub fn add(&mut self, partition: Partition, offset: u64, number: u32) {
        let inputs = self.outputs.entry(partition).or_default();
        inputs.entry(offset).or_default().push(number);
    }

    /// What has not come so far.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        self.lock().clone()
    }

    /// The rows of `batch` that are wanted. What else is wanted of its range is noted as missing, with what `refused` says of it.
    fn select(&self, batch: &Batch, refused: &BTreeMap<u64, String>) -> Vec<Row> {
        let Some(inputs) = self.outputs.get(&**batch.partition()) else {
            return Vec::new();
        };
        let is_wanted = |row: &&Row| {
            let numbers = inputs.get(&row.offset);
            numbers.is_some_and(|numbers| numbers.contains(&row.number))
        };
        let rows: Vec<Row> = batch.rows().iter().filter(is_wanted).copied().collect();
        let OffsetRange { start, next } = batch.range();
        for (offset, numbers) in inputs.range(start..next) {
            let first = rows.partition_point(|row| row.offset < *offset);
            let came = |number: u32| {
                let mut same = rows[first..].iter().take_while(|row| row.offset == *offset);
                same.any(|row| row.number == number)
            };
            let missing = numbers.iter().filter(|number| !came(**number));
            self.lock().extend(missing.map(|number| Missing {
                partition: Partition::clone(batch.partition()),
                offset: *offset,
                number: *number,
                refused: refused.get(offset).cloned(),
            }));
        }
        rows
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Missing>> {
        self.missing
            .lock()
            .expect("no one panics while noting what is missing")
    }
}

/// Passes batches through the transforms in front of a stage, and lets wanted outputs alone go on to it.
///
/// What the transforms in front refuse makes no dead letters: the letter that is replayed stays as it is, and siblings of its
/// record are no one's concern here.
pub struct Only {
    before: Vec<Box<dyn Transform>>,
    wanted: std::sync::Arc<Wanted>,
    stage: Stage,
}

impl Only {
    /// Lets what is `wanted` pass that the transforms `before` make.
    #[must_use]
    pub fn new(before: Vec<Box<dyn Transform>>, wanted: std::sync::Arc<Wanted>) -> Self {
        let stage = Stage {
            name: "replay".to_owned(),
            version: String::new(),
        };
        Self {
            before,
            wanted,
            stage,
        }
    }
}

impl Transform for Only {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        self.pass(batch, |transform, batch| transform.apply(batch))
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        let before = batch.mark();
        let passed = self.pass(batch, |transform, batch| transform.attempt(batch));
        if passed.is_err() {
            batch.go_back(&before);
        }
        passed
    }
}

impl Only {
    fn pass<E>(
        &mut self,
        batch: &mut Batch,
        by: impl Fn(&mut dyn Transform, &mut Batch) -> Result<Applied, E>,
    ) -> Result<Applied, E> {
        let mut refused = BTreeMap::new();
        for transform in &mut self.before {
            let applied = by(&mut **transform, batch)?;
            applied.said.say(batch);
            let stage = &transform.stage().name;
            for rejection in applied.rejected {
                let reason = format!("{stage}: {}", rejection.reason);
                refused.entry(rejection.offset).or_insert(reason);
            }
        }
        let rows = self.wanted.select(batch, &refused);
        batch.replace(rows, None);
        Ok(Applied::default())
    }
}

#[cfg(test)]
mod tests;
