//! What names a record: where it comes from, and which output of its input it is.

use std::fmt;
use std::sync::Arc;

/// A partition of a topic, or a part of a file: records in it have an order, and one lane at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The name that the source was given; for Kafka by default the id of the cluster.
    pub source: Arc<str>,
    /// The topic; for a file its path.
    pub topic: Arc<str>,
    /// The number of the partition; 0 for a file.
    pub number: i32,
    /// Which part of a file that was split over the lanes. It is no part of an id: the byte offset says it all.
    pub split: u32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)?;
        if self.split > 0 {
            write!(f, "#{}", self.split)
        } else {
            Ok(())
        }
    }
}

/// Offsets from `start` to just before `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OffsetRange {
    /// The first offset.
    pub start: u64,
    /// The offset behind the last.
    pub next: u64,
}

impl fmt::Display for OffsetRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.next)
    }
}

/// `source/topic/partition/offset/n`: the same for the same record, however often it is read.
///
/// It is the key in every store, which makes of at-least-once delivery once in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordId<'a> {
    /// Where the record comes from.
    pub partition: &'a Partition,
    /// Its offset; for a file the byte where its line starts.
    pub offset: u64,
    /// Numbers the outputs of one input.
    pub number: u32,
}

impl fmt::Display for RecordId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Partition {
            source,
            topic,
            number,
            split: _,
        } = self.partition;
        write!(
            f,
            "{source}/{topic}/{number}/{}/{}",
            self.offset, self.number
        )
    }
}
