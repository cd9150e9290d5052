//! New stages beside those before them: what they may cost until they have proven themselves, and how that ended.

use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// Without what broke a limit and was compared with nothing: so it is within the limits, whatever other lanes are at.
    sum: Mutex<Sum>,
}

/// What new stages may cost; a batch that they fail on and the stages before them do not ends their trial in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialLimits {
    /// Records that they may refuse beyond what the stages before refuse, of a million that they get; of the first hundred as many as
    /// of a hundred.
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

/// What they did with one batch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchCost {
    /// Records that they got.
    pub(crate) records: u64,
    /// Those of them that they refused.
    pub(crate) rejected: u64,
    /// As many as that were refused by the stages before, as far as those were asked.
    pub(crate) excused: u64,
    /// Time that they took; `None` where it says nothing of them.
    pub(crate) time: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    records: u64,
    rejected: u64,
    excused: u64,
    /// Records of which the time says something.
    timed: u64,
    nanos: u64,
}

impl Trial {
    /// One that has just begun.
    #[must_use]
    pub fn new(limits: TrialLimits) -> Self {
        Self {
            limits,
            state: watch::Sender::new(TrialState::Running),
            sum: Mutex::default(),
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
        let Sum {
            records,
            rejected,
            nanos,
            ..
        } = *self.sum();
        TrialCost {
            records,
            rejected,
            nanos,
        }
    }

    /// Counts what the new stages did with a batch, unless that breaks a limit: then it is not counted.
    ///
    /// # Errors
    /// Which limit it breaks.
    pub(crate) fn charge_within(&self, cost: BatchCost) -> Result<(), String> {
        let mut sum = self.sum();
        let with = sum.with(cost);
        self.limits.judge(with)?;
        *sum = with;
        Ok(())
    }

    /// Counts what the new stages did with a batch that the stages before them were asked about, too.
    ///
    /// # Errors
    /// Which limit it broke.
    pub(crate) fn charge(&self, cost: BatchCost) -> Result<(), String> {
        let mut sum = self.sum();
        *sum = sum.with(cost);
        self.limits.judge(*sum)
    }

    fn sum(&self) -> MutexGuard<'_, Sum> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sum {
    fn with(self, cost: BatchCost) -> Self {
        let nanos = cost.time.unwrap_or_default().as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Self {
            records: self.records + cost.records,
            rejected: self.rejected + cost.rejected,
            excused: self.excused + cost.excused.min(cost.rejected),
            timed: self.timed + cost.time.map_or(0, |_| cost.records),
            nanos: self.nanos.saturating_add(nanos),
        }
    }
}

impl TrialLimits {
    fn judge(&self, sum: Sum) -> Result<(), String> {
        let Sum {
            records,
            rejected,
            excused,
            timed,
            nanos,
        } = sum;
        let share = u128::from(self.rejected_per_million_max);
        let beyond_max = u128::from(records.max(RECORDS_MIN)) * share / 1_000_000;
        let beyond = rejected - excused;
        if u128::from(beyond) > beyond_max {
            return Err(format!(
                "it refused {beyond} of {records} records more than the one before; {} of a million are allowed",
                self.rejected_per_million_max
            ));
        }
        let Some(record_nanos_max) = self.record_nanos_max else {
            return Ok(());
        };
        let has_worked = u128::from(nanos) >= WORK_MIN.as_nanos();
        if has_worked && u128::from(nanos) > u128::from(timed) * u128::from(record_nanos_max) {
            let each = nanos / timed.max(1);
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

    fn refused(records: u64, rejected: u64, excused: u64) -> BatchCost {
        BatchCost {
            records,
            rejected,
            excused,
            time: None,
        }
    }

    fn took(records: u64, time: Duration) -> BatchCost {
        BatchCost {
            records,
            time: Some(time),
            ..BatchCost::default()
        }
    }

    #[test]
    fn a_share_of_records_may_be_refused_also_of_the_first_ones() {
        let trial = trial(10_000, None);
        assert_eq!(trial.charge(refused(5, 1, 0)), Ok(()));
        assert!(trial.charge(refused(5, 1, 0)).is_err());
        assert_eq!(trial.charge(refused(190, 0, 0)), Ok(()), "2 of 200");
        assert!(trial.charge(refused(1, 1, 0)).is_err());
    }

    #[test]
    fn what_breaks_a_limit_does_not_count_before_it_is_compared() {
        let trial = trial(10_000, None);
        assert_eq!(trial.charge_within(refused(50, 1, 0)), Ok(()));
        assert!(trial.charge_within(refused(50, 9, 0)).is_err());
        assert_eq!(trial.cost().records, 50);
        // Another lane, meanwhile.
        assert_eq!(trial.charge_within(refused(20, 0, 0)), Ok(()));
        assert_eq!(trial.charge(refused(50, 9, 9)), Ok(()));
        assert!(trial.charge(refused(50, 9, 8)).is_err());
        let TrialCost {
            records, rejected, ..
        } = trial.cost();
        assert_eq!((records, rejected), (170, 19));
    }

    #[test]
    fn no_batch_is_excused_beyond_what_was_refused_of_it() {
        let trial = trial(10_000, None);
        assert_eq!(trial.charge(refused(50, 0, 50)), Ok(()));
        assert!(trial.charge(refused(50, 2, 0)).is_err());
    }

    #[test]
    fn time_counts_once_there_was_some_work() {
        let trial = trial(0, Some(1_000));
        let charge = |records, time| trial.charge(took(records, time));
        assert_eq!(charge(1, Duration::from_millis(99)), Ok(()));
        assert!(charge(1, Duration::from_millis(1)).is_err());
        assert_eq!(charge(99_998, Duration::ZERO), Ok(()));
        assert!(charge(0, Duration::from_nanos(1)).is_err());
    }

    #[test]
    fn records_whose_time_says_nothing_do_not_hide_that_of_the_others() {
        let trial = trial(0, Some(1_000));
        assert_eq!(trial.charge(refused(1_000_000, 0, 0)), Ok(()));
        assert!(trial.charge(took(1, Duration::from_millis(100))).is_err());
        assert_eq!(trial.cost().records, 1_000_001);
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
