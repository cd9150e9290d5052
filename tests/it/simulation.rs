//! Many worlds, each with faults of its own; see [`tamis_tests::simulation`].

use tamis_tests::simulation;

/// Worlds in each run of the tests; `TAMIS_SEEDS` asks for more.
const SEEDS: u64 = 100;

#[test]
fn nothing_is_lost_whatever_fails() {
    let seeds =
        std::env::var("TAMIS_SEEDS").map_or(SEEDS, |seeds| seeds.parse().expect("a number"));
    let stored: usize = (0..seeds).map(|seed| simulation::run(seed).stored).sum();
    assert!(stored > 0, "the worlds were not empty");
    eprintln!(
        "simulation: seeds 0 to {}, {stored} records stored",
        seeds - 1
    );
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 7, 42] {
        assert_eq!(simulation::run(seed), simulation::run(seed), "seed {seed}");
    }
    assert_ne!(simulation::run(1).trace, simulation::run(2).trace);
}
