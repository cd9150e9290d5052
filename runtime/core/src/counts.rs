//! How many records went where.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Names that one stage may count by; what it counts by more of them is counted as one.
const NAMES_MAX: usize = 64;
/// The name of that one, which no stage can give.
pub const OTHER_COUNTS: &str = "_others";

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
    /// By stage, then by the stage's own name.
    stages: Mutex<BTreeMap<String, BTreeMap<String, u64>>>,
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
    /// What stages counted by names of their own, by stage.
    pub counted: BTreeMap<String, BTreeMap<String, u64>>,
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
            stages: Mutex::default(),
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

    /// Adds what `stage` counted over a batch; most count nothing.
    pub(crate) fn add_counted(&self, stage: &str, counted: Vec<(String, u64)>) {
        if counted.is_empty() {
            return;
        }
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let names = stages.entry(stage.to_owned()).or_default();
        for (name, amount) in counted {
            let known = names.len() < NAMES_MAX || names.contains_key(&name);
            let name = if known { name } else { OTHER_COUNTS.to_owned() };
            let sum = names.entry(name).or_default();
            *sum = sum.saturating_add(amount);
        }
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
            counted: self
                .stages
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

fn add(counter: &AtomicU64, records: usize) {
    counter.fetch_add(records as u64, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_stage_are_bounded_and_its_sums_are_whole() {
        let counts = Counts::new([]);
        let count = |names: std::ops::Range<usize>| {
            let counted = names.map(|name| (format!("n{name:03}"), 2)).collect();
            counts.add_counted("level", counted);
        };
        count(0..NAMES_MAX);
        count(10..NAMES_MAX + 10);
        counts.add_counted("other", vec![("n000".into(), 1)]);
        counts.add_counted("silent", vec![]);
        let counted = counts.totals().counted;
        assert_eq!(counted.keys().collect::<Vec<_>>(), ["level", "other"]);
        let level = &counted["level"];
        assert_eq!(level.len(), NAMES_MAX + 1);
        assert_eq!(
            (level["n000"], level["n010"], level[OTHER_COUNTS]),
            (2, 4, 20)
        );
    }
}
