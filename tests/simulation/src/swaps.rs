//! Other plugins in the place of those that run, in the midst of a life: good ones, and some that have to be taken back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tamis_core::{Link, NextChain, Swapper, Trial, TrialLimits, TrialState};

use crate::transform::{self, Flaw};
use crate::world::World;

/// The reason of a person who takes a version back.
pub(crate) const TAKEN_BACK: &str = "taken back";

/// What became of swaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swaps {
    /// Those that all lanes made.
    pub done: u64,
    /// Trials that new plugins passed.
    pub passed: u64,
    /// Trials after which those before them were back.
    pub failed: u64,
}

impl std::ops::AddAssign for Swaps {
    fn add_assign(&mut self, more: Self) {
        self.done += more.done;
        self.passed += more.passed;
        self.failed += more.failed;
    }
}

/// All versions of the second plugin in one life, and who decided what.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    swaps: Vec<Swap>,
    /// By lane: the versions that decided its batches, one after the other.
    decided: BTreeMap<usize, Vec<u32>>,
}

#[derive(Debug)]
struct Swap {
    from: u32,
    to: u32,
    trial: Option<Arc<Trial>>,
}

impl History {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `version` decided a batch of `lane`, for good.
    pub(crate) fn decided(&self, lane: usize, version: u32) {
        self.told().decided.entry(lane).or_default().push(version);
    }

    /// Checks that each lane, and so each partition, saw the versions in the order in which they ran.
    pub(crate) fn check(&self) {
        let told = self.told();
        let mut ran = vec![0];
        for Swap { from, to, trial } in &told.swaps {
            ran.push(*to);
            let state = trial.as_ref().map(|trial| trial.state());
            if matches!(state, Some(TrialState::Failed(_))) {
                ran.push(*from);
            }
        }
        for (lane, versions) in &told.decided {
            let mut versions = versions.clone();
            versions.dedup();
            let mut rest = ran.iter();
            let in_order = versions
                .iter()
                .all(|version| rest.any(|ran| ran == version));
            assert!(
                in_order,
                "lane {lane} saw {versions:?}, and there ran {ran:?}"
            );
        }
    }
}

/// Swaps the plugins of a life a few times, then waits for its end.
pub(crate) async fn run(world: &Arc<World>, swapper: Swapper, history: &Arc<History>) {
    let mut running = 0;
    for to in 1..=world.faults().swaps {
        tokio::time::sleep(world.random_ms(0..600)).await;
        let flaw = world.random(|random| match random.u8(0..4) {
            0 => Flaw::Fails,
            1 => Flaw::Refuses,
            _ => Flaw::None,
        });
        let on_trial = flaw != Flaw::None || world.chance(70);
        let trial = on_trial.then(|| Arc::new(Trial::new(limits(flaw))));
        world.say(&format!("swap {running} {to} {flaw:?} on_trial={on_trial}"));
        let from = running;
        history.told().swaps.push(Swap {
            from,
            to,
            trial: trial.clone(),
        });
        // What would stop the one before is left to a version that fails, too: it would make letters of what it fails on beside.
        world.go_on(flaw == Flaw::Fails);
        let next =
            (0..swapper.lanes()).map(|lane| next(world, lane, to, flaw, trial.as_ref(), history));
        if swapper.swap(next.collect()).await.is_err() {
            let stops = tokio::time::timeout(Duration::ZERO, swapper.stopping()).await;
            let is_over = world.is_read() || stops.is_ok();
            assert!(is_over, "lanes were not swapped, and the pipeline goes on");
            break;
        }
        world.count(|swaps| swaps.done += 1);
        running = to;
        if let Some(trial) = trial {
            if end(world, &trial, to, flaw).await == TrialState::Passed {
                world.count(|swaps| swaps.passed += 1);
            } else {
                world.count(|swaps| swaps.failed += 1);
                running = from;
            }
        }
        world.go_on(false);
    }
    std::future::pending::<()>().await;
}

/// How the trial of the version `to` ends.
async fn end(world: &World, trial: &Trial, to: u32, flaw: Flaw) -> TrialState {
    let end = tokio::time::timeout(world.random_ms(0..800), trial.ended()).await;
    // A person may take back what nobody found guilty; no one lets stay what is.
    if end.is_err() && (flaw != Flaw::None || world.chance(30)) {
        trial.fail(TAKEN_BACK.to_owned());
    } else if end.is_err() {
        trial.pass();
    }
    let state = trial.state();
    world.say(&format!("trial of {to}: {state:?}"));
    match &state {
        TrialState::Failed(reason) if reason != TAKEN_BACK => assert!(
            flaw != Flaw::None || world.has_stopped(),
            "a good one was taken back: {reason}"
        ),
        TrialState::Failed(_) => {}
        TrialState::Passed | TrialState::Running => {
            assert_eq!(flaw, Flaw::None, "a bad one stays");
        }
    }
    state
}

fn limits(flaw: Flaw) -> TrialLimits {
    TrialLimits {
        // A good version refuses just what the others do. One that fails is to be found guilty of that alone.
        rejected_per_million_max: if flaw == Flaw::Fails { 1_000_000 } else { 0 },
        record_nanos_max: None,
    }
}

/// A new second plugin for one lane, behind the first one that is there or a new one.
fn next(
    world: &Arc<World>,
    lane: usize,
    version: u32,
    flaw: Flaw,
    trial: Option<&Arc<Trial>>,
    history: &Arc<History>,
) -> NextChain {
    let [first, second] = transform::chain(world, version, flaw, trial, Some((history, lane)));
    let first = if world.chance(50) {
        Link::Kept(0)
    } else {
        Link::New(first)
    };
    NextChain {
        links: vec![first, Link::New(second)],
        trial: trial.map(Arc::clone),
    }
}
