//! What happens around a failure: who is blamed, what is kept of it, and what goes on. What can go wrong at all is in `hostile.rs`.

use std::time::Duration;

use tamis_core::transform::Transform;
use tamis_host::{OnQuarantine, PluginLimits};

use crate::support::{apply, batch, limits, rejected, rows, stage, stage_within};

#[test]
fn last_words_are_kept_up_to_a_whole_character() {
    let mut batch = batch(&["bad"]);
    let applied = apply(&mut stage("panic at length"), &mut batch);
    // Each has two bytes.
    let words = "é".repeat(2_048);
    let trap = format!("100/0 trap: wasm `unreachable` instruction executed: {words}");
    assert_eq!(rejected(&applied), [trap]);
}

#[test]
fn a_panic_reaches_the_dead_letter_with_its_place() {
    let mut batch = batch(&["bad"]);
    let applied = apply(&mut stage("panic"), &mut batch);
    let [rejection] = &rejected(&applied)[..] else {
        panic!("{applied:?}")
    };
    let trap = "100/0 trap: wasm `unreachable` instruction executed: panicked at src/misbehave.rs:";
    assert!(rejection.starts_with(trap), "{rejection}");
    assert!(
        rejection.ends_with(":\ncannot stand this record"),
        "{rejection}"
    );
}

#[test]
fn nobody_is_rejected_when_every_part_of_a_failed_batch_succeeds() {
    // The rows fall while there is a record in front of the bad one to fall to.
    let mut batch = batch(&["a", "bad"]);
    let applied = apply(&mut stage("falling rows"), &mut batch);
    assert_eq!(
        rows(&batch),
        ["100/0 a", "101/0 (none)", "101/1 (none)", "101/2 (none)"]
    );
    assert_eq!(rejected(&applied), [""; 0]);
}

#[test]
fn of_a_thousand_records_only_the_guilty_are_rejected() {
    let check = |guilty: &[usize]| {
        let mut values = vec!["a"; 1_000];
        guilty.iter().for_each(|index| values[*index] = "bad");
        let mut batch = batch(&values);
        let applied = apply(&mut stage("panic"), &mut batch);
        let rejected: Vec<u64> = applied
            .rejected
            .iter()
            .map(|one| one.offset - 100)
            .collect();
        assert_eq!(
            rejected,
            guilty.iter().map(|index| *index as u64).collect::<Vec<_>>()
        );
        let kept: Vec<u64> = batch.rows().iter().map(|row| row.offset - 100).collect();
        let innocent = (0..1_000).filter(|index| !guilty.contains(&(*index as usize)));
        assert_eq!(kept, innocent.collect::<Vec<_>>());
    };
    check(&[617]);
    check(&[0]);
    check(&[999]);
    check(&[3, 4]);
    check(&[0, 500, 998]);
    check(&(0..1_000).collect::<Vec<_>>());
}

#[test]
fn what_is_emitted_around_a_trap_keeps_its_bytes() {
    let mut batch = batch(&[
        "twice", "replace", "a", "trap", "reject", "twice", "drop", "replace",
    ]);
    let applied = apply(&mut stage("obey"), &mut batch);
    let expected = [
        "100/0 first",
        "100/1 second",
        "101/0 replaced",
        "102/0 a",
        "105/0 first",
        "105/1 second",
        "107/0 replaced",
    ];
    assert_eq!(rows(&batch), expected);
    let routes = batch
        .rows()
        .iter()
        .map(|row| batch.bytes(row.route).unwrap_or_default());
    let expected: [&[u8]; 7] = [b"left", b"right", b"", b"", b"left", b"right", b""];
    assert_eq!(routes.collect::<Vec<_>>(), expected);
    let trap = "103/0 trap: wasm `unreachable` instruction executed";
    assert_eq!(rejected(&applied), [trap, "104/0 told to"]);
    assert_eq!(applied.dropped, 1);
}

#[test]
fn a_record_is_not_blamed_for_what_others_left_in_the_instance() {
    let mut stage = stage("tire");
    for _ in 0..3 {
        let mut batch = batch(&["a"]);
        let applied = apply(&mut stage, &mut batch);
        assert_eq!(
            (rows(&batch), rejected(&applied)),
            (vec!["100/0 a".to_owned()], vec![])
        );
    }
}

#[test]
fn a_stage_goes_on_with_a_fresh_instance_after_a_trap() {
    let mut stage = stage("panic");
    for _ in 0..3 {
        let mut batch = batch(&["bad", "a"]);
        assert_eq!(apply(&mut stage, &mut batch).rejected.len(), 1);
        assert_eq!(rows(&batch), ["101/0 a"]);
    }
}

#[test]
fn an_instance_that_outgrew_half_its_memory_is_replaced_between_batches() {
    let counts = |action: &str| {
        let mut stage = stage(action);
        let count = |_| {
            let mut batch = batch(&["a"]);
            assert_eq!(rejected(&apply(&mut stage, &mut batch)), [""; 0]);
            rows(&batch)[0]
                .strip_prefix("100/0 ")
                .unwrap()
                .parse::<u32>()
                .unwrap()
        };
        (0..40).map(count).collect::<Vec<_>>()
    };
    assert_eq!(counts("count"), (1..=40).collect::<Vec<_>>());
    // It takes a MiB for each batch and would be at its 16 MiB early.
    let most = counts("hoard").into_iter().max().unwrap();
    assert!((4..=8).contains(&most), "{most}");
}

#[test]
fn the_answers_to_one_batch_are_bounded_when_it_is_searched() {
    // Each record doubles its size and the batch as a whole is over the limit, as are its halves.
    let limits = PluginLimits {
        output_bytes_max: 16,
        ..limits()
    };
    let mut stage = stage_within("obey", limits, OnQuarantine::Stop);
    let error = stage.apply(&mut batch(&["replace"; 64])).unwrap_err();
    let expected = "the plugin is quarantined: more than 64 bytes made of one batch, after: \
                    output limit of 16 bytes";
    assert_eq!(error.reason, expected);
}

#[test]
fn time_is_given_to_each_call_and_not_to_the_instance() {
    let limits = PluginLimits {
        batch_time: Duration::from_millis(50),
        ..limits()
    };
    let mut stage = stage_within("count", limits, OnQuarantine::Stop);
    for batches in 1..=10_000 {
        let mut batch = batch(&["a"]);
        apply(&mut stage, &mut batch);
        assert_eq!(rows(&batch), [format!("100/0 {batches}")]);
    }
}
