//! A plugin of a replay: what it does, and what that costs.

use std::sync::Arc;
use std::time::Duration;

use tamis_core::batch::Batch;
use tamis_core::transform::{Applied, Stage, Transform, TransformError};
use tamis_host::{Plugin, PluginTransform};

use crate::plugin::now;

/// A stage that decides every record, as in a lane. What it wants to have said and counted is not done.
pub(super) struct Measured {
    stage: PluginTransform,
    pub(super) plugin: Arc<Plugin>,
    pub(super) counts: Counts,
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
    pub(super) time: Duration,
}

impl Measured {
    pub(super) fn new(stage: PluginTransform, plugin: Arc<Plugin>) -> Self {
        Self {
            stage,
            plugin,
            counts: Counts::default(),
            given_up: None,
        }
    }

    /// The most bytes of memory that an instance of it has had.
    pub(super) fn memory_bytes(&self) -> usize {
        self.stage.memory_bytes()
    }
}

impl Counts {
    /// Nanoseconds for each record.
    pub(super) fn record_nanos(&self) -> u128 {
        self.time.as_nanos() / u128::from(self.records.max(1))
    }
}

impl Transform for Measured {
    fn stage(&self) -> &Stage {
        self.stage.stage()
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let (records, begun) = (batch.rows().len() as u64, now());
        let applied = self.stage.apply(batch);
        let counts = &mut self.counts;
        counts.time += begun.elapsed();
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
