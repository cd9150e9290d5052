//! The answer to a batch, grown record by record.

use super::{Answer, Batch, Input};
use crate::effects::Effects;
use crate::fate::{Fate, Output, Part};
use crate::length;
use crate::record::{Draft, Setting, State};

const KEEP: u8 = 0;
const DROP: u8 = 1;
const EMIT: u8 = 2;
const REJECT: u8 = 3;

/// No value, key, headers or route.
const NONE: i32 = -1;
/// The value, key or headers that the record has.
const SAME: i32 = -2;

/// Numbers in one row: record, value, key, headers, route.
const STRIDE: usize = 5;

pub(super) struct AnswerWriter<'b> {
    batch: &'b Batch,
    answer: Answer,
}

impl<'b> AnswerWriter<'b> {
    pub(super) fn new(batch: &'b Batch) -> Self {
        let answer = Answer {
            fates: Vec::with_capacity(batch.value_lengths.len()),
            rows: Vec::new(),
            timestamps: Vec::new(),
            bytes: Vec::new(),
            count_names: Vec::new(),
            counts: Vec::new(),
            logs: Vec::new(),
            words: Vec::new(),
        };
        Self { batch, answer }
    }

    /// The answer, with what was counted and logged.
    pub(super) fn finish(mut self, effects: &mut Effects) -> Answer {
        effects.send(&mut self.answer);
        self.answer
    }

    /// Answers for `input`, the next record.
    #[inline]
    pub(super) fn push(&mut self, input: &Input<'_>, fate: Fate, draft: &Draft) {
        match fate {
            Fate::Keep if draft.is_untouched() => self.answer.fates.push(KEEP),
            fate => self.push_rows(input, fate, draft),
        }
    }

    fn push_rows(&mut self, input: &Input<'_>, fate: Fate, draft: &Draft) {
        let index = length(input.index);
        let code = match fate {
            Fate::Keep => {
                self.edited(index, input, draft);
                EMIT
            }
            Fate::Drop => DROP,
            Fate::Reject(reason) => {
                let reason = self.bytes(reason.as_bytes());
                self.row([index, reason, NONE, NONE, NONE], None);
                REJECT
            }
            Fate::Emit(outputs) if outputs.is_empty() => DROP,
            Fate::Emit(outputs) => {
                for output in &outputs {
                    self.output(index, output);
                }
                EMIT
            }
        };
        self.answer.fates.push(code);
    }

    fn edited(&mut self, index: i32, input: &Input<'_>, draft: &Draft) {
        let value = if draft.value.state == State::Same && !draft.edits.is_empty() {
            self.reserve();
            let start = self.answer.bytes.len();
            draft.splice(input.value.unwrap_or_default(), &mut self.answer.bytes);
            length(self.answer.bytes.len() - start)
        } else {
            self.setting(&draft.value, SAME)
        };
        let key = self.setting(&draft.key, SAME);
        let route = self.setting(&draft.route, NONE);
        self.row([index, value, key, SAME, route], draft.timestamp_ms);
    }

    fn output(&mut self, index: i32, output: &Output) {
        let value = self.part(&output.value);
        let key = self.part(&output.key);
        let headers = self.part(&output.headers);
        let route = output
            .route
            .as_ref()
            .map_or(NONE, |route| self.bytes(route.as_bytes()));
        self.row([index, value, key, headers, route], output.timestamp_ms);
    }

    fn setting(&mut self, setting: &Setting, same: i32) -> i32 {
        match setting.state {
            State::Same => same,
            State::None => NONE,
            State::Bytes => self.bytes(&setting.bytes),
        }
    }

    fn part(&mut self, part: &Part) -> i32 {
        match part {
            Part::Same => SAME,
            Part::None => NONE,
            Part::Bytes(bytes) => self.bytes(bytes),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> i32 {
        self.reserve();
        self.answer.bytes.extend_from_slice(bytes);
        length(bytes.len())
    }

    /// Adds a row, with the time that it was given if it was.
    fn row(&mut self, row: [i32; STRIDE], timestamp_ms: Option<i64>) {
        self.reserve();
        self.answer.rows.extend_from_slice(&row);
        if let Some(timestamp_ms) = timestamp_ms {
            let asked = self.batch.timestamps.len() == self.batch.value_lengths.len();
            assert!(
                asked,
                "the plugin sets times, but its WANTS does not have Metadata::TIMESTAMP"
            );
            self.inherit_times(1);
            self.answer.timestamps.push(timestamp_ms);
        } else if !self.answer.timestamps.is_empty() {
            self.inherit_times(0);
        }
    }

    /// Gives the rows that have no time yet those of their records, but for the last `spared` ones.
    fn inherit_times(&mut self, spared: usize) {
        let known = self.answer.timestamps.len() * STRIDE;
        let end = self.answer.rows.len() - spared * STRIDE;
        for row in self.answer.rows[known..end].chunks_exact(STRIDE) {
            let record = usize::try_from(row[0]).expect("a row has the index of its record");
            self.answer.timestamps.push(self.batch.timestamps[record]);
        }
    }

    /// Makes room for all that is likely to come, when the first byte or row comes: a batch that is kept or dropped
    /// as it is costs none.
    #[inline]
    fn reserve(&mut self) {
        if self.answer.rows.capacity() == 0 {
            let bytes = self.batch.values.len();
            self.answer
                .rows
                .reserve(self.batch.value_lengths.len() * STRIDE);
            self.answer.bytes.reserve(bytes + bytes / 2);
        }
    }
}
