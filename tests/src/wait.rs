//! Waiting that ends: with what was waited for, or with a failure that names it.

use std::thread;
use std::time::Duration;

use tokio::time::Instant;

/// What a wait is given that only a fault can use up, also on a machine that is busy with other tests.
pub const LONG: Duration = Duration::from_mins(5);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `is_so`.
///
/// # Panics
/// Where that takes longer than `limit`.
pub fn eventually(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < limit,
            "waited {limit:?} in vain until {what}"
        );
        thread::sleep(LOOK_AGAIN);
    }
}
