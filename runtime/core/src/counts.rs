//! How many records went where.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chain::Done;
use crate::gauges::Gauges;
use crate::transform::{Rejection, Stage, Why};

/// Names that one stage may count by; what it counts by more of them is counted as one.
const NAMES_MAX: usize = 64;
/// Versions of one stage that are counted by themselves.
const VERSIONS_MAX: usize = 64;
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
    /// By the name of the stage, then by its version.
    stages: Mutex<BTreeMap<String, BTreeMap<String, StageTotals>>>,
    /// By the name of the stage and the kind of reason.
    refused: Mutex<BTreeMap<(String, Why), u64>>,
    gauges: Gauges,
}

/// What one version of a stage did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageTotals {
    /// Records that it got.
    pub records: u64,
    /// Bytes of their keys, values and headers.
    pub bytes: u64,
    /// Records that went on.
    pub records_out: u64,
    /// Bytes of their keys, values and headers.
    pub bytes_out: u64,
    /// Those of them that it made.
    pub emitted: u64,
    /// Those that it filtered out on purpose.
    pub dropped: u64,
    /// Those that it refused.
    pub rejected: u64,
    /// Nanoseconds that it took, all lanes together.
    pub nanos: u64,
    /// What it counted by names of its own.
    pub counted: BTreeMap<String, u64>,
    /// Bytes of memory of its instance, for each lane whose last batch it decided.
    pub memory_bytes: BTreeMap<usize, u64>,
}

/// What [`Counts`] said at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Records that a store asked for once more, one by one; those of requests that failed as a whole are not counted.
    pub retried: u64,
    /// Records written, by sink.
    pub written: Vec<(String, u64)>,
    /// What stages did: by the name of the stage, then by its version.
    pub stages: BTreeMap<String, BTreeMap<String, StageTotals>>,
    /// Records that were refused, by the name of the stage and the kind of reason.
    pub refused: BTreeMap<(String, Why), u64>,
}

impl Counts {
    pub(crate) fn new(sinks: impl IntoIterator<Item = String>, lanes: usize) -> Self {
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
            refused: Mutex::default(),
            gauges: Gauges::new(lanes),
        }
    }

    /// What goes on right now.
    pub(crate) fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    pub(crate) fn add_taken(&self, records: usize, bytes: usize) {
        add(&self.taken, records);
        add(&self.taken_bytes, bytes);
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

    /// Adds what the stage with this name refused.
    pub(crate) fn add_refused(&self, stage: &str, why: Why, records: usize) {
        let mut refused = lock(&self.refused);
        *refused.entry((stage.to_owned(), why)).or_default() += records as u64;
    }

    /// Adds what the stage with this name refused of one batch.
    pub(crate) fn add_rejections(&self, stage: &str, rejections: &[Rejection]) {
        for alike in rejections.chunk_by(|a, b| a.why == b.why) {
            self.add_refused(stage, alike[0].why, alike.len());
        }
    }

    /// Adds what `stage` did with a batch of this lane, and takes what it counted.
    pub(crate) fn add_stage(&self, lane: usize, stage: &Stage, done: &mut Done) {
        self.dropped
            .fetch_add(done.applied.dropped, Ordering::Relaxed);
        let mut stages = lock(&self.stages);
        let totals = of_version(&mut stages, lane, stage);
        totals.memory_bytes.insert(lane, done.applied.memory_bytes);
        totals.records += done.records as u64;
        totals.bytes += done.bytes;
        totals.records_out += done.records_out as u64;
        totals.bytes_out += done.bytes_out;
        totals.emitted += done.applied.emitted;
        totals.dropped += done.applied.dropped;
        totals.rejected += done.applied.rejected.len() as u64;
        totals.nanos = totals.nanos.saturating_add(done.nanos);
        for (name, amount) in done.applied.counted.drain(..) {
            let names = &mut totals.counted;
            let known = names.len() < NAMES_MAX || names.contains_key(&name);
            let name = if known { name } else { OTHER_COUNTS.to_owned() };
            let sum = names.entry(name).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    /// Forgets what this lane has of stages by other names than `names`, which are all that it goes on with.
    pub(crate) fn goes_on_with(&self, lane: usize, names: &[&str]) {
        let mut stages = lock(&self.stages);
        let gone = stages
            .iter_mut()
            .filter(|(name, _)| !names.contains(&name.as_str()));
        for totals in gone.flat_map(|(_, versions)| versions.values_mut()) {
            totals.memory_bytes.remove(&lane);
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
            stages: lock(&self.stages).clone(),
            refused: lock(&self.refused).clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The totals of `stage`, which now decides what comes on this lane; those of versions beyond the limit are one.
fn of_version<'a>(
    stages: &'a mut BTreeMap<String, BTreeMap<String, StageTotals>>,
    lane: usize,
    stage: &Stage,
) -> &'a mut StageTotals {
    // Nothing is allocated for one that is known, and all but the first batch of a version are of one.
    if !stages.contains_key(&stage.name) {
        stages.insert(stage.name.clone(), BTreeMap::new());
    }
    let versions = stages.get_mut(&stage.name).expect("it is there by now");
    for (version, totals) in &mut *versions {
        if *version != stage.version {
            totals.memory_bytes.remove(&lane);
        }
    }
    if !versions.contains_key(&stage.version) && versions.len() >= VERSIONS_MAX {
        return versions.entry(OTHER_COUNTS.to_owned()).or_default();
    }
    if !versions.contains_key(&stage.version) {
        versions.insert(stage.version.clone(), StageTotals::default());
    }
    versions
        .get_mut(&stage.version)
        .expect("it is there by now")
}

fn add(counter: &AtomicU64, records: usize) {
    counter.fetch_add(records as u64, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, version: &str) -> Stage {
        Stage {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn the_names_of_a_stage_are_bounded_and_its_sums_are_whole() {
        let counts = Counts::new([], 1);
        let count = |name: &str, counted: Vec<(String, u64)>| {
            let mut done = Done::of(1, 0, 0);
            done.applied.counted = counted;
            counts.add_stage(0, &stage(name, "1"), &mut done);
        };
        let names = |names: std::ops::Range<usize>| {
            let counted = names.map(|name| (format!("n{name:03}"), 2)).collect();
            count("level", counted);
        };
        names(0..NAMES_MAX);
        names(10..NAMES_MAX + 10);
        count("other", vec![("n000".into(), 1)]);
        let stages = counts.totals().stages;
        assert_eq!(stages.keys().collect::<Vec<_>>(), ["level", "other"]);
        let level = &stages["level"]["1"].counted;
        assert_eq!(level.len(), NAMES_MAX + 1);
        assert_eq!(
            (level["n000"], level["n010"], level[OTHER_COUNTS]),
            (2, 4, 20)
        );
    }

    #[test]
    fn a_stage_that_a_lane_has_no_longer_has_no_memory_there() {
        let counts = Counts::new([], 2);
        for (lane, name) in [(0, "level"), (1, "level"), (0, "mask")] {
            let mut done = Done::of(1, 0, 0);
            done.applied.memory_bytes = 10;
            counts.add_stage(lane, &stage(name, "1"), &mut done);
        }
        let has = || {
            let stages = counts.totals().stages;
            let lanes = |name: &str| stages[name]["1"].memory_bytes.keys().copied().collect();
            let (level, mask): (Vec<_>, Vec<_>) = (lanes("level"), lanes("mask"));
            (level, mask)
        };
        counts.goes_on_with(0, &["parse", "mask"]);
        assert_eq!(has(), (vec![1], vec![0]));
        counts.goes_on_with(0, &[]);
        assert_eq!(has(), (vec![1], vec![]));
    }

    #[test]
    fn each_version_of_a_stage_is_counted_by_itself_up_to_a_limit() {
        let counts = Counts::new([], 1);
        for version in 0..VERSIONS_MAX + 3 {
            let stage = stage("level", &version.to_string());
            counts.add_stage(0, &stage, &mut Done::of(10, 2, 1));
            counts.add_stage(0, &stage, &mut Done::of(5, 0, 0));
        }
        let totals = counts.totals();
        let versions = &totals.stages["level"];
        assert_eq!(versions.len(), VERSIONS_MAX + 1);
        let of = |version: &str| {
            let StageTotals {
                records,
                dropped,
                rejected,
                ..
            } = versions[version];
            (records, dropped, rejected)
        };
        assert_eq!((of("0"), of(OTHER_COUNTS)), ((15, 2, 1), (45, 6, 3)));
        assert_eq!(totals.dropped, 2 * (VERSIONS_MAX as u64 + 3));
    }
}
