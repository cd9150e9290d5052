//! A plugin of a replay: what it does, and what that costs.

use std::sync::Arc;

use tamis_core::batch::Batch;
use tamis_core::transform::{Applied, Stage, Transform, TransformError};
use tamis_host::{Plugin, PluginTransform};

use crate::plugin::now;

/// Batches whose time is remembered: the first ones.
const TIMES_MAX: usize = 100_000;

/// A stage that decides every record, as in a lane. What it wants to have said and counted is not done.
pub(super) struct Measured {
    stage: PluginTransform,
    pub(super) plugin: Arc<Plugin>,
    pub(super) counts: Counts,
    /// Nanoseconds a record of each batch.
    times: Vec<u64>,
    /// Why it can go on no longer.
    pub(super) given_up: Option<String>,
}

/// What it did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Records that it got.
    pub(super) records: u64,
    /// Those that it filtered out.
    pub(super) dropped: u64,
    /// Those that it refused, and those that it failed on.
    pub(super) refused: u64,
    /// Those that it failed on.
    pub(super) failed: u64,
}

impl Measured {
    pub(super) fn new(stage: PluginTransform, plugin: Arc<Plugin>) -> Self {
        Self {
            stage,
            plugin,
            counts: Counts::default(),
            times: Vec::new(),
            given_up: None,
        }
    }

    /// The most bytes of memory that an instance of it has had.
    pub(super) fn memory_bytes(&self) -> usize {
        self.stage.memory_bytes()
    }

    /// Nanoseconds that it takes for a record, in half of the batches at most: neither the search for a record that it fails on nor
    /// another program on the machine is its usual cost.
    pub(super) fn record_nanos(&self) -> u64 {
        median(self.times.clone())
    }
}

/// 0 of none.
fn median(mut times: Vec<u64>) -> u64 {
    let middle = times.len() / 2;
    if times.is_empty() {
        return 0;
    }
    *times.select_nth_unstable(middle).1
}

impl Transform for Measured {
    fn stage(&self) -> &Stage {
        self.stage.stage()
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let (records, begun) = (batch.rows().len() as u64, now());
        let applied = self.stage.apply(batch);
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if records > 0 && self.times.len() < TIMES_MAX {
            self.times.push(nanos / records);
        }
        let counts = &mut self.counts;
        let applied = applied.inspect_err(|error| self.given_up = Some(error.reason.clone()))?;
        counts.records += records;
        counts.dropped += applied.dropped;
        counts.refused += applied.rejected.len() as u64;
        counts.failed += applied.trapped;
        Ok(applied)
    }

    /// Records that it fails on are looked for, other than before a swap: that would tell of the first batch alone.
    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        self.apply(batch).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_batch_that_took_long_says_nothing() {
        assert_eq!(median(vec![]), 0);
        assert_eq!(median(vec![7]), 7);
        assert_eq!(median(vec![5, 9_000, 4]), 5);
    }
}
