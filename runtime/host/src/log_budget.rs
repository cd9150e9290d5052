//! How much a plugin may log, in all lanes together: some lines at once, and some more each second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::Engine;

/// Lines at once.
const LINES_MAX: u64 = 100;
/// The time in which one more may be logged: ten lines a second.
const PER_LINE: Duration = Duration::from_millis(100);

/// What is left of it.
#[derive(Debug)]
pub(crate) struct LogBudget {
    engine: Engine,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lines: u64,
    /// The tick up to which lines were given.
    tick: u64,
    /// Lines that were not logged since the last one that was.
    passed_over: u64,
}

impl LogBudget {
    pub(crate) fn new(engine: &Engine) -> Self {
        let state = State {
            lines: LINES_MAX,
            tick: engine.ticks(),
            passed_over: 0,
        };
        Self {
            engine: engine.clone(),
            state: Mutex::new(state),
        }
    }

    /// Takes a line, if there is one left; then how many were passed over before it.
    pub(crate) fn take(&self) -> Option<u64> {
        let now = self.engine.ticks();
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(now)
    }

    /// Counts lines that nobody will log.
    pub(crate) fn pass_over(&self, lines: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.passed_over += lines;
    }
}

impl State {
    fn take(&mut self, now: u64) -> Option<u64> {
        let per_line = Engine::ticks_in(PER_LINE);
        let more = now.saturating_sub(self.tick) / per_line;
        self.tick += more * per_line;
        self.lines = self.lines.saturating_add(more).min(LINES_MAX);
        if self.lines == 0 {
            self.passed_over += 1;
            return None;
        }
        self.lines -= 1;
        Some(std::mem::take(&mut self.passed_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_filled_again_by_the_time() {
        let per_line = Engine::ticks_in(PER_LINE);
        let mut state = State {
            lines: LINES_MAX,
            tick: 5,
            passed_over: 0,
        };
        let mut lines = |count: u64, now: u64| -> Vec<Option<u64>> {
            (0..count).map(|_| state.take(now)).collect()
        };
        assert_eq!(lines(100, 5), [Some(0); 100]);
        assert_eq!(lines(3, 4 + per_line), [None; 3]);
        assert_eq!(lines(3, 5 + 2 * per_line), [Some(3), Some(0), None]);
        // However long nothing is said, no more than the budget comes together.
        let later = 5 + 1_000 * per_line;
        assert_eq!(lines(102, later)[99..], [Some(0), None, None]);
    }
}
