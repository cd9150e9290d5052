//! Records of one partition, laid end to end, on their way from a source to the sinks.

use std::sync::Arc;

use bytes::Bytes;

use crate::id::{OffsetRange, Partition, RecordId};
use crate::numbers::Numbers;
use crate::room::Share;
use crate::stamp::Stamp;

/// Which bytes of which buffer of a [`Batch`]; or none, which is not the same as empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    buffer: u32,
    start: u32,
    len: i32,
}

impl Span {
    /// No bytes at all: no key, a tombstone, no route.
    pub const NONE: Self = Self {
        buffer: 0,
        start: 0,
        len: -1,
    };

    /// `len` bytes of `buffer` from `start` on.
    ///
    /// # Panics
    /// Where a buffer is longer than 2 GiB: sources and plugins are bounded far below.
    #[must_use]
    pub fn new(buffer: usize, start: usize, len: usize) -> Self {
        let narrow = "buffers are bounded far below 2 GiB";
        Self {
            buffer: u32::try_from(buffer).expect(narrow),
            start: u32::try_from(start).expect(narrow),
            len: i32::try_from(len).expect(narrow),
        }
    }

    /// Bytes in it; `None` for no bytes at all.
    #[must_use]
    pub fn len(self) -> Option<usize> {
        usize::try_from(self.len).ok()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.len < 0
    }

    /// Whether this is a span of no length that is there.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The length as the plugin contract has it: -1 for none.
    #[must_use]
    pub fn wire_len(self) -> i32 {
        self.len
    }

    /// Index of the buffer, and first byte in it.
    #[must_use]
    pub fn place(self) -> (usize, usize) {
        (self.buffer as usize, self.start as usize)
    }
}

/// One record of a batch: where its parts lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Offset of the input that it comes from.
    pub offset: u64,
    /// Milliseconds since 1970-01-01 UTC; -1 for none.
    pub timestamp_ms: i64,
    /// Tells the outputs of one input apart; see [`Numbers`].
    pub number: u32,
    /// The value; none for a tombstone.
    pub value: Span,
    /// The key.
    pub key: Span,
    /// The headers, in the form of the plugin contract; none and empty are the same.
    pub headers: Span,
    /// The route that a plugin gave.
    pub route: Span,
}

/// Records of one partition, derived from one offset range.
///
/// Filtering can empty `rows` but never shrinks `range`, so the checkpoint still advances. Buffer 0 has the
/// values as the source gave them, end to end, buffer 1 its keys and headers; each plugin that makes bytes adds one.
#[derive(Debug)]
pub struct Batch {
    partition: Arc<Partition>,
    range: OffsetRange,
    buffers: Vec<Bytes>,
    originals: Arc<[Row]>,
    rows: Vec<Row>,
    /// Bytes that the rows point at.
    live_bytes: u64,
    numbers: Numbers,
    /// Who decided it.
    stamp: Stamp,
    room: Option<Share>,
}

impl Batch {
    /// Where the records come from.
    #[must_use]
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// The plugins that made its rows what they are; of none before that.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Says who made its rows what they are.
    pub(crate) fn set_stamp(&mut self, stamp: Stamp) {
        self.stamp = stamp;
    }

    /// The offsets that this batch answers for, whatever is left of its rows.
    #[must_use]
    pub fn range(&self) -> OffsetRange {
        self.range
    }

    /// The records that are left, in order of offset; those of one offset as the plugins made them.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The bytes of `span`; `None` for none.
    #[must_use]
    pub fn bytes(&self, span: Span) -> Option<&[u8]> {
        let len = span.len()?;
        let (buffer, start) = span.place();
        Some(&self.buffers[buffer][start..start + len])
    }

    /// The buffer with this index.
    #[must_use]
    pub fn buffer(&self, index: usize) -> &Bytes {
        &self.buffers[index]
    }

    /// Index of the next buffer that [`Batch::replace`] would add.
    #[must_use]
    pub fn next_buffer(&self) -> usize {
        self.buffers.len()
    }

    /// Puts `rows` in the place of the present ones, with one more buffer that they may point into.
    pub fn replace(&mut self, rows: Vec<Row>, buffer: Option<Bytes>) {
        self.numbers.note(&rows);
        self.live_bytes = rows.iter().map(row_bytes).sum();
        self.rows = rows;
        self.buffers.extend(buffer);
    }

    /// How to number what is made of its rows.
    #[must_use]
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The record as the source gave it, from which the outputs at `offset` come.
    #[must_use]
    pub fn original(&self, offset: u64) -> Option<&Row> {
        let index = self
            .originals
            .binary_search_by_key(&offset, |row| row.offset)
            .ok()?;
        Some(&self.originals[index])
    }

    /// The records as the source gave them.
    pub(crate) fn originals(&self) -> &[Row] {
        &self.originals
    }

    /// How many records the source gave.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.originals.len()
    }

    /// The id of one of its rows.
    #[must_use]
    pub fn id(&self, row: &Row) -> RecordId<'_> {
        RecordId {
            partition: &self.partition,
            offset: row.offset,
            number: row.number,
        }
    }

    /// Bytes of value, key and headers of the row with this index.
    #[must_use]
    pub fn row_bytes(&self, index: u32) -> usize {
        usize::try_from(row_bytes(&self.rows[index as usize])).expect("it is in memory")
    }

    /// Bytes of value, key and headers of all its rows.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Bytes of the keys, values and headers in its buffers.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffers.iter().map(Bytes::len).sum()
    }

    /// Bytes of memory that it holds, for the limit on what is in flight.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.buffered() + self.originals.len() * size_of::<Row>()
    }

    /// The records as the source gave them, whatever became of them here; none of their bytes are copied.
    #[must_use]
    pub fn taken_again(&self) -> Taken {
        Taken {
            partition: Arc::clone(&self.partition),
            range: self.range,
            buffers: [self.buffers[VALUES].clone(), self.buffers[META].clone()],
            originals: Arc::clone(&self.originals),
        }
    }

    /// The same records once more, with no share of the limit on what is in flight.
    pub(crate) fn fork(&self) -> Self {
        Self {
            partition: Arc::clone(&self.partition),
            range: self.range,
            buffers: self.buffers.clone(),
            originals: Arc::clone(&self.originals),
            rows: self.rows.clone(),
            live_bytes: self.live_bytes,
            numbers: self.numbers.clone(),
            stamp: self.stamp.clone(),
            room: None,
        }
    }

    /// Puts what `other`, which was a fork of it, has become in the place of what this has.
    pub(crate) fn become_as(&mut self, other: Self) {
        let room = self.room.take();
        *self = Self { room, ..other };
    }

    /// What is left of it now, to go back to.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            rows: self.rows.clone(),
            live_bytes: self.live_bytes,
            numbers: self.numbers.clone(),
            buffers: self.buffers.len(),
        }
    }

    /// Undoes all that was done since `mark`.
    pub(crate) fn go_back(&mut self, mark: &Mark) {
        self.rows.clone_from(&mark.rows);
        self.live_bytes = mark.live_bytes;
        self.numbers.clone_from(&mark.numbers);
        self.buffers.truncate(mark.buffers);
    }

    /// Ties a share of the limit on what is in flight to the life of this batch.
    pub(crate) fn hold(&mut self, room: Share) {
        self.room = Some(room);
    }
}

/// Bytes of value, key and headers of `row`.
fn row_bytes(row: &Row) -> u64 {
    let spans = [row.value, row.key, row.headers];
    spans.into_iter().filter_map(Span::len).sum::<usize>() as u64
}

/// The records of a batch as the source gave them. Holds no share of the limit on what is in flight.
#[derive(Debug, Clone)]
pub struct Taken {
    partition: Arc<Partition>,
    range: OffsetRange,
    buffers: [Bytes; 2],
    originals: Arc<[Row]>,
}

impl Taken {
    /// A batch of them that no plugin has seen.
    #[must_use]
    pub fn batch(&self) -> Batch {
        Batch {
            partition: Arc::clone(&self.partition),
            range: self.range,
            buffers: self.buffers.to_vec(),
            originals: Arc::clone(&self.originals),
            rows: self.originals.to_vec(),
            live_bytes: self.buffers.iter().map(|it| it.len() as u64).sum(),
            numbers: Numbers::default(),
            stamp: Stamp::default(),
            room: None,
        }
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        let buffered: usize = self.buffers.iter().map(Bytes::len).sum();
        buffered + self.originals.len() * size_of::<Row>()
    }
}

/// What was left of a batch at some point of its way.
pub(crate) struct Mark {
    rows: Vec<Row>,
    live_bytes: u64,
    numbers: Numbers,
    buffers: usize,
}

impl Mark {
    /// The rows that there were.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How what is made of them is numbered.
    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}

/// Lays records end to end until they are a batch.
#[derive(Debug)]
pub struct BatchBuilder {
    partition: Arc<Partition>,
    values: Vec<u8>,
    meta: Vec<u8>,
    rows: Vec<Row>,
}

impl BatchBuilder {
    /// An empty batch of `partition` with room for `records` records of `bytes` bytes together.
    #[must_use]
    pub fn new(partition: Arc<Partition>, records: usize, bytes: usize) -> Self {
        Self {
            partition,
            values: Vec::with_capacity(bytes),
            meta: Vec::new(),
            rows: Vec::with_capacity(records),
        }
    }

    /// Adds a record behind the last one. `headers` are in the form of the plugin contract.
    ///
    /// # Panics
    /// Where `offset` is below that of the record before: a source hands records out in order.
    pub fn push(
        &mut self,
        offset: u64,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[u8],
    ) {
        assert!(
            self.rows.last().is_none_or(|last| last.offset <= offset),
            "offsets never fall"
        );
        let value = append(&mut self.values, VALUES, value);
        let key = append(&mut self.meta, META, key);
        let headers = append(
            &mut self.meta,
            META,
            (!headers.is_empty()).then_some(headers),
        );
        let route = Span::NONE;
        self.rows.push(Row {
            offset,
            timestamp_ms,
            number: 0,
            value,
            key,
            headers,
            route,
        });
    }

    /// Gives the last record another output number than 0.
    pub(crate) fn number_last(&mut self, number: u32) {
        self.rows.last_mut().expect("a record was pushed").number = number;
    }

    /// How many records are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of keys, values and headers in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.len() + self.meta.len()
    }

    /// The batch, which answers for the offsets from its first record to `next` (the offset behind its last one).
    ///
    /// # Panics
    /// Where it is empty, or `next` lies before its last record.
    #[must_use]
    pub fn finish(self, next: u64) -> Batch {
        let first = self.rows.first().expect("a batch has a record").offset;
        let last = self.rows.last().expect("a batch has a record").offset;
        assert!(last < next, "a range holds its last record");
        Batch {
            partition: self.partition,
            range: OffsetRange { start: first, next },
            live_bytes: (self.values.len() + self.meta.len()) as u64,
            buffers: vec![self.values.into(), self.meta.into()],
            originals: self.rows.as_slice().into(),
            rows: self.rows,
            numbers: Numbers::default(),
            stamp: Stamp::default(),
            room: None,
        }
    }
}

/// The buffer that holds the values of a source.
pub const VALUES: usize = 0;
/// The buffer that holds the keys and headers of a source.
pub const META: usize = 1;

fn append(buffer: &mut Vec<u8>, index: usize, bytes: Option<&[u8]>) -> Span {
    let Some(bytes) = bytes else {
        return Span::NONE;
    };
    let start = buffer.len();
    buffer.extend_from_slice(bytes);
    Span::new(index, start, bytes.len())
}
