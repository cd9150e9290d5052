//! Many worlds, each with faults of its own.

use std::collections::BTreeSet;

use tamis_simulation::{Case, Fault, Swaps};

/// Worlds in each run of the tests; `make simulate SEEDS=` runs more.
const SEEDS: u64 = 2_000;

#[test]
fn nothing_is_lost_or_doubled_whatever_fails() {
    let (mut stored, mut swaps, mut paused) = (0, Swaps::default(), 0);
    for seed in 0..SEEDS {
        match Case::new(seed).run() {
            Ok(outcome) => {
                stored += outcome.stored;
                swaps += outcome.swaps;
                paused += outcome.trace.matches("\npaused\n").count();
            }
            Err(broken) => panic!("{}: {}", Case::new(seed), broken.law),
        }
    }
    assert!(stored > 0, "the worlds were not empty");
    assert!(
        paused > 0,
        "someone paused a pipeline until nothing was in flight"
    );
    let Swaps {
        done,
        passed,
        failed,
    } = swaps;
    assert!(done > 0 && passed > 0 && failed > 0, "{swaps:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 42] {
        let again = Case::new(seed).run();
        assert_eq!(Case::new(seed).run(), again, "seed {seed}");
    }
    let trace = |seed| Case::new(seed).run().map(|outcome| outcome.trace);
    assert_ne!(trace(1), trace(2));
}

#[test]
fn a_part_of_a_world_has_fewer_records_and_troubles() {
    let whole = Case::new(3);
    let part = Case {
        partitions_max: 1,
        records_max: 2,
        without: BTreeSet::from([Fault::Deaths, Fault::Rebalances]),
        ..whole.clone()
    };
    let (whole, outcome) = (whole.run().unwrap(), part.run().unwrap());
    assert!(outcome.stored < whole.stored);
    assert!(!outcome.trace.contains("rebalance"), "{}", outcome.trace);
    assert_eq!(
        part.to_string(),
        "--seed 3 --partitions 1 --records 2 --without deaths --without rebalances"
    );
}
