//! Waiting between two tries, and saying so without filling the log.

use std::time::Duration;

use tokio::time::Instant;

use crate::gauges::Outage;

/// How long to wait before the next try: doubling, with jitter, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try.
    pub initial: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(10),
        }
    }
}

/// The tries of one call.
#[derive(Debug)]
pub(crate) struct Tries {
    backoff: Backoff,
    next: Duration,
    random: fastrand::Rng,
    said: Option<Instant>,
    /// Shown for as long as they do not get through.
    outage: Option<Outage>,
}

/// Between two words about the same outage.
const SAY_EVERY: Duration = Duration::from_secs(60);

impl Tries {
    pub(crate) fn new(backoff: Backoff, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self {
            backoff,
            next: backoff.initial,
            random,
            said: None,
            outage: None,
        }
    }

    /// Waits before the next try, somewhere between half of the delay and all of it.
    pub(crate) async fn wait(&mut self) {
        let delay = self.next;
        self.next = (delay * 2).min(self.backoff.max);
        tokio::time::sleep(delay.mul_f64(0.5 + self.random.f64() / 2.0)).await;
    }

    /// Something got through: the next delay is short again.
    pub(crate) fn progressed(&mut self) {
        self.next = self.backoff.initial;
        self.outage = None;
    }

    /// Shows that nothing gets through, from the first such word on; `outage` makes the first one.
    pub(crate) fn failed(&mut self, error: &str, outage: impl FnOnce() -> Outage) {
        match &self.outage {
            Some(outage) => outage.goes_on(error),
            None => self.outage = Some(outage()),
        }
    }

    /// Whether it is time to say again that a try failed.
    pub(crate) fn should_say(&mut self) -> bool {
        let now = Instant::now();
        let due = self
            .said
            .is_none_or(|said| now.duration_since(said) >= SAY_EVERY);
        if due {
            self.said = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn delays_double_up_to_the_limit_and_start_anew_after_progress() {
        let backoff = Backoff {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(4),
        };
        let mut tries = Tries::new(backoff, 7);
        for (expected, progressed) in [(1, false), (2, false), (4, false), (4, true), (1, false)] {
            let start = Instant::now();
            tries.wait().await;
            let (waited, most) = (start.elapsed(), Duration::from_secs(expected));
            assert!(
                waited >= most / 2 && waited <= most + Duration::from_millis(1),
                "{waited:?}"
            );
            if progressed {
                tries.progressed();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_said_once_a_minute() {
        let mut tries = Tries::new(Backoff::default(), 7);
        let mut said = 0;
        for _ in 0..180 {
            said += usize::from(tries.should_say());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(said, 3);
    }
}
