//! Where the records of a sink go while its store is away for long, so that they hold up nothing else.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::delivery::Delivery;

/// How often a store that is away is asked whether it is back. In between, records are parked without asking.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The parking of one sink. Records are parked as letters, in the form of dead letters.
#[derive(Debug)]
pub(crate) struct Parking {
    /// How long its store may be away before the first record is parked.
    after: Duration,
    /// The writer of the letters.
    pub(crate) to: mpsc::Sender<Delivery>,
    away: Mutex<Option<Away>>,
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
    /// Whether that is so long that records are parked.
    parks: bool,
    /// Whether a request is under way that asks. One that hangs must not be joined by others until all of them do.
    is_asked: bool,
    /// When such a request last ended.
    heard: Instant,
    reason: String,
}

impl Parking {
    pub(crate) fn new(after: Duration, to: mpsc::Sender<Delivery>) -> Self {
        Self {
            after,
            to,
            away: Mutex::default(),
        }
    }

    /// Notes that the store gave no answer to a request that began at `begun`, and says whether that is the moment from which on
    /// records are parked.
    pub(crate) fn failed(&self, begun: Instant, now: Instant, reason: &str) -> bool {
        let mut away = self.lock();
        let away = away.get_or_insert_with(|| Away {
            since: begun,
            parks: false,
            is_asked: false,
            heard: now,
            reason: String::new(),
        });
        away.is_asked = false;
        away.heard = now;
        reason.clone_into(&mut away.reason);
        let parked_before = away.parks;
        away.parks = now.duration_since(away.since) >= self.after;
        away.parks && !parked_before
    }

    /// Notes that the store answered; says how long it was away, if records were parked meanwhile.
    pub(crate) fn answered(&self, now: Instant) -> Option<Duration> {
        let away = self.lock().take()?;
        away.parks.then(|| now.duration_since(away.since))
    }

    /// Notes that a request ended that told nothing of the store.
    pub(crate) fn undecided(&self) {
        if let Some(away) = &mut *self.lock() {
            away.is_asked = false;
        }
    }

    /// Whether records are parked now.
    pub(crate) fn parks(&self) -> bool {
        self.lock().as_ref().is_some_and(|away| away.parks)
    }

    /// Why a record is parked now, without asking the store. Each time the store is to be asked, one caller gets none.
    pub(crate) fn reason(&self, now: Instant) -> Option<String> {
        let mut away = self.lock();
        let away = away.as_mut().filter(|away| away.parks)?;
        if !away.is_asked && now.duration_since(away.heard) >= ASK_EVERY {
            away.is_asked = true;
            return None;
        }
        Some(format!("parked: {}", away.reason))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.away
            .lock()
            .expect("no one panics while noting an outage")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_parked_once_the_store_is_away_for_long_and_until_it_answers() {
        let (to, _letters) = mpsc::channel(1);
        let parking = Parking::new(Duration::from_secs(10), to);
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
        assert_eq!(parking.reason(at(90)), reason, "however long that takes");
        parking.undecided();
        assert_eq!(parking.reason(at(91)), None, "another one asks");
        assert_eq!(parking.reason(at(91)), reason);
        assert_eq!(parking.answered(at(92)), Some(Duration::from_secs(92)));
        assert_eq!(parking.reason(at(92)), None);
        assert_eq!(parking.answered(at(93)), None);
    }

    #[test]
    fn a_short_outage_parks_nothing() {
        let (to, _letters) = mpsc::channel(1);
        let parking = Parking::new(Duration::from_secs(10), to);
        let start = Instant::now();
        assert!(!parking.failed(start, start, "refused"));
        assert_eq!(parking.answered(start + Duration::from_secs(5)), None);
        let later = start + Duration::from_secs(11);
        assert!(!parking.failed(later, later, "refused"), "another outage");
        assert_eq!(parking.reason(later), None);
    }
}
