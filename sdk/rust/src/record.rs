//! A record as a plugin sees it, and what the plugin sets on it.

use serde::Deserialize;

use crate::batch::Input;
use crate::effects::{Effects, LogLevel};
use crate::headers::Headers;
use crate::json::{Edits, Index, Json, JsonError, JsonMut};
use crate::plugin::Metadata;

/// One record, on its way through a plugin.
///
/// What is read is the record as the plugin got it; what is set shows in what goes on, if its fate is
/// [`Fate::Keep`](crate::Fate::Keep).
#[derive(Debug)]
pub struct Record<'b> {
    input: Input<'b>,
    draft: &'b mut Draft,
}

/// What is known and set of the present record. Kept from record to record for its memory.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    index: Index,
    indexed: bool,
    pub(crate) edits: Edits,
    pub(crate) value: Setting,
    pub(crate) key: Setting,
    pub(crate) route: Setting,
    pub(crate) timestamp_ms: Option<i64>,
    /// Whether any of these may have been set or edited: most records of most plugins pass as they are.
    touched: bool,
    /// Of all records of the batch.
    pub(crate) effects: Effects,
}

/// A part of a record that can be set.
#[derive(Debug, Default)]
pub(crate) struct Setting {
    pub(crate) state: State,
    pub(crate) bytes: Vec<u8>,
}

/// What a part of a record was set to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Same,
    None,
    Bytes,
}

impl<'b> Record<'b> {
    #[inline]
    pub(crate) fn new(input: Input<'b>, draft: &'b mut Draft) -> Self {
        draft.clear();
        Self { input, draft }
    }

    /// The value; `None` for a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&'b [u8]> {
        self.input.value
    }

    /// The key.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::KEY`].
    #[must_use]
    #[track_caller]
    pub fn key(&self) -> Option<&'b [u8]> {
        self.asked(Metadata::KEY, "KEY");
        self.input.key
    }

    /// The headers, each with its name and its value.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::HEADERS`].
    #[must_use]
    #[track_caller]
    pub fn headers(&self) -> Headers<'b> {
        self.asked(Metadata::HEADERS, "HEADERS");
        Headers::new(self.input.headers)
    }

    /// The record's time, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::TIMESTAMP`].
    #[must_use]
    #[track_caller]
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.asked(Metadata::TIMESTAMP, "TIMESTAMP");
        Some(self.input.batch.timestamps[self.input.index]).filter(|&time| time != -1)
    }

    /// The name that the source was given.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn source(&self) -> &'b str {
        self.asked(Metadata::POSITION, "POSITION");
        &self.input.batch.source
    }

    /// The topic; for a file its path.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn topic(&self) -> &'b str {
        self.asked(Metadata::POSITION, "POSITION");
        &self.input.batch.topic
    }

    /// The partition.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn partition(&self) -> i32 {
        self.asked(Metadata::POSITION, "POSITION");
        self.input.batch.partition
    }

    /// The offset; for a file the byte where its line starts.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn offset(&self) -> u64 {
        self.asked(Metadata::POSITION, "POSITION");
        self.input.batch.offsets[self.input.index]
    }

    /// The output number: 0, unless an earlier plugin made several of one.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn number(&self) -> u32 {
        self.asked(Metadata::POSITION, "POSITION");
        self.input.batch.numbers[self.input.index]
    }

    /// A hash of the record's id: evenly spread, and the same on every replay and in every version.
    ///
    /// It is FNV-1a (64 bits) of the text `source/topic/partition/offset/number`, then the finaliser of splitmix64.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn id_hash(&self) -> u64 {
        self.input.prefix.hash(self.offset(), self.number())
    }

    /// Whether it is in the sample that has this share, from 0 to 1, of all records: by [`Record::id_hash`], so a
    /// replay has the same sample, and a larger share has all that a smaller one has.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::POSITION`].
    #[must_use]
    #[track_caller]
    pub fn is_sampled(&self, share: f64) -> bool {
        // A float counts up to 2^53 exactly.
        let drawn = (self.id_hash() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < share
    }

    /// The value read as JSON, lazily. What is no JSON, and a tombstone, has nothing in it.
    pub fn json(&mut self) -> Json<'_, 'b> {
        let bytes = self.input.value.unwrap_or_default();
        Json::new(bytes, self.draft.index(bytes))
    }

    /// The value read as JSON, lazily, once it is known to be valid.
    ///
    /// # Errors
    /// Where serde_json would refuse the value; a tombstone is refused.
    pub fn json_checked(&mut self) -> Result<Json<'_, 'b>, JsonError> {
        let bytes = self.input.value.unwrap_or_default();
        let index = self.draft.index(bytes);
        match index.fault(bytes) {
            Some(error) => Err(error),
            None => Ok(Json::new(bytes, index)),
        }
    }

    /// The value, to be edited as JSON.
    pub fn json_mut(&mut self) -> JsonMut<'_> {
        let bytes = self.input.value.unwrap_or_default();
        self.draft.index(bytes);
        self.draft.touched = true;
        let replaced = self.draft.value.state != State::Same;
        JsonMut::new(
            bytes,
            &mut self.draft.index,
            &mut self.draft.edits,
            replaced,
        )
    }

    /// The value as serde_json reads it into a `T`.
    ///
    /// # Errors
    /// Where it is no `T`; a tombstone is none.
    pub fn parse<T: Deserialize<'b>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.input.value.unwrap_or_default())
    }

    /// Sets the value as a whole. What was edited on it does not count any more.
    pub fn set_value(&mut self, value: &[u8]) {
        self.draft.touched = true;
        self.draft.value.set(value);
    }

    /// Makes it a tombstone.
    pub fn set_tombstone(&mut self) {
        self.draft.touched = true;
        self.draft.value.state = State::None;
    }

    /// Sets the key.
    pub fn set_key(&mut self, key: &[u8]) {
        self.draft.touched = true;
        self.draft.key.set(key);
    }

    /// Sets its time, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Panics
    /// Where the plugin does not want [`Metadata::TIMESTAMP`].
    #[track_caller]
    pub fn set_timestamp_ms(&mut self, timestamp_ms: i64) {
        self.asked(Metadata::TIMESTAMP, "TIMESTAMP");
        self.draft.touched = true;
        self.draft.timestamp_ms = Some(timestamp_ms);
    }

    /// Sends it to the sinks that take this route.
    pub fn route(&mut self, route: &str) {
        self.draft.touched = true;
        self.draft.route.set(route.as_bytes());
    }

    /// Adds `amount` to what the plugin counts by `name`, which has 1 to 64 of `a-z`, `0-9` and `_`; Tamis sums it up and shows it. It
    /// counts whatever the record's fate is, but not if the plugin panics on a record of the batch: then the others are
    /// processed, and counted, once more.
    ///
    /// # Panics
    /// Where `name` is not such a name. In one batch 64 of them are the most.
    #[track_caller]
    pub fn count(&mut self, name: &str, amount: u64) {
        self.draft.effects.count(name, amount);
    }

    /// Writes a line about this record to the log of Tamis, at most 1,024 bytes. A plugin may log some ten lines a second; what is
    /// more is but counted.
    pub fn log(&mut self, level: LogLevel, line: &str) {
        self.draft.effects.log(level, self.input.index, line);
    }

    /// A panic that names the line of the plugin.
    #[track_caller]
    fn asked(&self, metadata: Metadata, name: &str) {
        let asked = self.input.wants.contains(metadata);
        assert!(
            asked,
            "the plugin uses metadata that its WANTS does not have: Metadata::{name}"
        );
    }
}

impl Draft {
    #[inline]
    fn clear(&mut self) {
        self.indexed = false;
        if self.touched {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.touched = false;
        self.edits.clear();
        self.timestamp_ms = None;
        for setting in [&mut self.value, &mut self.key, &mut self.route] {
            setting.state = State::Same;
        }
    }

    /// Whether nothing was set or edited.
    #[inline]
    pub(crate) fn is_untouched(&self) -> bool {
        !self.touched || self.is_as_it_was()
    }

    fn is_as_it_was(&self) -> bool {
        let settings = [&self.value, &self.key, &self.route];
        self.edits.is_empty()
            && self.timestamp_ms.is_none()
            && settings.iter().all(|setting| setting.state == State::Same)
    }

    /// Writes the edited value of a record, `bytes` before, behind `out`.
    pub(crate) fn splice(&self, bytes: &[u8], out: &mut Vec<u8>) {
        self.edits.splice(bytes, &self.index, out);
    }

    #[inline]
    fn index(&mut self, bytes: &[u8]) -> &Index {
        if !self.indexed {
            self.index.read(bytes);
            self.indexed = true;
        }
        &self.index
    }
}

impl Setting {
    fn set(&mut self, bytes: &[u8]) {
        self.state = State::Bytes;
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }
}
