//! How far a replay is, from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tamis_config::SourceSpec;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::shadow::Comparison;

use crate::plugin::now;

/// Between two lines.
const SHOW_EVERY: Duration = Duration::from_secs(5);

/// What was read.
pub(super) struct Progress {
    /// Records so far.
    pub(super) read: u64,
    /// Records at most, where that is known.
    records_max: Option<u64>,
    shown: Instant,
}

impl Progress {
    /// Nothing of `ranges` yet.
    pub(super) fn new(
        ranges: &[(Arc<Partition>, OffsetRange)],
        records_max: Option<u64>,
        source: &SourceSpec,
    ) -> Self {
        let offsets = match source {
            SourceSpec::Kafka(_) => Some(ranges.iter().map(|(_, it)| it.next - it.start).sum()),
            // These are bytes.
            SourceSpec::File(_) | SourceSpec::Stdin(_) => None,
        };
        let known = offsets.into_iter().chain(records_max);
        Self {
            read: 0,
            records_max: known.min(),
            shown: now(),
        }
    }

    /// Says it on the standard error, unless it was said lately.
    pub(super) fn show(&mut self, comparison: &Comparison) {
        if self.shown.elapsed() < SHOW_EVERY {
            return;
        }
        self.shown = now();
        let (read, differing) = (self.read, comparison.differing);
        let of = self.records_max.map(|most| format!(" of {most}"));
        let of = of.unwrap_or_default();
        eprintln!("{read}{of} records read, {differing} decided otherwise so far");
    }
}
