//! New stages beside those that decide, on records that have gone their way already: what would be different, and what it costs.
//! Nothing of what either wants done is done.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::batch::{Batch, Row, Span, Taken};
use crate::transform::{Applied, Transform};

/// Differences that are kept, as examples for a person.
const DIFFERENCES_MAX: usize = 10;
/// Batches that new stages fail on, until it is clear that they fail.
const FAILURES_MAX: u64 = 10;

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Records that both got.
    pub records: u64,
    /// Those that became of something else.
    pub differing: u64,
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

/// One record of which something else became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: u64,
    /// What became of it.
    pub old: Became,
    /// What becomes of it now.
    pub new: Became,
}

/// What became of one record: nothing at all if it was filtered out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Became {
    /// What goes on.
    pub outputs: Vec<Output>,
    /// Why something of it was refused.
    pub rejected: Vec<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in the form of the plugin contract.
    pub headers: Vec<u8>,
    /// Its route.
    pub route: Option<Vec<u8>>,
    /// Its time, in milliseconds since 1970-01-01 UTC; -1 for none.
    pub timestamp_ms: i64,
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
    let (mut comparison, begun) = (Comparison::default(), Instant::now());
    for taken in taken {
        if begun.elapsed() >= time || comparison.failed >= FAILURES_MAX {
            break;
        }
        let mut batch = taken.batch();
        if pass(before, &mut batch).is_err() {
            comparison.passed_over += 1;
            continue;
        }
        comparison.add(old, new, batch);
    }
    comparison
}

impl Comparison {
    fn add(
        &mut self,
        old: &mut [&mut dyn Transform],
        new: &mut [&mut dyn Transform],
        batch: Batch,
    ) {
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
            if self.differences.len() < DIFFERENCES_MAX {
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

/// What became of one record, where it lies.
struct BecameRef<'a> {
    batch: &'a Batch,
    rows: &'a [Row],
    rejected: &'a [String],
}

impl BecameRef<'_> {
    fn owned(&self) -> Became {
        let outputs = self.rows.iter().map(|row| Output::of(self.batch, row));
        Became {
            outputs: outputs.collect(),
            rejected: self.rejected.to_vec(),
        }
    }
}

impl PartialEq for BecameRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let parts = |row: &Row| [row.value, row.key, row.headers, row.route];
        let same = |(a, b): (&Row, &Row)| {
            let mut spans = parts(a).into_iter().zip(parts(b));
            a.timestamp_ms == b.timestamp_ms
                && spans.all(|(a, b)| self.batch.bytes(a) == other.batch.bytes(b))
        };
        self.rejected == other.rejected
            && self.rows.len() == other.rows.len()
            && self.rows.iter().zip(other.rows).all(same)
    }
}

impl Output {
    fn of(batch: &Batch, row: &Row) -> Self {
        let owned = |span: Span| batch.bytes(span).map(<[u8]>::to_vec);
        Self {
            value: owned(row.value),
            key: owned(row.key),
            headers: owned(row.headers).unwrap_or_default(),
            route: owned(row.route),
            timestamp_ms: row.timestamp_ms,
        }
    }
}

#[cfg(test)]
mod tests;
