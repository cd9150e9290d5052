//! How many records went where.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one pipeline, added to once per batch.
#[derive(Debug)]
pub struct Counts {
    taken: AtomicU64,
    taken_bytes: AtomicU64,
    dropped: AtomicU64,
    dead: AtomicU64,
    parked: AtomicU64,
    retried: AtomicU64,
    sinks: Vec<(String, AtomicU64)>,
}

/// What [`Counts`] said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Records taken from the source.
    pub taken: u64,
    /// Bytes of their keys, values and headers.
    pub taken_bytes: u64,
    /// Inputs and outputs that a plugin filtered out on purpose.
    pub dropped: u64,
    /// Dead letters stored: one for each record and stage or sink that refused it.
    pub dead: u64,
    /// Letters stored of records whose sink was away: they are to be replayed.
    pub parked: u64,
    /// Records that were sent again.
    pub retried: u64,
    /// Records written, by sink.
    pub written: Vec<(String, u64)>,
}

impl Counts {
    pub(crate) fn new(sinks: impl IntoIterator<Item = String>) -> Self {
        Self {
            taken: AtomicU64::new(0),
            taken_bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            parked: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            sinks: sinks
                .into_iter()
                .map(|name| (name, AtomicU64::new(0)))
                .collect(),
        }
    }

    pub(crate) fn add_taken(&self, records: usize, bytes: usize) {
        add(&self.taken, records);
        add(&self.taken_bytes, bytes);
    }

    pub(crate) fn add_dropped(&self, records: u64) {
        self.dropped.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn add_dead(&self, records: usize) {
        add(&self.dead, records);
    }

    pub(crate) fn add_parked(&self, records: usize) {
        add(&self.parked, records);
    }

    pub(crate) fn add_retried(&self, records: usize) {
        add(&self.retried, records);
    }

    pub(crate) fn add_written(&self, sink: usize, records: usize) {
        add(&self.sinks[sink].1, records);
    }

    /// What they say now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            taken: get(&self.taken),
            taken_bytes: get(&self.taken_bytes),
            dropped: get(&self.dropped),
            dead: get(&self.dead),
            parked: get(&self.parked),
            retried: get(&self.retried),
            written: self
                .sinks
                .iter()
                .map(|(name, count)| (name.clone(), get(count)))
                .collect(),
        }
    }
}

fn add(counter: &AtomicU64, records: usize) {
    counter.fetch_add(records as u64, Ordering::Relaxed);
}
