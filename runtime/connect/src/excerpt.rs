//! Reads a part of what a source has, beside the pipeline that reads it in earnest: as no member of its group, and with nothing
//! committed.

#[cfg(feature = "kafka")]
mod share;

use std::ops::ControlFlow;
use std::sync::Arc;

use tamis_config::spec::{LimitsSpec, SourceSpec};
use tamis_core::batch::Batch;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::source::SourceError;

#[cfg(feature = "file")]
use crate::file::excerpt::FileExcerpt;
use crate::halt::{Halt, Refusal};
#[cfg(feature = "kafka")]
use crate::kafka::excerpt::KafkaExcerpt;
use crate::source::BatchLimits;

#[cfg(feature = "kafka")]
pub(crate) use self::share::shared;

/// Which part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this topic, or file.
    pub topic: Option<String>,
    /// Only partitions with this number.
    pub partition: Option<i32>,
    /// The first record of each partition.
    pub from: Option<Bound>,
    /// The one behind the last of each partition, at most what it has by now.
    pub to: Option<Bound>,
    /// At most so many records. Without `from` it is the last of each partition of a topic, else the first; each partition gives as
    /// many as the others, as far as it has them.
    pub records_max: Option<u64>,
}

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// An offset; of a file the byte where a line starts.
    Offset(u64),
    /// The first record of this time or later, in milliseconds since 1970-01-01 UTC.
    Time(i64),
}

/// Why it cannot be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExcerptError {
    /// A person has to change something; says what.
    #[error("{0}")]
    Misconfigured(String),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A person asked for that.
    #[error("stopped")]
    Halted,
}

impl From<Refusal> for ExcerptError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Misconfigured(reason) => Self::Misconfigured(reason),
            Refusal::Halted => Self::Halted,
        }
    }
}

/// A part of what a source has, as it is at one moment.
pub struct Excerpt {
    kind: Kind,
    records_max: u64,
}

enum Kind {
    #[cfg(feature = "kafka")]
    Kafka(KafkaExcerpt),
    #[cfg(feature = "file")]
    File(FileExcerpt),
}

impl Excerpt {
    /// Finds what is `wanted` of the source of `spec`. A cluster that is away is waited for until `halt` is set.
    ///
    /// # Errors
    /// Where the source can never be read so, or not a second time.
    pub fn open(
        spec: &SourceSpec,
        limits: &LimitsSpec,
        wanted: &Wanted,
        halt: &Halt,
    ) -> Result<Self, ExcerptError> {
        let batch = BatchLimits {
            records_max: limits.batch_records_max,
            bytes_max: limits.batch_bytes_max,
        };
        let kind = match spec {
            #[cfg(feature = "kafka")]
            SourceSpec::Kafka(spec) => Kind::Kafka(KafkaExcerpt::open(spec, batch, wanted, halt)?),
            #[cfg(feature = "file")]
            SourceSpec::File(spec) => Kind::File(FileExcerpt::open(spec, batch, wanted, halt)?),
            #[cfg(not(feature = "kafka"))]
            SourceSpec::Kafka(_) => return Err(crate::source::left_out("kafka").into()),
            #[cfg(not(feature = "file"))]
            SourceSpec::File(_) => return Err(crate::source::left_out("file").into()),
            SourceSpec::Stdin(_) => {
                let reason = "the source is the standard input, which cannot be read again; name a topic or a file".to_owned();
                return Err(ExcerptError::Misconfigured(reason));
            }
        };
        Ok(Self {
            kind,
            records_max: wanted.records_max.unwrap_or(u64::MAX),
        })
    }

    /// What of each partition is read; there may be fewer records than offsets.
    #[must_use]
    pub fn ranges(&self) -> Vec<(Arc<Partition>, OffsetRange)> {
        match &self.kind {
            #[cfg(feature = "kafka")]
            Kind::Kafka(excerpt) => excerpt.ranges(),
            #[cfg(feature = "file")]
            Kind::File(excerpt) => excerpt.ranges(),
        }
    }

    /// Hands all of it to `take`, the batches of a partition in order, until `take` breaks off.
    ///
    /// # Errors
    /// When it cannot be read to its end; what was handed out before stays true.
    pub fn read(self, mut take: impl FnMut(Batch) -> ControlFlow<()>) -> Result<(), ExcerptError> {
        let mut left = self.records_max;
        let mut take = |mut batch: Batch| {
            let rows = batch.rows().len() as u64;
            if rows > left {
                let rows = usize::try_from(left).expect("it is below the length of a batch");
                batch.replace(batch.rows()[..rows].to_vec(), None);
            }
            left = left.saturating_sub(rows);
            let taken = take(batch);
            if left == 0 {
                ControlFlow::Break(())
            } else {
                taken
            }
        };
        match self.kind {
            #[cfg(feature = "kafka")]
            Kind::Kafka(excerpt) => excerpt.read(&mut take),
            #[cfg(feature = "file")]
            Kind::File(excerpt) => excerpt.read(&mut take),
        }
    }
}
