//! Runs simulations, and makes a failing one small.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::collections::BTreeSet;
use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::Parser;
use tamis_simulation::{Broken, Case, Fault, Swaps};

/// Runs the engine in simulated worlds: time, faults and deaths come from a seed.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  simulate --seeds 100000                       many worlds; a failing one is made small and printed
  simulate --seed 17 --trace                    one of them, with all that happens in it
  simulate --seed 17 --records 3 --without deaths   a part of it")]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 2_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this one alone
    #[arg(long)]
    seed: Option<u64>,
    /// At most this many partitions
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    partitions: usize,
    /// At most this many records in each
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    records: usize,
    /// Troubles to leave out
    #[arg(long)]
    without: Vec<Fault>,
    /// Print all that happens
    #[arg(long, requires = "seed")]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What breaks is said below, once.
    panic::set_hook(Box::new(|_| {}));
    let case = |seed| Case {
        seed,
        partitions_max: arguments.partitions,
        records_max: arguments.records,
        without: arguments.without.iter().copied().collect::<BTreeSet<_>>(),
    };
    let failed = match arguments.seed {
        Some(seed) => one(&case(seed), arguments.trace),
        None => many(arguments.from..arguments.from + arguments.seeds, case),
    };
    match failed {
        None => ExitCode::SUCCESS,
        Some((case, broken)) => {
            println!("FAILED {case}\n  {}", broken.law);
            let small = case.shrink();
            if let (true, Err(broken)) = (small != case, small.run()) {
                println!("made small: {small}\n  {}", broken.law);
            }
            ExitCode::FAILURE
        }
    }
}

type Failure = (Case, Broken);

fn one(case: &Case, trace: bool) -> Option<Failure> {
    match case.run() {
        Ok(outcome) => {
            if trace {
                print!("{}", outcome.trace);
            }
            println!("{case}: {} records stored", outcome.stored);
            None
        }
        Err(broken) => {
            if trace {
                print!("{}", broken.trace);
            }
            Some((case.clone(), broken))
        }
    }
}

/// Runs all of them on all cores; the failure with the smallest seed among those that were found first.
fn many(seeds: std::ops::Range<u64>, case: impl Fn(u64) -> Case + Sync) -> Option<Failure> {
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new((0, Swaps::default()));
    let failure: Mutex<Option<Failure>> = Mutex::new(None);
    let found = || failure.lock().expect("no one panics here");
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while found().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if seed > seeds.start && seed.is_multiple_of(10_000) {
                        eprintln!("{seed} …");
                    }
                    match case(seed).run() {
                        Ok(outcome) => {
                            let (stored, swaps) = &mut *sum.lock().expect("no one panics here");
                            *stored += outcome.stored;
                            *swaps += outcome.swaps;
                        }
                        Err(broken) => {
                            let mut found = found();
                            if found.as_ref().is_none_or(|(case, _)| seed < case.seed) {
                                *found = Some((case(seed), broken));
                            }
                        }
                    }
                }
            });
        }
    });
    let failure = failure.into_inner().expect("no one panics here");
    if failure.is_none() {
        let count = seeds.end - seeds.start;
        let (stored, swaps) = sum.into_inner().expect("no one panics here");
        let Swaps {
            done,
            passed,
            failed,
        } = swaps;
        println!(
            "{count} seeds from {}: {stored} records stored, none lost, none twice; \
             {done} swaps, {passed} trials passed, {failed} taken back",
            seeds.start
        );
    }
    failure
}
