//! The last batches that a lane took, as the source gave them: what new stages are tried on before they get live ones.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::batch::{Batch, Taken};

/// A ring with a limit of bytes. Batches that alone are larger are passed over.
#[derive(Debug)]
pub(crate) struct Recent {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Taken>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            kept: Mutex::default(),
        }
    }

    /// Keeps what `batch` was made of, and lets go of what is too old for the limit.
    pub(crate) fn note(&self, batch: &Batch) {
        let taken = batch.taken_again();
        let weight = taken.weight();
        if weight > self.bytes_max {
            return;
        }
        let mut kept = self.kept();
        while kept.bytes + weight > self.bytes_max {
            let oldest = kept.batches.pop_front().expect("what has bytes is there");
            kept.bytes -= oldest.weight();
        }
        kept.bytes += weight;
        kept.batches.push_back(taken);
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Vec<Taken> {
        self.kept().batches.iter().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::BatchBuilder;
    use crate::id::Partition;

    #[test]
    fn the_last_batches_are_kept_as_the_source_gave_them_within_the_limit() {
        let partition = Arc::new(Partition {
            source: "s".into(),
            topic: "t".into(),
            number: 0,
            split: 0,
        });
        let batch = |offset: u64, bytes: usize| {
            let mut batch = BatchBuilder::new(Arc::clone(&partition), 1, bytes);
            batch.push(offset, 0, None, Some(&vec![b'x'; bytes]), &[]);
            let mut batch = batch.finish(offset + 1);
            batch.replace(Vec::new(), None);
            batch
        };
        let weight = batch(0, 100).weight();
        let recent = Recent::new(2 * weight);
        let offsets = |recent: &Recent| -> Vec<u64> {
            let starts = |taken: &Taken| taken.batch().rows()[0].offset;
            recent.all().iter().map(starts).collect()
        };
        recent.note(&batch(0, 100));
        recent.note(&batch(1, 10_000));
        assert_eq!(offsets(&recent), [0]);
        recent.note(&batch(2, 100));
        recent.note(&batch(3, 50));
        assert_eq!(offsets(&recent), [2, 3]);
        recent.note(&batch(4, 100 + weight));
        assert_eq!(offsets(&recent), [4]);
    }
}
