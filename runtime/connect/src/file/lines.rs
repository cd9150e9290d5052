//! Cuts blocks of bytes into lines, and lays the lines into batches.
//!
//! A line ends with a line feed, or with the input; one carriage return before its line feed is not part of it. An empty line
//! is a record with an empty value. The offset of a record is the byte where its line starts, so a line has the same
//! offset however the input is split: a split starts one byte early and skips to the first line feed, and the split
//! in which a line starts reads it to its end.

use std::sync::Arc;

use memchr::{memchr, memchr_iter};
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;

use crate::source::BatchLimits;

/// A line beyond this is no line of a log but a file of another kind.
const LINE_BYTES_MAX: usize = 256 << 20;

/// A line that is too long to be a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line at byte {offset} is longer than {bytes_max} bytes")]
pub(crate) struct LineTooLong {
    offset: u64,
    bytes_max: usize,
}

/// The lines of one partition, taken from one block after the other.
#[derive(Debug)]
pub(crate) struct Lines {
    partition: Arc<Partition>,
    limits: BatchLimits,
    line_bytes_max: usize,
    batch: BatchBuilder,
    /// Where the next byte of input lies.
    position: u64,
    /// The beginning of a line whose end is not there yet.
    carry: Vec<u8>,
    /// Whether the input begins within a line of the split before.
    skips: bool,
    /// Lines that start here or behind belong to the next split.
    until: u64,
}

impl Lines {
    /// The lines that start in `[start, until)` of an input that begins at [`Lines::position`].
    pub(crate) fn new(
        partition: Arc<Partition>,
        limits: BatchLimits,
        start: u64,
        until: u64,
    ) -> Self {
        Self {
            batch: BatchBuilder::new(Arc::clone(&partition), 0, 0),
            partition,
            limits,
            line_bytes_max: LINE_BYTES_MAX,
            position: start.saturating_sub(1),
            carry: Vec::new(),
            skips: start > 0,
            until,
        }
    }

    /// Which byte of the input has to come next.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether all further lines belong to the next split.
    pub(crate) fn is_complete(&self) -> bool {
        !self.skips && self.line_start() >= self.until
    }

    /// Takes lines from the front of `block`: a batch each time one is full, `None` once `block` is used up.
    pub(crate) fn take(&mut self, block: &mut &[u8]) -> Result<Option<Batch>, LineTooLong> {
        if self.skips {
            let end = memchr(b'\n', block);
            self.advance(block, end.map_or(block.len(), |end| end + 1));
            self.skips = end.is_none();
        }
        if block.is_empty() {
            return Ok(None);
        }
        if self.fill(block) {
            return Ok(self.flush());
        }
        if !self.is_complete() {
            let rest = block.len();
            if self.carry.len() + rest > self.line_bytes_max {
                let (offset, bytes_max) = (self.line_start(), self.line_bytes_max);
                return Err(LineTooLong { offset, bytes_max });
            }
            self.carry.extend_from_slice(block);
            self.advance(block, rest);
        }
        *block = &[];
        Ok(None)
    }

    /// The batch that was begun, if any: its input may be long in coming.
    pub(crate) fn flush(&mut self) -> Option<Batch> {
        if self.batch.is_empty() {
            return None;
        }
        // The next batch will probably need what this one did.
        let bytes = self.batch.bytes() + self.batch.bytes() / 8;
        let bytes = bytes.min(self.limits.bytes_max);
        let next = BatchBuilder::new(Arc::clone(&self.partition), self.batch.len(), bytes);
        Some(std::mem::replace(&mut self.batch, next).finish(self.line_start()))
    }

    /// What is left at the end of the input, a last line without a line feed too; to be called until `None`.
    pub(crate) fn finish(&mut self) -> Option<Batch> {
        if !self.carry.is_empty() && self.has_room(self.carry.len()) {
            let (offset, line) = (self.line_start(), std::mem::take(&mut self.carry));
            self.push(offset, &line);
        }
        self.flush()
    }

    /// Takes the lines that end in `block`, until the next one has no room in the batch: then returns `true`.
    fn fill(&mut self, block: &mut &[u8]) -> bool {
        if !self.carry.is_empty() {
            let Some(end) = memchr(b'\n', block) else {
                return false;
            };
            if !self.has_room(self.carry.len() + end) {
                return true;
            }
            let (offset, mut line) = (self.line_start(), std::mem::take(&mut self.carry));
            line.extend_from_slice(&block[..end]);
            self.push(offset, strip(&line));
            self.advance(block, end + 1);
        }
        let (lines, base) = (*block, self.position);
        let (mut used, mut full) = (0, false);
        for end in memchr_iter(b'\n', lines) {
            let offset = base + used as u64;
            full = !self.has_room(end - used);
            if full || offset >= self.until {
                break;
            }
            self.push(offset, strip(&lines[used..end]));
            used = end + 1;
        }
        self.advance(block, used);
        full
    }

    fn line_start(&self) -> u64 {
        self.position - self.carry.len() as u64
    }

    fn advance(&mut self, block: &mut &[u8], bytes: usize) {
        self.position += bytes as u64;
        *block = &block[bytes..];
    }

    fn has_room(&self, line: usize) -> bool {
        let BatchLimits {
            records_max,
            bytes_max,
        } = self.limits;
        let fits = self.batch.len() < records_max && self.batch.bytes() + line <= bytes_max;
        fits || self.batch.is_empty()
    }

    fn push(&mut self, offset: u64, line: &[u8]) {
        self.batch.push(offset, -1, None, Some(line), &[]);
    }
}

/// Without the carriage return that some systems put before a line feed.
fn strip(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests;
