//! The laws that every sink keeps, whatever it writes to. Each is a function over a [`Store`], which is a real server's, and
//! looks at it from both sides: at the verdicts of the sink, and at what the store says that it has.
//!
//! A test of a sink calls [`keep`], and with a server of its own, which is killed, [`outlast`].

mod outages;
mod records;
mod subject;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tamis_core::sink::{SinkError, Verdict};

pub use outages::{Server, outlast, outlast_kills};
pub use records::{PLACE, id, of as records_of, records, value};
pub use subject::Subject;
pub use tamis_core::causes;

/// Destinations of one test in a store, and how a sink writes to them.
///
/// What is made of it first must be empty and no other test's; what it needs to be there (an index with a mapping, a table) is
/// there once it is made.
pub trait Store: Sync {
    /// The one line of a pipeline that says what the sink is, as in `elasticsearch: { urls: ["http://ADDRESS"], … }`. It is
    /// reached at `address`, and where it waits for answers, it waits for two seconds at most. `None` where there is no such case.
    fn sink(&self, address: &str, case: Case) -> Option<String>;

    /// `host:port` of the server; `None` where there is none.
    fn address(&self) -> Option<String>;

    /// Whatever is there now, in any of its destinations: each id with what its record holds, as often as it is there.
    /// Where a store keeps no ids, they are worked out of `n` by [`id`].
    fn stored(&self) -> Vec<(String, Value)>;

    /// A value that the store itself refuses beside good ones, and words of its own that the reason has; `None` where it takes
    /// whatever comes.
    fn bad(&self) -> Option<(Vec<u8>, &'static str)>;

    /// What a person is told to mend in this case, in part.
    fn advice(&self, case: Case) -> &'static str;

    /// Whether a record may be there more than once under its id, since the store does not tell.
    fn repeats(&self) -> bool {
        false
    }
}

/// What a sink is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It writes to the one destination that is there.
    Usual,
    /// The same with credentials that the server refuses.
    Refused,
    /// It writes to a destination, fixed by the configuration, that is not there, and that is made by no one.
    Missing,
    /// It writes to the destination that a record's field `/to` names, in whole or in part. With `there` that is one that is
    /// there or made; with `missing` it is not there, and made by no one.
    Named,
}

/// A law over a store.
type Law<S> = fn(&S);

/// Looks whether the sink of a store keeps the laws that need no server of their own; `fresh` makes the store of each.
///
/// # Panics
/// Where it breaks one; names all that it breaks.
pub fn keep<S: Store>(fresh: impl Fn() -> S + Sync) {
    let laws: [(&str, Law<S>); 9] = [
        ("an empty batch is a no-op", empty_batch),
        ("a verdict for every record, in order", verdicts_in_order),
        ("a repeat changes nothing", repeat),
        ("a bad record spoils only itself", bad_record),
        (
            "a verdict of a lost generation changes nothing",
            lost_generation,
        ),
        ("refused credentials stop with what to mend", refused),
        ("a fixed destination that is missing stops", missing),
        (
            "a missing destination of a record's own is a dead letter",
            missing_by_name,
        ),
        ("a server that is away is unavailable", outages::away),
    ];
    let broken = |(name, law): &(&str, Law<S>)| {
        let held = catch_unwind(AssertUnwindSafe(|| law(&fresh())));
        held.is_err().then(|| (*name).to_owned())
    };
    let broken = &broken;
    let broken: Vec<_> = thread::scope(|scope| {
        let threads = laws.each_ref().map(|law| scope.spawn(move || broken(law)));
        let ended = threads
            .into_iter()
            .filter_map(|it| it.join().expect("it catches panics"));
        ended.collect()
    });
    assert!(broken.is_empty(), "broken: {broken:?}; see above for each");
}

fn empty_batch<S: Store>(store: &S) {
    let subject = Subject::of(store);
    assert_eq!(
        subject
            .write(&records(0..0))
            .expect("there is nothing to refuse"),
        []
    );
    assert_these(store, []);
}

fn verdicts_in_order<S: Store>(store: &S) {
    let subject = Subject::of(store);
    let all = records(0..100);
    assert_eq!(subject.settle(&all), vec![Verdict::Written; 100]);
    assert_these(store, 0..100);
    // Bad ones among good ones: each is refused in its place.
    let Some((bad, _)) = store.bad() else { return };
    let is_bad = |n: u64| n.is_multiple_of(7);
    let values = (100..200).map(|n| if is_bad(n) { bad.clone() } else { value(n) });
    let verdicts = subject.settle(&records::of(100, values));
    for (n, verdict) in (100..200).zip(verdicts) {
        match verdict {
            Verdict::Written => assert!(!is_bad(n), "{n} is bad"),
            Verdict::Rejected(_) => assert!(is_bad(n), "{n} is good"),
            Verdict::Retry(reason) => unreachable!("settled: {reason}"),
        }
    }
}

fn repeat<S: Store>(store: &S) {
    let subject = Subject::of(store);
    let all = records(0..100);
    // What of a run can be repeated is that it is shown, and it is with every write.
    for _ in 0..if subject.is_keyed() { 3 } else { 1 } {
        assert_eq!(subject.settle(&all), vec![Verdict::Written; 100]);
        assert_these(store, 0..100);
    }
    // Of a sink that is made anew, and among others that are new.
    if subject.is_keyed() {
        let subject = Subject::of(store);
        assert_eq!(
            subject.settle(&records(50..150)),
            vec![Verdict::Written; 100]
        );
        assert_these(store, 0..150);
    }
}

fn bad_record<S: Store>(store: &S) {
    let Some((bad, words)) = store.bad() else {
        return;
    };
    let subject = Subject::of(store);
    for at in [0, 7, 19] {
        let from = at * 100;
        let values = (from..from + 20).map(|n| {
            if n == from + at {
                bad.clone()
            } else {
                value(n)
            }
        });
        let verdicts = subject.settle(&records::of(from, values));
        for (n, verdict) in (from..).zip(verdicts) {
            match verdict {
                Verdict::Rejected(reason) if n == from + at => {
                    assert!(reason.contains(words), "{reason:?} does not say {words:?}");
                }
                verdict => assert_eq!(verdict, Verdict::Written, "{n}"),
            }
        }
    }
    let good = [0, 7, 19].map(|at| (at * 100..at * 100 + 20).filter(move |n| *n != at * 101));
    assert_these(store, good.into_iter().flatten());
}

/// A writer drops a request at any moment when its generation is lost. Whoever has the partition next writes the same again.
fn lost_generation<S: Store>(store: &S) {
    let subject = Subject::of(store);
    let (mut dropped, mut end) = (0, 0);
    // On a busy machine the answer can be there before anyone could drop the write: then others are written.
    while dropped == 0 && end < 10_000 {
        let all = records(end..end + 200);
        end += 200;
        let mut patience = Duration::ZERO;
        while subject.write_within(&all, patience).is_none() {
            dropped += 1;
            patience = (patience * 2).max(Duration::from_micros(50));
        }
        if subject.is_keyed() {
            assert_eq!(Subject::of(store).settle(&all), vec![Verdict::Written; 200]);
        }
    }
    assert!(dropped > 0, "no write was dropped");
    assert_these(store, 0..end);
}

fn refused<S: Store>(store: &S) {
    stops(store, Case::Refused);
}

fn missing<S: Store>(store: &S) {
    stops(store, Case::Missing);
}

/// A sink for this `case` cannot be made, or cannot write.
fn stops<S: Store>(store: &S, case: Case) {
    let address = store.address().unwrap_or_default();
    let Some(sink) = store.sink(&address, case) else {
        return;
    };
    let outcome = Subject::connect(&sink).and_then(|subject| subject.try_settle(&records(0..10)));
    match outcome {
        Err(SinkError::Misconfigured(error)) => {
            let (said, advice) = (causes(&*error), store.advice(case));
            assert!(said.contains(advice), "{said:?} does not say {advice:?}");
        }
        other => panic!("{case:?} did not stop: {other:?}"),
    }
    assert_these(store, []);
}

fn missing_by_name<S: Store>(store: &S) {
    let address = store.address().unwrap_or_default();
    let Some(sink) = store.sink(&address, Case::Named) else {
        return;
    };
    let subject = Subject::connect(&sink).expect("the store is there");
    let to = |n: u64| {
        if n.is_multiple_of(3) {
            "missing"
        } else {
            "there"
        }
    };
    let values = (0..30).map(|n| records::value_to(n, to(n)));
    let verdicts = subject.settle(&records::of(0, values));
    for (n, verdict) in (0..).zip(verdicts) {
        match verdict {
            Verdict::Rejected(reason) => {
                assert_eq!(to(n), "missing", "{n}: {reason}");
                assert!(!reason.is_empty());
            }
            verdict => assert_eq!((to(n), verdict), ("there", Verdict::Written), "{n}"),
        }
    }
    assert_these(store, (0..30).filter(|n| to(*n) == "there"));
}

/// Panics unless the records with these numbers, and no others, are there once.
fn assert_these<S: Store>(store: &S, numbers: impl IntoIterator<Item = u64>) {
    let mut there = BTreeMap::new();
    for (id, value) in store.stored() {
        if let Some(before) = there.insert(id.clone(), value.clone()) {
            assert!(store.repeats(), "{id} is there twice");
            assert_eq!(before, value, "{id} is there with two values");
        }
    }
    let mut others = Vec::new();
    for n in numbers {
        match there.remove(&id(n)) {
            Some(found) => assert_eq!(records::bare(found), records::bare_of(n), "{}", id(n)),
            None => others.push(n),
        }
    }
    assert!(others.is_empty(), "not there: {others:?}");
    assert!(there.is_empty(), "never written: {there:?}");
}
