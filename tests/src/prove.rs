//! The proof of once: members of a group are killed where it hurts most, and the servers that they read from and write to, and each
//! record must be seen exactly once all the same.

mod chaos;
mod faults;
mod feed;
mod judge;
mod kills;
mod member;
mod options;
mod plan;
mod report;
mod stage;
mod stores;

pub use options::{Options, Sink};
pub use report::Report;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::data::{self, Kind};
use crate::place::Place;

use self::chaos::Chaos;
use self::judge::judge;
use self::report::Tally;
use self::stage::{PARTITIONS, Stage};

/// Says a line of progress.
pub type Say = fn(&str);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ends the proof that runs: it panics, so that what it started is ended, too.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Runs one proof. What does not hold is in the report; then the folder with the members' logs is kept.
///
/// # Panics
/// Where the proof cannot be made: a member ends by itself, or nothing moves any more. The folder is kept, too.
#[must_use]
pub fn run(options: Options, say: Say) -> Report {
    let mut kept = Kept::new(Place::default(), options.seed, say);
    let report = prove(options, &kept.place, say);
    kept.is_needed = !report.problems.is_empty();
    report
}

fn prove(options: Options, place: &Place, say: Say) -> Report {
    say(&format!("prove: {options}"));
    let stores = options.sink.stores().iter().map(|kind| kind.start());
    let stores: Vec<_> = stores.collect();
    let input = stores::spoilt(&data::logs(options.records, Kind::Odd), &stores);
    let expected = data::expected(&input, PARTITIONS);
    let stage = Stage::set_up(options, place, stores, input, say);
    stage.say("records are made, the servers are up");
    let mut chaos = Chaos::start(&stage);
    let actions = plan::actions(options);
    for (index, action) in actions.iter().enumerate() {
        chaos.act(action, actions.len() - index);
    }
    let tally: Tally = chaos.settle();
    stage.say("all is settled, comparing");
    let judgement = judge(&stage, &expected);
    Report::new(options, expected.counts, tally, judgement, stage.elapsed())
}

/// The folder of a proof, which outlives one that failed.
pub(crate) struct Kept {
    pub(crate) place: Place,
    seed: u64,
    say: Say,
    pub(crate) is_needed: bool,
}

impl Kept {
    pub(crate) fn new(place: Place, seed: u64, say: Say) -> Self {
        Self {
            place,
            seed,
            say,
            is_needed: false,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.is_needed || thread::panicking() {
            let seed = self.seed;
            let folder = self.place.keep().display().to_string();
            (self.say)(&format!(
                "failed with SEED={seed}; logs and files are in {folder}"
            ));
        }
    }
}
