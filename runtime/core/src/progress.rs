//! What is settled in one partition.

use std::collections::VecDeque;

use crate::id::OffsetRange;

/// Ranges in flight, oldest first. They are handed out in order and settle in any order.
///
/// Handed out `[a,b) [b,c) [e,f)` (compaction left a gap between `c` and `e`):
///
/// | settled          | checkpoint |
/// |------------------|------------|
/// | `[b,c)`          | none yet   |
/// | `[b,c) [a,b)`    | `c`        |
/// | all three        | `f`        |
#[derive(Debug, Default)]
pub(crate) struct Progress {
    in_flight: VecDeque<(OffsetRange, bool)>,
    checkpoint: Option<u64>,
}

impl Progress {
    /// Nothing is in flight, and everything before `checkpoint` is settled or none of our business.
    pub(crate) fn starting_at(checkpoint: Option<u64>) -> Self {
        Self {
            checkpoint,
            ..Self::default()
        }
    }

    /// Notes that `range` was taken.
    ///
    /// # Panics
    /// Where `range` begins before the end of the one taken before it.
    pub(crate) fn take(&mut self, range: OffsetRange) {
        let floor = self
            .in_flight
            .back()
            .map(|(last, _)| last.next)
            .or(self.checkpoint);
        assert!(
            floor.is_none_or(|floor| floor <= range.start),
            "ranges are taken in order"
        );
        self.in_flight.push_back((range, false));
    }

    /// Notes that everything that came of `range` is settled.
    ///
    /// # Panics
    /// Where `range` is not in flight.
    pub(crate) fn settle(&mut self, range: OffsetRange) {
        let index = self
            .in_flight
            .binary_search_by_key(&range.start, |(taken, _)| taken.start)
            .expect("a range settles once, after it was taken");
        self.in_flight[index].1 = true;
        while let Some((settled, true)) = self.in_flight.front() {
            self.checkpoint = Some(settled.next);
            self.in_flight.pop_front();
        }
    }

    /// The end of the contiguous settled prefix: the next offset to read. `None` while nothing is settled.
    pub(crate) fn checkpoint(&self) -> Option<u64> {
        self.checkpoint
    }

    /// The first offset that is taken and not yet behind the checkpoint.
    pub(crate) fn first(&self) -> Option<u64> {
        self.in_flight.front().map(|(first, _)| first.start)
    }

    /// The offset behind the last one that was taken.
    pub(crate) fn next(&self) -> Option<u64> {
        let last = self.in_flight.back();
        last.map(|(last, _)| last.next).or(self.checkpoint)
    }

    /// Ranges that are taken and not yet behind the checkpoint.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: OffsetRange = OffsetRange {
        start: 10,
        next: 20,
    };
    const B: OffsetRange = OffsetRange {
        start: 20,
        next: 30,
    };
    const E: OffsetRange = OffsetRange {
        start: 50,
        next: 60,
    };

    fn check(settled: &[OffsetRange], expected: Option<u64>) {
        let mut progress = Progress::default();
        [A, B, E].into_iter().for_each(|range| progress.take(range));
        settled.iter().for_each(|range| progress.settle(*range));
        assert_eq!(progress.checkpoint(), expected, "{settled:?}");
        assert_eq!(progress.in_flight() == 0, settled.len() == 3);
    }

    #[test]
    fn the_checkpoint_is_the_end_of_the_contiguous_settled_prefix() {
        check(&[], None);
        check(&[B], None);
        check(&[A], Some(20));
        check(&[B, A], Some(30));
        check(&[E, B], None);
        check(&[A, E], Some(20));
        check(&[E, B, A], Some(60));
    }

    proptest! {
        #[test]
        fn no_checkpoint_passes_an_unsettled_range(
            order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(),
            settled in 0..40_usize,
        ) {
            let mut progress = Progress::default();
            let range = |index: u64| OffsetRange { start: index * 10, next: index * 10 + 5 };
            (0..40).for_each(|index| progress.take(range(index)));
            order[..settled].iter().for_each(|index| progress.settle(range(*index)));
            let first_open = order[settled..].iter().min().copied().unwrap_or(40);
            let expected = first_open.checked_sub(1).map(|last| range(last).next);
            prop_assert_eq!(progress.checkpoint(), expected);
        }
    }
}
