//! The laws about a server that is not what it should be: away, slow, killed in the middle.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tamis_core::sink::{SinkError, Verdict};
use tokio::time::Instant;

use super::{Case, Store, Subject, assert_these, records};
use crate::proxy::{Proxy, Way};
use crate::wait::{LONG, eventually};

/// Records in one write.
const CHUNK: u64 = 20;
/// Between two writes, so that there is not more to be looked at in the end than it takes.
const PACE: Duration = Duration::from_millis(20);
/// How long nothing is written until an outage counts as felt, where a sink waits it out itself.
const FELT: Duration = Duration::from_secs(3);
/// How many connections are cut in the middle of an answer.
const CUTS: u64 = 8;

/// A server of a test's own.
pub trait Server: Store {
    /// Kills it (SIGKILL). What it has acknowledged stays.
    fn kill(&self);

    /// Starts it, and waits until it is ready.
    fn start(&self);
}

/// Nothing is said about records by a server that cannot be reached, and they are written once it can.
pub(super) fn away<S: Store>(store: &S) {
    let Some(address) = store.address() else {
        return;
    };
    let proxy = Proxy::to(&address);
    proxy.set(Way::Closed);
    let sink = store.sink(&proxy.address(), Case::Usual);
    let sink = sink.expect("every store has the usual case");
    let all = records(0..10);
    let said = Subject::connect(&sink).and_then(|subject| subject.write(&all));
    assert!(matches!(said, Err(SinkError::Unavailable(_))), "{said:?}");
    assert_these(store, []);
    proxy.set(Way::Open);
    let subject = Subject::connect(&sink).expect("it is there now");
    assert_eq!(subject.settle(&all), vec![Verdict::Written; 10]);
    assert_these(store, 0..10);
}

/// Looks whether a sink loses and doubles nothing while its server, which is up, is cut off in the middle of answers, stands
/// still, is away, is killed and started again; all of it while records are written.
///
/// # Panics
/// Where it does.
pub fn outlast<S: Server>(store: &S) {
    let proxy = Proxy::to(&store.address().expect("a server has an address"));
    under_load(store, &proxy.address(), |load| {
        for answer_bytes in 0..CUTS {
            let before = proxy.cuts();
            proxy.set(Way::CutAfter(answer_bytes * 40));
            eventually(LONG, "a connection is cut", || proxy.cuts() > before);
            proxy.set(Way::Open);
            load.await_progress();
        }
        for way in [Way::Stalled, Way::Closed] {
            proxy.set(way);
            load.await_trouble();
            proxy.set(Way::Open);
            load.await_progress();
        }
        kill_twice(store, load);
    });
}

/// The same for a server that tells its clients where to reach it, so that nothing can be put in between: it is only killed.
///
/// # Panics
/// Where the sink loses or doubles a record.
pub fn outlast_kills<S: Server>(store: &S) {
    let address = store.address().expect("a server has an address");
    under_load(store, &address, |load| kill_twice(store, load));
}

fn kill_twice<S: Server>(store: &S, load: &Load) {
    for _ in 0..2 {
        store.kill();
        load.await_trouble();
        store.start();
        load.await_progress();
    }
}

/// Does `what` while records are written to `store` at `address`, and looks at what is there in the end.
fn under_load<S: Server>(store: &S, address: &str, what: impl FnOnce(&Load)) {
    let sink = store.sink(address, Case::Usual);
    let sink = sink.expect("every store has the usual case");
    let subject = Subject::connect(&sink).expect("it is up");
    let load = Load::default();
    thread::scope(|scope| {
        for _ in 0..subject.writes_max() {
            scope.spawn(|| load.write(&subject));
        }
        // Ends the writers where an assertion fails, too.
        let _ends = EndOf(&load);
        load.await_progress();
        what(&load);
    });
    let written = load.written.into_inner().expect("no writer panicked");
    assert!(!written.is_empty(), "records were written");
    assert_these(
        store,
        written.into_iter().flat_map(|first| first..first + CHUNK),
    );
}

/// Records that are written one chunk after the other.
#[derive(Debug, Default)]
struct Load {
    next: AtomicU64,
    /// The first record of each chunk that is settled.
    written: Mutex<Vec<u64>>,
    /// Writes that failed, in whole or in part.
    failures: AtomicU64,
    ended: AtomicBool,
}

impl Load {
    fn write(&self, subject: &Subject) {
        // Whatever has begun is settled: what was sent and not acknowledged may be there.
        while !self.ended.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            self.settle(subject, first);
            self.written
                .lock()
                .expect("no writer panics here")
                .push(first);
            thread::sleep(PACE);
        }
    }

    fn settle(&self, subject: &Subject, first: u64) {
        let mut open = records(first..first + CHUNK);
        let started = Instant::now();
        while !open.is_empty() {
            assert!(started.elapsed() < LONG, "{first} is not settled");
            let open_now: Vec<_> = match subject.write(&open) {
                Ok(verdicts) => (0..).zip(verdicts).filter_map(open_still).collect(),
                Err(SinkError::Unavailable(_)) => (0..open.len()).collect(),
                Err(error) => panic!("an outage is no reason to stop: {error:?}"),
            };
            if !open_now.is_empty() {
                self.failures.fetch_add(1, Ordering::Relaxed);
                thread::sleep(PACE);
            }
            open = open.select(open_now);
        }
    }

    fn settled(&self) -> usize {
        self.written.lock().expect("no writer panics here").len()
    }

    /// Waits until records are written, more than could have been under way.
    fn await_progress(&self) {
        let before = self.settled();
        eventually(LONG, "records are written", || self.settled() > before + 10);
    }

    /// Waits until a write fails, or none ends for a while.
    fn await_trouble(&self) {
        let failures = || self.failures.load(Ordering::Relaxed);
        let (failed, mut settled, mut since) = (failures(), self.settled(), Instant::now());
        eventually(LONG, "the outage is felt", || {
            if self.settled() > settled {
                (settled, since) = (self.settled(), Instant::now());
            }
            failures() > failed || since.elapsed() > FELT
        });
    }
}

fn open_still((index, verdict): (usize, Verdict)) -> Option<usize> {
    match verdict {
        Verdict::Written => None,
        Verdict::Retry(_) => Some(index),
        Verdict::Rejected(reason) => panic!("an outage is no reason to reject: {reason}"),
    }
}

/// Ends the writers of a load.
struct EndOf<'a>(&'a Load);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}
