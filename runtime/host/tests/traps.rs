//! What ten thousand traps cost the host. A binary of its own, so that no other test takes memory beside it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "host/support.rs"]
mod support;

use std::io::{self, Write};

use tamis_host::PluginTransform;

use support::{apply, batch, rejected, rows, stage};

const TRAPS: usize = 10_000;
/// The memory limit of one instance, and as much again for what the allocator keeps.
const GROWTH_KIB_MAX: usize = 32 << 10;

#[test]
fn ten_thousand_traps_leave_the_host_as_large_as_it_was() {
    let quick = [
        "trap",
        "panic",
        "read out of bounds",
        "overflow the stack",
        "huge output",
        "unknown fate",
    ];
    let mut quick = quick.map(stage);
    let mut greedy = stage("allocate");
    // What the first ones set up is there for all others.
    traps(500, &mut quick, &mut greedy);
    let (before, peak_before) = (memory_kib("VmRSS"), memory_kib("VmHWM"));
    traps(TRAPS, &mut quick, &mut greedy);
    let (after, peak) = (memory_kib("VmRSS"), memory_kib("VmHWM"));
    // Not caught, so that whoever reads the results sees it.
    writeln!(
        io::stderr(),
        "resident before {TRAPS} traps {before} KiB (at most {peak_before}), after {after} KiB (at most {peak})"
    )
    .unwrap();
    assert!(
        after < before + GROWTH_KIB_MAX,
        "{before} KiB, then {after} KiB"
    );
    assert!(
        peak < peak_before + GROWTH_KIB_MAX,
        "at most {peak_before} KiB, then {peak} KiB"
    );
}

/// That many traps; one in a hundred comes after all the memory that there is.
fn traps(count: usize, quick: &mut [PluginTransform], greedy: &mut PluginTransform) {
    for trap in 0..count {
        let index = trap % quick.len();
        let stage = if trap % 100 == 0 {
            &mut *greedy
        } else {
            &mut quick[index]
        };
        // On a fresh instance, as after every failure, the record is guilty at once.
        let mut batch = batch(&["bad"]);
        assert_eq!(rejected(&apply(stage, &mut batch)).len(), 1);
        assert_eq!(rows(&batch), [""; 0]);
    }
}

/// A line of what the system says of this process.
fn memory_kib(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    number.parse().unwrap()
}
