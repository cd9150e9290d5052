//! New stages beside those before them: what they may cost until they have proven themselves, and how that ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Records of which some may be refused before a share says anything.
const RECORDS_MIN: u64 = 100;
/// Time at work before time says anything.
const WORK_MIN: Duration = Duration::from_millis(100);

/// A trial of new stages, shared by all lanes: the first one that finds them guilty ends it for all.
#[derive(Debug)]
pub struct Trial {
    limits: TrialLimits,
    state: watch::Sender<TrialState>,
    records: AtomicU64,
    rejected: AtomicU64,
    nanos: AtomicU64,
}

/// What new stages may cost; a batch that they fail on and the stages before them do not ends their trial in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialLimits {
    /// Records that they may refuse, of a million that they get; of the first hundred as many as of a hundred.
    pub rejected_per_million_max: u64,
    /// Nanoseconds that they may take for a record, on the whole.
    pub record_nanos_max: Option<u64>,
}

/// How a trial stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialState {
    /// The new stages are watched, those before them are at hand.
    Running,
    /// The new stages stay.
    Passed,
    /// Those before them are back, for this reason.
    Failed(String),
}

/// What new stages did on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialCost {
    /// Records that they got.
    pub records: u64,
    /// Those of them that they refused.
    pub rejected: u64,
    /// Time that they took, all lanes together.
    pub nanos: u64,
}

impl Trial {
    /// One that has just begun.
    #[must_use]
    pub fn new(limits: TrialLimits) -> Self {
        Self {
            limits,
            state: watch::Sender::new(TrialState::Running),
            records: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> TrialState {
        self.state.borrow().clone()
    }

    /// Ends it well; `false` where it has ended already.
    pub fn pass(&self) -> bool {
        self.end(TrialState::Passed)
    }

    /// Ends it badly; `false` where it has ended already.
    pub fn fail(&self, reason: String) -> bool {
        self.end(TrialState::Failed(reason))
    }

    fn end(&self, how: TrialState) -> bool {
        self.state.send_if_modified(|state| {
            let ends = *state == TrialState::Running;
            if ends {
                *state = how;
            }
            ends
        })
    }

    /// Returns once it has ended, with how.
    pub async fn ended(&self) -> TrialState {
        let mut state = self.state.subscribe();
        let ended = state.wait_for(|state| *state != TrialState::Running).await;
        ended.expect("the trial outlives who waits for it").clone()
    }

    /// What the new stages did so far.
    #[must_use]
    pub fn cost(&self) -> TrialCost {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TrialCost {
            records: get(&self.records),
            rejected: get(&self.rejected),
            nanos: get(&self.nanos),
        }
    }

    /// Counts what the new stages did with a batch of so many records.
    ///
    /// # Errors
    /// Which limit they broke.
    pub(crate) fn charge(
        &self,
        records: usize,
        rejected: usize,
        time: Duration,
    ) -> Result<(), String> {
        let add = |counter: &AtomicU64, more: u64| {
            counter
                .fetch_add(more, Ordering::Relaxed)
                .saturating_add(more)
        };
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let cost = TrialCost {
            records: add(&self.records, records as u64),
            rejected: add(&self.rejected, rejected as u64),
            nanos: add(&self.nanos, nanos),
        };
        self.limits.judge(cost)
    }
}

impl TrialLimits {
    fn judge(&self, cost: TrialCost) -> Result<(), String> {
        let TrialCost {
            records,
            rejected,
            nanos,
        } = cost;
        let share = u128::from(self.rejected_per_million_max);
        let rejected_max = u128::from(records.max(RECORDS_MIN)) * share / 1_000_000;
        if u128::from(rejected) > rejected_max {
            return Err(format!(
                "it refused {rejected} of {records} records; {} of a million are allowed",
                self.rejected_per_million_max
            ));
        }
        let Some(record_nanos_max) = self.record_nanos_max else {
            return Ok(());
        };
        let has_worked = u128::from(nanos) >= WORK_MIN.as_nanos();
        if has_worked && u128::from(nanos) > u128::from(records) * u128::from(record_nanos_max) {
            let each = nanos / records.max(1);
            return Err(format!(
                "it took {each} ns a record; {record_nanos_max} ns are allowed"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(rejected_per_million_max: u64, record_nanos_max: Option<u64>) -> Trial {
        Trial::new(TrialLimits {
            rejected_per_million_max,
            record_nanos_max,
        })
    }

    #[test]
    fn a_trial_ends_once() {
        let passed = trial(0, None);
        assert!(passed.pass());
        assert!(!passed.fail("late".into()));
        assert_eq!(passed.state(), TrialState::Passed);
        let failed = trial(0, None);
        assert!(failed.fail("first".into()));
        assert!(!failed.fail("second".into()) && !failed.pass());
        assert_eq!(failed.state(), TrialState::Failed("first".into()));
    }

    #[test]
    fn a_share_of_records_may_be_refused_also_of_the_first_ones() {
        let trial = trial(10_000, None);
        let none = Duration::ZERO;
        assert_eq!(trial.charge(5, 1, none), Ok(()));
        assert!(trial.charge(5, 1, none).is_err());
        assert_eq!(trial.charge(190, 0, none), Ok(()), "2 of 200");
        assert!(trial.charge(1, 1, none).is_err());
    }

    #[test]
    fn time_counts_once_there_was_some_work() {
        let trial = trial(0, Some(1_000));
        assert_eq!(trial.charge(1, 0, Duration::from_millis(99)), Ok(()));
        assert!(trial.charge(1, 0, Duration::from_millis(1)).is_err());
        assert_eq!(trial.charge(99_998, 0, Duration::ZERO), Ok(()));
        assert!(trial.charge(0, 0, Duration::from_nanos(1)).is_err());
    }

    #[tokio::test]
    async fn whoever_waits_is_told_the_end() {
        let trial = std::sync::Arc::new(trial(0, None));
        let waits = tokio::spawn({
            let trial = std::sync::Arc::clone(&trial);
            async move { trial.ended().await }
        });
        tokio::task::yield_now().await;
        trial.fail("why".into());
        assert_eq!(waits.await.unwrap(), TrialState::Failed("why".into()));
    }
}
