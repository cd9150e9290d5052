//! What is going on with a store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::lane::fill;
use super::latency::Buckets;
use super::lock;
use crate::delivery::Delivery;
use crate::snapshot::Store;

/// Bytes that are kept of what a store said.
const ERROR_BYTES_MAX: usize = 512;

/// Between two words about the same trouble, whichever requests have it: a store that comes and goes would fill the log.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Troubles that are said by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// It gives no answer.
    Unavailable,
    /// It wants records again.
    AskedAgain,
}

/// What a store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sink,
    Letters,
}

/// That of one store, whoever writes to it.
#[derive(Debug)]
pub(crate) struct StoreGauge {
    name: String,
    kind: StoreKind,
    records: AtomicU64,
    bytes: AtomicU64,
    requests: AtomicU64,
    failures: AtomicU64,
    retried: AtomicU64,
    waited_ns: AtomicU64,
    latency: Buckets,
    is_parking: AtomicBool,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// Gives each call and each outage its number.
    numbers: u64,
    /// When each call that is under way began. There are as many as writers may have requests.
    calls: BTreeMap<u64, Instant>,
    /// Since when each call that is tried again and again has failed.
    outages: BTreeMap<u64, Instant>,
    error: String,
    said: BTreeMap<Trouble, Said>,
    /// Those of all its writers, which keep them open.
    inboxes: Vec<mpsc::WeakSender<Delivery>>,
}

/// The words about one trouble.
#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    /// How often it was passed over since.
    passed_over: u64,
}

impl StoreGauge {
    pub(crate) fn new(name: &str, kind: StoreKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
            latency: Buckets::default(),
            is_parking: AtomicBool::new(false),
            now: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kind(&self) -> StoreKind {
        self.kind
    }

    /// Notes where a writer of it takes what it is to write.
    pub(crate) fn comes_in(&self, inbox: &mpsc::Sender<Delivery>) {
        // Of a store that took the place of another nothing is known.
        self.parks(false);
        let mut now = lock(&self.now);
        // Those of writers that other ones took the place of.
        now.inboxes.retain(|it| it.strong_count() > 0);
        now.inboxes.push(inbox.downgrade());
    }

    /// Notes what it took.
    pub(crate) fn took(&self, records: usize, bytes: u64) {
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes that records have to be sent again.
    pub(crate) fn sends_again(&self, records: usize) {
        self.retried.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Notes that someone waited to hand something over.
    pub(crate) fn waited(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Notes whether its records are parked from here on.
    pub(crate) fn parks(&self, is_parking: bool) {
        self.is_parking.store(is_parking, Ordering::Relaxed);
    }

    /// Whether to say that there is this `trouble`, which a request wants to be said where that `is_due`; with how often it was passed
    /// over before.
    pub(crate) fn may_say(&self, trouble: Trouble, is_due: bool) -> Option<u64> {
        let (now, mut state) = (Instant::now(), lock(&self.now));
        let said = state.said.entry(trouble).or_default();
        let is_new = |last: Instant| now.duration_since(last) >= SAY_EVERY;
        if is_due && said.last.is_none_or(is_new) {
            said.last = Some(now);
            return Some(std::mem::take(&mut said.passed_over));
        }
        said.passed_over += 1;
        None
    }

    /// Notes that it is asked for something, until what is returned is dropped.
    pub(crate) fn call(&self) -> Call<'_> {
        let begun = Instant::now();
        let mut now = lock(&self.now);
        now.numbers += 1;
        let number = now.numbers;
        now.calls.insert(number, begun);
        Call {
            gauge: self,
            number,
            begun,
        }
    }

    /// Notes that it does not do what it was asked for, until what is returned is dropped.
    pub(crate) fn outage(self: &Arc<Self>, error: &str) -> Outage {
        self.outage_since(Instant::now(), error)
    }

    /// As [`outage`](Self::outage), of one that has lasted since then.
    pub(crate) fn outage_since(self: &Arc<Self>, since: Instant, error: &str) -> Outage {
        let mut now = lock(&self.now);
        now.numbers += 1;
        let number = now.numbers;
        now.outages.insert(number, since);
        drop(now);
        self.failed(error);
        Outage {
            gauge: Arc::clone(self),
            number,
        }
    }

    fn failed(&self, error: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let error = &error[..error.floor_char_boundary(ERROR_BYTES_MAX)];
        error.clone_into(&mut lock(&self.now).error);
    }

    pub(crate) fn view(&self, at: Instant) -> Store {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = lock(&self.now);
        let inboxes = now.inboxes.iter().filter_map(mpsc::WeakSender::upgrade);
        let (inbox, inbox_max) = inboxes
            .map(|it| fill(&it))
            .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let away = now.outages.values().min();
        Store {
            name: self.name.clone(),
            records: get(&self.records),
            bytes: get(&self.bytes),
            requests: get(&self.requests),
            failures: get(&self.failures),
            retried: get(&self.retried),
            latency: self.latency.view(),
            under_way: now.calls.len() as u64,
            oldest_ms: now.calls.values().min().map(|since| ms(at, *since)),
            away_ms: away.map(|since| ms(at, *since)),
            error: away.map(|_| now.error.clone()),
            parking: self.is_parking.load(Ordering::Relaxed),
            inbox,
            inbox_max,
            waited_ns: get(&self.waited_ns),
        }
    }
}

/// Milliseconds between two moments.
pub(super) fn ms(now: Instant, since: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX)
}

/// Something that a store was asked for.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    gauge: &'a StoreGauge,
    number: u64,
    begun: Instant,
}

impl Call<'_> {
    /// Notes that it was a request, and had an answer.
    pub(crate) fn answered(self) {
        self.gauge.requests.fetch_add(1, Ordering::Relaxed);
        self.gauge.latency.observe(self.begun.elapsed());
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        lock(&self.gauge.now).calls.remove(&self.number);
    }
}

/// Something that a store does not do, however often it is asked.
#[derive(Debug)]
pub(crate) struct Outage {
    gauge: Arc<StoreGauge>,
    number: u64,
}

impl Outage {
    /// Notes that it was asked once more.
    pub(crate) fn goes_on(&self, error: &str) {
        self.gauge.failed(error);
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        lock(&self.gauge.now).outages.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_call_and_the_first_of_outages_are_told() {
        let gauge = Arc::new(StoreGauge::new("store", StoreKind::Sink));
        let second = || tokio::time::sleep(Duration::from_secs(1));
        let view = || gauge.view(Instant::now());
        let first = gauge.call();
        second().await;
        let later = gauge.call();
        second().await;
        assert_eq!((view().under_way, view().oldest_ms), (2, Some(2_000)));
        first.answered();
        assert_eq!((view().under_way, view().oldest_ms), (1, Some(1_000)));
        drop(later);
        assert_eq!((view().under_way, view().oldest_ms), (0, None));
        // What was given up is no request that had an answer.
        assert_eq!((view().requests, view().latency.sum_us), (1, 2_000_000));

        let first = gauge.outage("no");
        second().await;
        let later = gauge.outage("refused");
        first.goes_on("gone");
        assert_eq!(view().away_ms, Some(1_000));
        assert_eq!(view().error.as_deref(), Some("gone"));
        drop(first);
        assert_eq!(view().away_ms, Some(0));
        drop(later);
        assert_eq!((view().away_ms, view().error), (None, None));
        assert_eq!(view().failures, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_comes_and_goes_is_said_six_times_a_minute() {
        let gauge = StoreGauge::new("store", StoreKind::Sink);
        let mut told = Vec::new();
        for _ in 0..60 {
            told.extend(gauge.may_say(Trouble::Unavailable, true));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, [0, 9, 9, 9, 9, 9]);
        assert_eq!(gauge.may_say(Trouble::AskedAgain, false), None);
        assert_eq!(gauge.may_say(Trouble::AskedAgain, true), Some(1));
    }

    #[test]
    fn words_of_a_store_are_cut_between_two_characters() {
        let gauge = Arc::new(StoreGauge::new("store", StoreKind::Sink));
        let _outage = gauge.outage(&"日".repeat(ERROR_BYTES_MAX));
        let said = gauge.view(Instant::now()).error.unwrap();
        assert_eq!(said.len(), ERROR_BYTES_MAX / 3 * 3);
    }
}
