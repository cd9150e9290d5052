//! Where the records of a sink go while its store is away for long, so that they hold up nothing else.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::delivery::Delivery;
use crate::gauges::{Outage, StoreGauge};

/// How often a store that is away is asked whether it is back. In between, records are parked without asking.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long a request that asks may take before another one asks, too.
const ASKED_MAX: Duration = Duration::from_mins(2);

/// The parking of one sink. Records are parked as letters, in the form of dead letters.
#[derive(Debug)]
pub(crate) struct Parking {
    /// How long its store may be away before the first record is parked.
    after: Duration,
    /// The writer of the letters.
    pub(crate) to: mpsc::Sender<Delivery>,
    /// That of its store.
    gauge: Arc<StoreGauge>,
    state: Mutex<State>,
}

/// What was heard of the store.
#[derive(Debug, Default)]
struct State {
    /// When it took records for the last time.
    answered: Option<Instant>,
    away: Option<Away>,
}

/// What a request tells of the store that it went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// It took records.
    Answer,
    /// It took none, for this reason.
    Away(&'a str),
    /// It may not even have been asked.
    Nothing,
}

/// A store that gave no answer the last time.
#[derive(Debug)]
struct Away {
    since: Instant,
    /// Where that is so long that records are parked: shown for as long as they are, whoever asks the store meanwhile.
    parks: Option<Outage>,
    /// Since when a request is under way that asks. One that hangs must not be joined by others until all of them do.
    asked: Option<Instant>,
    /// When such a request last ended.
    heard: Instant,
    reason: String,
}

impl Parking {
    pub(crate) fn new(after: Duration, to: mpsc::Sender<Delivery>, gauge: Arc<StoreGauge>) -> Self {
        Self {
            after,
            to,
            gauge,
            state: Mutex::default(),
        }
    }

    /// Notes that the store gave no answer to a request that began at `begun`, and says whether that is the moment from which on
    /// records are parked.
    pub(crate) fn failed(&self, begun: Instant, now: Instant, reason: &str) -> bool {
        let state = &mut *self.lock();
        let away = state.away.get_or_insert_with(|| Away {
            // Others may have had an answer meanwhile.
            since: state.answered.map_or(begun, |answered| begun.max(answered)),
            parks: None,
            asked: None,
            heard: now,
            reason: String::new(),
        });
        away.asked = None;
        away.heard = now;
        reason.clone_into(&mut away.reason);
        if let Some(outage) = &away.parks {
            outage.goes_on(reason);
            return false;
        }
        let is_long = now.duration_since(away.since) >= self.after;
        away.parks = is_long.then(|| self.gauge.outage_since(away.since, reason));
        is_long
    }

    /// Notes that the store answered; says how long it was away, if records were parked meanwhile.
    pub(crate) fn answered(&self, now: Instant) -> Option<Duration> {
        let mut state = self.lock();
        state.answered = Some(now);
        let away = state.away.take()?;
        away.parks.map(|_| now.duration_since(away.since))
    }

    /// Notes that a request ended that told nothing of the store.
    pub(crate) fn undecided(&self, now: Instant) {
        let away = &mut self.lock().away;
        // An outage whose end no one hears of, since there is nothing more to write, must not count from here to the next one.
        away.take_if(|away| away.parks.is_none());
        if let Some(away) = away {
            away.asked = None;
            away.heard = now;
        }
    }

    /// Whether records are parked now.
    pub(crate) fn parks(&self) -> bool {
        self.lock()
            .away
            .as_ref()
            .is_some_and(|away| away.parks.is_some())
    }

    /// Why a record is parked now, without asking the store. Each time the store is to be asked, one caller gets none.
    pub(crate) fn reason(&self, now: Instant) -> Option<String> {
        let mut state = self.lock();
        let away = state.away.as_mut().filter(|away| away.parks.is_some())?;
        let is_time = match away.asked {
            Some(asked) => now.duration_since(asked) >= ASKED_MAX,
            None => now.duration_since(away.heard) >= ASK_EVERY,
        };
        if is_time {
            away.asked = Some(now);
            return None;
        }
        Some(format!("parked: {}", away.reason))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while noting an outage")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gauges::StoreKind;

    fn parking() -> Parking {
        let (to, _letters) = mpsc::channel(1);
        let gauge = Arc::new(StoreGauge::new("store", StoreKind::Sink));
        Parking::new(Duration::from_secs(10), to, gauge)
    }

    #[test]
    fn a_store_is_shown_to_be_away_for_as_long_as_its_records_are_parked() {
        let parking = parking();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let seen = |seconds| {
            let store = parking.gauge.view(at(seconds));
            (store.away_ms, store.failures, store.error)
        };
        parking.failed(at(0), at(2), "refused");
        assert_eq!(seen(3), (None, 0, None), "whoever waits shows that");
        parking.failed(at(9), at(10), "refused");
        assert_eq!(seen(12), (Some(12_000), 1, Some("refused".into())));
        parking.failed(at(15), at(16), "no answer");
        parking.undecided(at(21));
        assert_eq!(seen(600), (Some(600_000), 2, Some("no answer".into())));
        parking.answered(at(601));
        assert_eq!(seen(602), (None, 2, None));
    }

    #[test]
    fn records_are_parked_once_the_store_is_away_for_long_and_until_it_answers() {
        let parking = parking();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(parking.reason(at(0)), None);
        assert!(!parking.failed(at(0), at(2), "refused"));
        assert_eq!(parking.reason(at(9)), None, "that is not long");
        assert!(parking.failed(at(9), at(10), "refused"));
        assert!(
            !parking.failed(at(9), at(11), "no answer"),
            "it is said once"
        );
        let reason = Some("parked: no answer".to_owned());
        assert_eq!(parking.reason(at(12)), reason);
        assert_eq!(parking.reason(at(16)), None, "one asks");
        assert_eq!(parking.reason(at(16)), reason, "the others do not wait");
        assert_eq!(parking.reason(at(90)), reason, "though that takes long");
        parking.undecided(at(91));
        assert_eq!(parking.reason(at(95)), reason);
        assert_eq!(parking.reason(at(96)), None, "another one asks");
        assert_eq!(parking.reason(at(215)), reason);
        assert_eq!(parking.reason(at(216)), None, "the last one hangs");
        assert_eq!(parking.reason(at(217)), reason);
        assert_eq!(parking.answered(at(220)), Some(Duration::from_secs(220)));
        assert_eq!(parking.reason(at(220)), None);
        assert_eq!(parking.answered(at(221)), None);
        assert!(
            !parking.failed(at(3), at(229), "no answer"),
            "others had one"
        );
    }

    #[test]
    fn a_short_outage_parks_nothing() {
        let parking = parking();
        let start = Instant::now();
        assert!(!parking.failed(start, start, "refused"));
        assert_eq!(parking.answered(start + Duration::from_secs(5)), None);
        let later = start + Duration::from_secs(11);
        assert!(!parking.failed(later, later, "refused"), "another outage");
        assert_eq!(parking.reason(later), None);
        parking.undecided(later);
        let much_later = later + Duration::from_hours(1);
        let one_more = parking.failed(much_later, much_later, "refused");
        assert!(!one_more, "there was nothing to write in between");
    }
}
