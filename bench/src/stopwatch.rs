//! The one place that looks at the clock.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// Counts from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// What has passed.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long this thread works on `job`, however busy the machine is.
pub(crate) fn work<T>(job: impl FnOnce() -> T) -> (T, Duration) {
    let start = ThreadTime::now();
    let result = job();
    (result, start.elapsed())
}
