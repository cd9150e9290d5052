//! The hostile plugins, as tables: what each does wrong, and what Tamis says of it. That is all that it comes to: the records
//! around the bad one go on, and so does the lane.
#![expect(
    clippy::print_stdout,
    reason = "with --nocapture it shows what Tamis says of each"
)]

use std::sync::Arc;
use std::time::Duration;

use tamis_core::transform::Transform;
use tamis_host::{Grants, OnQuarantine, Plugin, PluginLimits, PluginTransform};

use crate::raw::raw;
use crate::support::{apply, batch, engine, guest, limits, rejected, rows, stage};

/// What the guest that misbehaves by its settings does about the bad record, and why that is rejected. What stands for `…`
/// depends on compilers.
const BY_SETTINGS: &[(&str, &str)] = &[
    ("trap", "wasm `unreachable` instruction executed"),
    (
        "panic",
        "wasm `unreachable` instruction executed: panicked at src/misbehave.rs:…",
    ),
    ("panic with a huge message", "output limit of 512 KiB"),
    ("read out of bounds", "out of bounds memory access"),
    ("overflow the stack", "call stack exhausted"),
    ("overflow its own stack", "out of bounds memory access"),
    ("loop", "time limit of 100 ms"),
    ("allocate", "memory limit of 16 MiB…"),
    ("allocate at once", "memory limit of 16 MiB…"),
    ("huge output", "output limit of 512 KiB"),
    ("many outputs", "limit of 4 outputs of one record"),
    ("too few fates", "malformed answer: 0 fates for 1 records"),
    ("too many fates", "malformed answer: 2 fates for 1 records"),
    (
        "unknown fate",
        "malformed answer: record 0 has the unknown fate 4",
    ),
    (
        "ragged rows",
        "malformed answer: the last row has 4 of 5 numbers",
    ),
    (
        "row of no record",
        "malformed answer: row 0 names record 1 of 1",
    ),
    (
        "row of a negative record",
        "malformed answer: row 0 names record -1 of 1",
    ),
    (
        "keep with a row",
        "malformed answer: record 0 is kept or dropped, yet a row names it",
    ),
    (
        "reject without a row",
        "malformed answer: record 0 is rejected by 0 rows, not one",
    ),
    (
        "reject with two rows",
        "malformed answer: record 0 is rejected by 2 rows, not one",
    ),
    (
        "reject without a reason",
        "malformed answer: row 0 rejects without a reason",
    ),
    (
        "bytes of no row",
        "malformed answer: the rows take 0 of 1 bytes",
    ),
    (
        "row past the end",
        "malformed answer: row 0 reaches past the end of 0 bytes",
    ),
    (
        "row far past the end",
        "malformed answer: row 0 reaches past the end of 0 bytes",
    ),
    (
        "length below the least",
        "malformed answer: row 0 has the length -3",
    ),
    ("same route", "malformed answer: row 0 has the length -2"),
    (
        "route in bytes",
        "malformed answer: the route of row 0 is not UTF-8",
    ),
    (
        "headers in no form",
        "malformed answer: the headers of row 0 are not in the form",
    ),
    (
        "timestamps for no rows",
        "malformed answer: 1 timestamps for 0 rows",
    ),
    (
        "count without a name",
        "malformed answer: 1 counts with 0 names",
    ),
    (
        "line of no record",
        "malformed answer: a line of the log is about record 1 of 1",
    ),
    ("huge reason", "output limit of 512 KiB"),
    (
        "a reason longer than the answer",
        "malformed answer: row 0 reaches past the end of 0 bytes",
    ),
];

/// What the plugin by hand has at one place, and why the bad record is rejected.
const BY_HAND: &[(&str, &str, &str, &str)] = &[
    (
        "grows its table",
        "process",
        "(loop $more (br_if $more (i32.ge_s (table.grow $table (ref.null func) (i32.const 9000)) (i32.const 0)))) unreachable",
        "table limit of 100000 elements",
    ),
    (
        "grows its memory to the last page",
        "process",
        "(loop $more (br_if $more (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) unreachable",
        "memory limit of 16 MiB",
    ),
    (
        "calls nothing",
        "process",
        "(call_indirect (type $nothing) (i32.const 0))",
        "uninitialized element",
    ),
    (
        "divides by zero",
        "process",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "integer divide by zero",
    ),
    (
        "answers from beyond its memory",
        "process",
        "(return (i32.const -16))",
        "pointer out of bounds of memory",
    ),
    (
        "answers from an odd place",
        "process",
        "(return (i32.const 65))",
        "return pointer not aligned",
    ),
    (
        "has more fates than memory",
        "process",
        "(i32.store (i32.const 68) (i32.const -1))",
        "list pointer/length out of bounds of memory",
    ),
    (
        "has rows at an odd place",
        "process",
        "(i32.store (i32.const 72) (i32.const 1)) (i32.store (i32.const 76) (i32.const 5))",
        "list pointer is not aligned",
    ),
    (
        "says all of its memory four times",
        "process",
        "(i64.store (i32.const 64) (i64.const 0x8000000000000)) (i64.store (i32.const 72) (i64.const 0x2000000000000))
         (i64.store (i32.const 80) (i64.const 0x1000000000000)) (i64.store (i32.const 88) (i64.const 0x8000000000000))",
        "output limit of 512 KiB",
    ),
    (
        "never stops to say its last words",
        "process",
        "(loop $again (call $panicked (i32.const 0) (i32.const 3)) (br $again))",
        "time limit of 100 ms: raw",
    ),
    (
        "has last words from beyond its memory",
        "process",
        "(call $panicked (i32.const -16) (i32.const 3))",
        "string pointer/length out of bounds of memory",
    ),
    (
        "traps when it is given memory",
        "realloc",
        "unreachable",
        "wasm `unreachable` instruction executed",
    ),
    (
        "loops when it is given memory",
        "realloc",
        "(loop $again (br $again))",
        "time limit of 100 ms",
    ),
    (
        "wants to be written to beyond its memory",
        "realloc",
        "(return (i32.const -16))",
        "realloc return: beyond end of memory",
    ),
    (
        "calls back when it is given memory",
        "realloc",
        "(call $panicked (i32.const 0) (i32.const 3))",
        "cannot leave component instance",
    ),
    (
        "traps when its answer was taken",
        "after",
        "unreachable",
        "wasm `unreachable` instruction executed",
    ),
    (
        "loops when its answer was taken",
        "after",
        "(loop $again (br $again))",
        "time limit of 100 ms",
    ),
];

/// What keeps the plugin by hand from its start.
const NOT_STARTED: &[(&str, &str, &str, &str)] = &[
    (
        "traps in describe",
        "describe",
        "unreachable",
        "failed when asked to describe itself: wasm `unreachable` instruction executed;",
    ),
    (
        "has a name beyond its memory",
        "describe",
        "(i32.store (i32.const 36) (i32.const -1))",
        "failed when asked to describe itself: string pointer/length out of bounds of memory;",
    ),
    (
        "has a name that is no text",
        "describe",
        "(i32.store8 (i32.const 0) (i32.const 0xFF))",
        "failed when asked to describe itself: invalid utf-8",
    ),
    (
        "has a name of two megabytes",
        "describe",
        "(drop (memory.grow (i32.const 32))) (i32.store (i32.const 36) (i32.const 0x200000))",
        "failed when asked to describe itself: output limit of 1 MiB;",
    ),
    (
        "begins with more memory than there is",
        "pages",
        "5000",
        "failed when asked to describe itself: memory limit of 256 MiB;",
    ),
    (
        "begins with a huge table",
        "elements",
        "1000000",
        "failed when asked to describe itself: table limit of 100000 elements;",
    ),
    (
        "traps in configure",
        "configure",
        "unreachable",
        "it did not start: wasm `unreachable` instruction executed",
    ),
    (
        "loops in configure",
        "configure",
        "(loop $again (br $again))",
        "it did not start: time limit of 100 ms",
    ),
    (
        "refuses its settings at length",
        "configure",
        "(drop (memory.grow (i32.const 32))) (i32.store (i32.const 256) (i32.const 1)) (i32.store (i32.const 272) (i32.const 0x200000))",
        "it did not start: output limit of 1 MiB",
    ),
    (
        "neither takes nor refuses its settings",
        "configure",
        "(i32.store8 (i32.const 256) (i32.const 7))",
        "it did not start: invalid expected discriminant",
    ),
];

/// Whether `said` is what was expected: all of it, or what is in front of `…`.
fn is_as(said: &str, expected: &str) -> bool {
    match expected.strip_suffix('…') {
        Some(begin) => said.starts_with(begin),
        None => said == expected,
    }
}

/// The bad record alone pays for what `stage` does about it.
fn check(name: &str, stage: &mut PluginTransform, reason: &str) {
    let mut first = batch(&["a", "b", "bad", "c"]);
    let applied = apply(stage, &mut first);
    assert_eq!(rows(&first), ["100/0 a", "101/0 b", "103/0 c"], "{name}");
    let [said] = &rejected(&applied)[..] else {
        panic!("{name}: {applied:?}")
    };
    let reason = format!("102/0 trap: {reason}");
    assert!(is_as(said, &reason), "{name}: {said}\nnot: {reason}");
    assert_eq!(applied.dropped, 0, "{name}");
    println!("{name}: {said}");

    let mut second = batch(&["d", "e"]);
    let applied = apply(stage, &mut second);
    assert_eq!(rows(&second), ["100/0 d", "101/0 e"], "{name}");
    assert_eq!(rejected(&applied), [""; 0], "{name}");
}

fn start(plugin: Plugin, settings: &str) -> Result<PluginTransform, String> {
    let stop = OnQuarantine::Stop;
    PluginTransform::new(
        Arc::new(plugin),
        "guest",
        settings.to_owned(),
        limits(),
        stop,
    )
    .map_err(|error| error.to_string())
}

#[test]
fn a_plugin_that_misbehaves_by_its_settings_costs_the_bad_record() {
    for &(action, reason) in BY_SETTINGS {
        check(action, &mut stage(action), reason);
    }
}

#[test]
fn a_plugin_that_sleeps_costs_the_bad_record() {
    let clock = Grants { clock: true };
    let plugin = Plugin::from_bytes(engine(), "clock.wasm", &guest("clock"), clock).unwrap();
    let mut stage = start(plugin, r#"{"do": "sleep"}"#).unwrap();
    check("sleep", &mut stage, "time limit of 100 ms");
}

#[test]
fn a_plugin_by_hand_costs_the_bad_record() {
    for &(name, place, text, reason) in BY_HAND {
        let plugin = raw(&[(place, text)]).unwrap_or_else(|error| panic!("{name}: {error}"));
        check(name, &mut start(plugin, "{}").unwrap(), reason);
    }
}

#[test]
fn a_plugin_that_does_not_start_says_why() {
    for &(name, place, text, reason) in NOT_STARTED {
        let said = raw(&[(place, text)]).and_then(|plugin| start(plugin, "{}"));
        let said = said.expect_err(name);
        let said = said.strip_prefix("raw.wasm ").unwrap_or(&said);
        assert!(said.starts_with(reason), "{name}: {said}\nnot: {reason}");
        println!("{name}: {said}");
    }
}

#[test]
fn a_reason_that_shares_its_bytes_with_all_else_is_but_a_reason() {
    // Of several records it makes one fate. The fate of one is a byte of its row, the reason is where the values are.
    let text = "(i64.store (i32.const 64) (i64.const 0x1_0000_0084)) (i64.store (i32.const 72) (i64.const 0x5_0000_0080))
                (i32.store (i32.const 88) (i32.load (local.get $batch))) (i32.store (i32.const 92) (i32.const 3))";
    let mut stage = start(raw(&[("process", text)]).unwrap(), "{}").unwrap();
    let mut batch = batch(&["a", "b", "bad", "c"]);
    let applied = apply(&mut stage, &mut batch);
    assert_eq!(rows(&batch), ["100/0 a", "101/0 b", "103/0 c"]);
    assert_eq!(rejected(&applied), ["102/0 bad"]);
}

#[test]
fn a_plugin_with_a_flipped_bit_loses_no_record() {
    let sound = crate::raw::bytes(&[]);
    let limits = PluginLimits {
        batch_time: Duration::from_millis(10),
        search_time: Duration::from_millis(200),
        ..limits()
    };
    let (mut refused, mut stopped, mut ran) = (0, 0, 0);
    for bit in (0..sound.len() * 8).step_by(29) {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(plugin) = Plugin::from_bytes(engine(), "x.wasm", &bytes, Grants::default()) else {
            refused += 1;
            continue;
        };
        let (plugin, limits) = (Arc::new(plugin), limits.clone());
        let stage =
            PluginTransform::new(plugin, "guest", "{}".to_owned(), limits, OnQuarantine::Stop);
        let mut batch = batch(&["a", "b", "bad", "c"]);
        let Ok(Ok(applied)) = stage.map(|mut stage| stage.apply(&mut batch)) else {
            stopped += 1;
            continue;
        };
        let mut offsets: Vec<u64> = batch.rows().iter().map(|row| row.offset).collect();
        offsets.dedup();
        let rejected = applied.rejected.len() as u64;
        let all = offsets.len() as u64 + applied.dropped + rejected;
        assert_eq!(all, 4, "bit {bit}: {applied:?}");
        ran += 1;
    }
    println!("{refused} refused, {stopped} stopped the pipeline, {ran} ran");
    assert!(refused > 0 && ran > 0);
}
