//! How much whoever looks may cost.

use std::time::Duration;

use tokio::time::Instant;

/// Records shown of one batch, so that one does not hide the others.
const BATCH_RECORDS_MAX: u32 = 16;
/// Bytes that are copied within a second.
const COPIED_BYTES_MAX: usize = 1 << 20;
/// Bytes of records that are looked at within a second: at the speed at which JSON is read that is some hundredths of a core.
const LOOKED_AT_BYTES_MAX: usize = 8 << 20;
/// What looking at a record costs besides.
const RECORD_BYTES: usize = 64;

const SECOND: Duration = Duration::from_secs(1);

/// What is left of the present second.
pub(super) struct Budget {
    rate: u32,
    since: Instant,
    records: u32,
    copied: usize,
    looked_at: usize,
}

/// What is left of it for one batch.
pub(super) struct Turn<'a> {
    budget: &'a mut Budget,
    records: u32,
}

impl Budget {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate,
            since: Instant::now(),
            records: rate,
            copied: COPIED_BYTES_MAX,
            looked_at: LOOKED_AT_BYTES_MAX,
        }
    }

    /// For the next batch.
    pub(super) fn turn(&mut self) -> Turn<'_> {
        if self.since.elapsed() >= SECOND {
            *self = Self::new(self.rate);
        }
        let records = self.records.min(BATCH_RECORDS_MAX);
        Turn {
            budget: self,
            records,
        }
    }
}

impl Turn<'_> {
    /// How many records may be shown.
    pub(super) fn records(&self) -> usize {
        self.records as usize
    }

    /// Whether one more may be looked at.
    pub(super) fn has_room(&self) -> bool {
        self.records > 0 && self.budget.copied > 0 && self.budget.looked_at > 0
    }

    /// Counts a record of so many bytes that is looked at.
    pub(super) fn look_at(&mut self, bytes: usize) {
        let left = &mut self.budget.looked_at;
        *left = left.saturating_sub(RECORD_BYTES + bytes);
    }

    /// Counts one that is shown, of which so many bytes were copied.
    pub(super) fn take(&mut self, bytes: usize) {
        self.records -= 1;
        self.budget.records -= 1;
        self.budget.copied = self.budget.copied.saturating_sub(bytes);
    }
}
