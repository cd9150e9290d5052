//! Where records go. The writer around a sink batches, retries, dead-letters and settles; a sink only encodes and sends.

use std::sync::Arc;

use async_trait::async_trait;

use crate::batch::{Batch, Row};
use crate::id::{OffsetRange, Partition, RecordId};
use crate::stamp::Stamp;

/// Any error of a client library.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store that takes each record by its id, so that a repeat changes nothing.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Writes `records`, keyed by [`RecordId`].
    ///
    /// Returns one verdict per record, in order. `Err` says nothing about any record.
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError>;
}

/// Writes whole runs: one offset range of one partition, over all the files that its records go to.
///
/// There is one for each lane, so that records of a partition arrive in order and alone. What it staged is seen once its end
/// is committed; that is the work of the [`RunStore`].
#[async_trait]
pub trait RunSink: Send {
    /// Adds `records`, all of one partition, to its open run.
    ///
    /// Returns one verdict per record, in order; written means that it will be seen when the run is.
    /// `Err` says that none of them was taken.
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError>;

    /// Ends the open run of `partition`, which answers for `range`, and makes it safe, but not yet seen. Returns what its store
    /// has to show once its end is committed; `None` where the commit itself is what makes it seen.
    ///
    /// After `Err` the same call may be made again.
    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<Option<StagedRun>, SinkError>;

    /// Forgets the open run of `partition`, and what it wrote: the partition is another member's now.
    async fn abandon(&mut self, partition: &Partition);
}

/// The store of a [`RunSink`], shared by all members of a group: what one of them staged, another one can show.
///
/// A member may be told late that a partition is another's, so all of this can be asked for by one that no longer has it.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Makes a staged run of `partition` seen, whose end is committed; a second time changes nothing, until the run is discarded.
    ///
    /// `Gone` where there is nothing of the run: an owner leaves a trace of it for as long as a commit names it.
    async fn reveal(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError>;

    /// What there is of `partition`, shown or not, whoever it is of: open runs, too.
    async fn staged(&self, partition: &Partition) -> Result<Vec<StagedRun>, SinkError>;

    /// Throws away what there is of a run that no commit names, or of one that is seen; a second time changes nothing.
    async fn discard(&self, partition: &Partition, run: &StagedRun) -> Result<(), SinkError>;
}

/// The name under which a store knows a run that was made safe: without a space, at most 200 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StagedRun(pub String);

/// What a sink says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Written,
    /// Not now; the same record may be taken later. With the store's words.
    Retry(String),
    /// Never. With the store's words.
    Rejected(String),
}

/// Why a sink could say nothing about any record.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// No answer, or asked to slow down. The same call may succeed later.
    #[error("sink is unavailable")]
    Unavailable(#[source] BoxError),
    /// Wrong credentials, index or table, no right. Retrying cannot help: the pipeline stops.
    #[error("sink refused the request as a whole")]
    Misconfigured(#[source] BoxError),
    /// What was staged before is not there. Another member did away with it if the partition is that one's by now; if not, it is
    /// lost: the pipeline stops. Said of runs alone.
    #[error("what was staged is gone")]
    Gone(#[source] BoxError),
}

/// Records on their way into one sink, of one or more batches.
#[derive(Debug, Default)]
pub struct Records {
    batches: Vec<Arc<Batch>>,
    rows: Vec<(u32, u32)>,
}

impl Records {
    /// Adds the rows of `batch` with these indexes, in order.
    pub fn push(&mut self, batch: &Arc<Batch>, rows: impl IntoIterator<Item = u32>) {
        let index = u32::try_from(self.batches.len()).expect("requests hold few batches");
        self.batches.push(Arc::clone(batch));
        self.rows.extend(rows.into_iter().map(|row| (index, row)));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.rows.iter().map(|&(batch, row)| {
            let batch = &self.batches[batch as usize];
            Record {
                batch,
                row: &batch.rows()[row as usize],
            }
        })
    }

    /// Which of its batches the record with this index is of.
    pub(crate) fn batch_of(&self, index: usize) -> usize {
        self.rows[index].0 as usize
    }

    /// Bytes of value, key and headers of the record with this index.
    pub(crate) fn bytes_of(&self, index: usize) -> usize {
        let (batch, row) = self.rows[index];
        self.batches[batch as usize].row_bytes(row)
    }

    /// The batch of the records with these indexes, which are all of one, and their rows in it.
    pub(crate) fn rows_of(&self, indexes: impl Iterator<Item = usize>) -> (&Arc<Batch>, Vec<u32>) {
        let (mut batch, mut rows) = (0, Vec::new());
        for index in indexes {
            let (of, row) = self.rows[index];
            batch = of;
            rows.push(row);
        }
        (&self.batches[batch as usize], rows)
    }

    /// The records with these indexes alone, in order: what has to be written again.
    #[must_use]
    pub fn select(&self, indexes: impl IntoIterator<Item = usize>) -> Self {
        let rows = indexes.into_iter().map(|index| self.rows[index]).collect();
        Self {
            batches: self.batches.clone(),
            rows,
        }
    }
}

/// One record on its way into a sink.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    batch: &'a Batch,
    row: &'a Row,
}

impl<'a> Record<'a> {
    pub(crate) fn of(batch: &'a Batch, row: &'a Row) -> Self {
        Self { batch, row }
    }

    /// Its name in every store.
    #[must_use]
    pub fn id(&self) -> RecordId<'a> {
        self.batch.id(self.row)
    }

    /// Where it comes from.
    #[must_use]
    pub fn partition(&self) -> &'a Partition {
        self.batch.partition()
    }

    /// The plugins that made it what it is.
    #[must_use]
    pub fn stamp(&self) -> &'a Stamp {
        self.batch.stamp()
    }

    /// Its value; `None` for a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.batch.bytes(self.row.value)
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.batch.bytes(self.row.key)
    }

    /// Its headers in the form of the plugin contract; see [`crate::headers`].
    #[must_use]
    pub fn headers(&self) -> &'a [u8] {
        self.batch.bytes(self.row.headers).unwrap_or_default()
    }

    /// The route that a plugin gave it.
    #[must_use]
    pub fn route(&self) -> Option<&'a [u8]> {
        self.batch.bytes(self.row.route)
    }

    /// Milliseconds since 1970-01-01 UTC; `None` where neither producer nor broker set a time.
    #[must_use]
    pub fn timestamp_ms(&self) -> Option<i64> {
        (self.row.timestamp_ms >= 0).then_some(self.row.timestamp_ms)
    }

    /// The record as the source gave it.
    #[must_use]
    pub fn original(&self) -> Option<Record<'a>> {
        let row = self.batch.original(self.row.offset)?;
        Some(Record {
            batch: self.batch,
            row,
        })
    }
}
