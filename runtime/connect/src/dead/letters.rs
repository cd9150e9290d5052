//! Hands the records of dead letters to a pipeline once more, under the ids that they had.

use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::Intake;
use tamis_core::batch::BatchBuilder;
use tamis_core::headers;
use tamis_core::id::Partition;
use tamis_core::source::{Source, SourceError};

use crate::dead_folder::letter::{Content, DeadLetter};
use crate::source::BatchLimits;

/// The partition of the record in `letter`.
#[must_use]
pub fn partition(letter: &DeadLetter) -> Partition {
    Partition {
        source: letter.source.as_str().into(),
        topic: letter.topic.as_str().into(),
        number: letter.partition,
        split: 0,
    }
}

/// The original records of some dead letters.
pub struct LetterSource {
    letters: Vec<DeadLetter>,
    limits: BatchLimits,
}

impl LetterSource {
    /// A source of each record once, whatever number of its outputs have letters.
    #[must_use]
    pub fn new(mut letters: Vec<DeadLetter>, limits: BatchLimits) -> Self {
        letters.sort_by(|a, b| place(a).cmp(&place(b)));
        letters.dedup_by(|a, b| place(a) == place(b));
        Self { letters, limits }
    }

    /// The letters of each partition.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = &[DeadLetter]> {
        self.letters.chunk_by(|a, b| {
            place(a).0 == place(b).0 && place(a).1 == place(b).1 && a.partition == b.partition
        })
    }
}

fn place(letter: &DeadLetter) -> (&str, &str, i32, u64) {
    (
        &letter.source,
        &letter.topic,
        letter.partition,
        letter.offset,
    )
}

#[async_trait]
impl Source for LetterSource {
    /// Goes on to its end even when the pipeline is to stop: what is begun is brought to an end, and there is little of it.
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        for letters in self.partitions() {
            let partition = Arc::new(partition(&letters[0]));
            // No group remembers it, and no one else has anything staged under the name of this owner.
            intake.open_unkept(&partition);
            let mut rest = letters;
            while !rest.is_empty() {
                let batch = batch(&partition, &mut rest, self.limits);
                // Stopped: what is not settled stays where it is.
                if intake.send(&mut Some(batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The first of `letters` that make a batch, which they then lack.
pub(crate) fn batch(
    partition: &Arc<Partition>,
    letters: &mut &[DeadLetter],
    limits: BatchLimits,
) -> tamis_core::batch::Batch {
    let bytes = |content: &Option<Content>| content.as_ref().map(|content| content.0.clone());
    let mut batch = BatchBuilder::new(Arc::clone(partition), limits.records_max, 0);
    let mut next = 0;
    while let Some((letter, rest)) = letters.split_first()
        && batch.len() < limits.records_max
        && batch.bytes() < limits.bytes_max
    {
        let mut own = Vec::new();
        for (name, value) in &letter.headers {
            headers::push(&mut own, name, value.as_ref().map(|value| &value.0[..]));
        }
        let time = letter.timestamp().map_or(-1, |time| time.as_millisecond());
        let (key, value) = (bytes(&letter.key), bytes(&letter.value));
        batch.push(letter.offset, time, key.as_deref(), value.as_deref(), &own);
        (next, *letters) = (letter.offset + 1, rest);
    }
    batch.finish(next)
}
