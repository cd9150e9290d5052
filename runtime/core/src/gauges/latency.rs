//! How long requests took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::snapshot::Latency;

/// Upper ends of the buckets in microseconds: from what a disk takes to what a person gives up on.
const ENDS_US: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// A histogram with fixed buckets.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    counts: [AtomicU64; ENDS_US.len()],
    /// All of them, also those beyond the last bucket.
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Buckets {
    pub(super) fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = ENDS_US.partition_point(|end| *end < us);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    pub(super) fn view(&self) -> Latency {
        let counts = self.counts.iter().map(|it| it.load(Ordering::Relaxed));
        let buckets: Vec<_> = ENDS_US.into_iter().zip(counts).collect();
        // One that is being observed may be in its bucket and not yet among all.
        let within: u64 = buckets.iter().map(|(_, count)| count).sum();
        Latency {
            count: self.count.load(Ordering::Relaxed).max(within),
            sum_us: self.sum_us.load(Ordering::Relaxed),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_the_bucket_that_ends_with_it_or_behind_it() {
        let buckets = Buckets::default();
        for us in [0, 500, 501, 10_000_000, 10_000_001] {
            buckets.observe(Duration::from_micros(us));
        }
        let Latency {
            buckets,
            count,
            sum_us,
        } = buckets.view();
        let filled: Vec<_> = buckets
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(filled, [(500, 2), (1_000, 1), (10_000_000, 1)]);
        assert_eq!((count, sum_us), (5, 20_001_002));
    }
}
