//! What stages made of each record of a batch.

use std::sync::Arc;

use super::Place;
use crate::batch::{Batch, Row, Span};
use crate::numbers::Numbers;
use crate::router::Condition;
use crate::sink::Record;
use crate::transform::{Rejection, Stage};

/// Bytes of a value that are shown.
const VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of a key, of headers and of a route that are shown.
const META_BYTES_MAX: usize = 4 << 10;
/// Outputs of one record that are shown.
const OUTPUTS_MAX: usize = 8;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapFate {
    /// It goes on as it is.
    Keep,
    /// It was filtered out on purpose.
    Drop,
    /// Something else goes on in its place.
    Emit,
    /// It was refused.
    Reject,
}

/// A record in front of a stage and behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tapped {
    /// Where it comes from.
    pub place: Place,
    /// The stage, in the version that decided; none for the whole chain.
    pub stage: Option<Stage>,
    /// What became of it.
    pub fate: TapFate,
    /// Why it was refused.
    pub reasons: Vec<String>,
    /// The record.
    pub before: Part,
    /// What goes on of it.
    pub after: Vec<Part>,
    /// How many more go on that are not shown.
    pub more: usize,
}

/// One record as it was or is, cut where it is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// How many bytes that has when it is not cut.
    pub value_bytes: usize,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in the form of the plugin contract.
    pub headers: Vec<u8>,
    /// Its route.
    pub route: Option<Vec<u8>>,
    /// Its time, in milliseconds since 1970-01-01 UTC; -1 for none.
    pub timestamp_ms: i64,
}

/// What stages made of the rows of a batch.
pub(super) struct Passage<'a> {
    pub(super) stage: Option<&'a Stage>,
    pub(super) batch: &'a Batch,
    /// The rows in front.
    pub(super) before: &'a [Row],
    /// How their outputs are numbered; without it all of an offset come from one.
    pub(super) numbers: Option<&'a Numbers>,
    /// In order of offset.
    pub(super) rejected: &'a [Rejection],
}

/// What they made of one.
pub(super) struct Became<'a> {
    passage: &'a Passage<'a>,
    before: &'a Row,
    after: &'a [Row],
    rejected: &'a [Rejection],
}

impl<'a> Passage<'a> {
    pub(super) fn iter(&'a self) -> impl Iterator<Item = Became<'a>> {
        let (mut after, mut rejected) = (self.batch.rows(), self.rejected);
        self.before.iter().map(move |before| {
            let key = self.key(before.offset, before.number);
            let is_of = |offset, number| self.key(offset, number) == key;
            Became {
                passage: self,
                before,
                after: take_front(&mut after, |row| is_of(row.offset, row.number)),
                rejected: take_front(&mut rejected, |it| is_of(it.offset, it.number)),
            }
        })
    }

    /// The same for a row and all that is made of it.
    fn key(&self, offset: u64, number: u32) -> (u64, u32) {
        let parent = self.numbers.map(|numbers| numbers.parent(offset, number));
        (offset, parent.unwrap_or_default())
    }
}

/// Takes those off the front of `all` of which it `is` so.
fn take_front<'a, T>(all: &mut &'a [T], is: impl Fn(&T) -> bool) -> &'a [T] {
    let count = all.iter().take_while(|it| is(it)).count();
    let (front, rest) = all.split_at(count);
    *all = rest;
    front
}

impl Became<'_> {
    pub(super) fn fate(&self) -> TapFate {
        let parts = |row: &Row| {
            let Row {
                value,
                key,
                headers,
                route,
                timestamp_ms,
                ..
            } = *row;
            (value, key, headers, route, timestamp_ms)
        };
        match self.after {
            _ if !self.rejected.is_empty() => TapFate::Reject,
            [] => TapFate::Drop,
            // What is kept lies where it lay.
            [one] if parts(one) == parts(self.before) => TapFate::Keep,
            _ => TapFate::Emit,
        }
    }

    /// Whether `condition` holds for the record, or for what was made of it.
    pub(super) fn any(&self, condition: &dyn Condition) -> bool {
        let holds = |row| condition.holds(Record::of(self.passage.batch, row));
        holds(self.before) || self.after.iter().any(holds)
    }

    /// Bytes that looking at it touches.
    pub(super) fn bytes(&self) -> usize {
        let all = self.after.iter().chain([self.before]);
        all.filter_map(|row| row.value.len()).sum()
    }

    pub(super) fn owned(&self) -> Tapped {
        let batch = self.passage.batch;
        let after = self.after.iter().take(OUTPUTS_MAX);
        let reasons = self.rejected.iter().take(OUTPUTS_MAX);
        Tapped {
            place: Place {
                partition: Arc::clone(batch.partition()),
                offset: self.before.offset,
                number: self.before.number,
            },
            stage: self.passage.stage.cloned(),
            fate: self.fate(),
            reasons: reasons.map(|it| it.reason.clone()).collect(),
            before: Part::of(batch, self.before),
            after: after.map(|row| Part::of(batch, row)).collect(),
            more: self.after.len().saturating_sub(OUTPUTS_MAX),
        }
    }
}

impl Tapped {
    /// Bytes that were copied for it.
    pub(super) fn bytes(&self) -> usize {
        let reasons: usize = self.reasons.iter().map(String::len).sum();
        let parts = self.after.iter().chain([&self.before]);
        reasons + parts.map(Part::bytes).sum::<usize>()
    }
}

impl Part {
    fn of(batch: &Batch, row: &Row) -> Self {
        let cut = |span: Span, max: usize| {
            let bytes = batch.bytes(span)?;
            Some(bytes[..bytes.len().min(max)].to_vec())
        };
        Self {
            value: cut(row.value, VALUE_BYTES_MAX),
            value_bytes: row.value.len().unwrap_or_default(),
            key: cut(row.key, META_BYTES_MAX),
            headers: cut(row.headers, META_BYTES_MAX).unwrap_or_default(),
            route: cut(row.route, META_BYTES_MAX),
            timestamp_ms: row.timestamp_ms,
        }
    }

    fn bytes(&self) -> usize {
        let lens = [&self.value, &self.key, &self.route];
        let lens = lens.into_iter().flatten().map(Vec::len);
        lens.sum::<usize>() + self.headers.len()
    }
}
