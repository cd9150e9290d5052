//! Everything that a plugin can do wrong.

use std::hint::black_box;

use crate::answers::{EMIT, NONE, REJECT, SAME, keep};
use crate::host;
use crate::tamis::plugin::records::Answer;

/// Does the wrong thing about the record `at` of `records`.
pub(crate) fn misbehave(action: &str, at: usize, records: usize) -> Answer {
    match action {
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("cannot stand this record"),
        "panic at length" => {
            host::panicked(&"é".repeat(5_000));
            core::arch::wasm32::unreachable()
        }
        "panic with a huge message" => panic!("{}", "x".repeat(1 << 20)),
        "read out of bounds" => read_out_of_bounds(),
        "overflow the stack" => {
            black_box(recurse(black_box(1)));
            keep(records)
        }
        "overflow its own stack" => {
            black_box(sink(black_box(1)));
            keep(records)
        }
        "loop" | "refuse later" => spin(),
        #[cfg(feature = "clock")]
        "sleep" => sleep(),
        "allocate" => allocate(),
        "allocate at once" => {
            black_box(vec![1_u8; 1 << 30]);
            keep(records)
        }
        _ => wrong_answer(action, at, records),
    }
}

/// An answer that breaks the contract.
fn wrong_answer(action: &str, at: usize, records: usize) -> Answer {
    let index = at as i32;
    let mut answer = keep(records);
    answer.fates[at] = EMIT;
    match action {
        "too few fates" => drop(answer.fates.pop()),
        "too many fates" => answer.fates.push(0),
        "unknown fate" => answer.fates[at] = 4,
        "ragged rows" => answer.rows.extend([index, NONE, NONE, NONE]),
        "row of no record" => answer.rows.extend([records as i32, NONE, NONE, NONE, NONE]),
        "row of a negative record" => answer.rows.extend([-1, NONE, NONE, NONE, NONE]),
        "falling rows" => {
            answer.row(at, None, None);
            answer.row(at.saturating_sub(1), None, None);
            answer.row(at, None, None);
        }
        "keep with a row" => {
            answer.fates[at] = 0;
            answer.row(at, None, None);
        }
        "reject without a row" => answer.fates[at] = REJECT,
        "reject with two rows" => {
            answer.fates[at] = REJECT;
            answer.row(at, Some("one"), None);
            answer.row(at, Some("two"), None);
        }
        "reject without a reason" => {
            answer.fates[at] = REJECT;
            answer.row(at, None, None);
        }
        "huge reason" => {
            answer.fates[at] = REJECT;
            answer.row(at, Some(&"no".repeat(1 << 20)), None);
        }
        "a reason longer than the answer" => {
            answer.fates[at] = REJECT;
            answer.rows.extend([index, i32::MAX, NONE, NONE, NONE]);
        }
        "bytes of no row" => answer.bytes.push(b'x'),
        "row past the end" => answer.rows.extend([index, 1, NONE, NONE, NONE]),
        "row far past the end" => answer.rows.extend([index, i32::MAX, i32::MAX, NONE, NONE]),
        "length below the least" => answer.rows.extend([index, -3, NONE, NONE, NONE]),
        "same route" => answer.rows.extend([index, NONE, NONE, NONE, SAME]),
        "route in bytes" => {
            answer.rows.extend([index, NONE, NONE, NONE, 1]);
            answer.bytes.push(0xFF);
        }
        "headers in no form" => {
            answer.rows.extend([index, NONE, NONE, 3, NONE]);
            answer.bytes.extend(b"abc");
        }
        "timestamps for no rows" => answer.timestamps.push(1),
        "count without a name" => answer.counts.push(1),
        "line of no record" => answer.logs.extend([0, records as i32, 0]),
        "huge output" => answer.row(at, Some(&"x".repeat(1 << 20)), None),
        "many outputs" => (0..5).for_each(|_| answer.row(at, Some("more"), None)),
        other => panic!("does not know how to {other}"),
    }
    answer
}

pub(crate) fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Takes MiB after MiB of memory.
fn allocate() -> ! {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(black_box(vec![1; 1 << 20]));
    }
}

/// As near as a plugin comes to sleeping: it looks at the clock until a minute is over.
#[cfg(feature = "clock")]
fn sleep() -> ! {
    let end = host::now_ms() + 60_000;
    while host::now_ms() < end {}
    panic!("has slept")
}

fn read_out_of_bounds() -> ! {
    // SAFETY: none; WebAssembly traps.
    let byte = unsafe { black_box(0xFFFF_FFF0 as *const u8).read_volatile() };
    panic!("{byte}")
}

/// Its frames are on the stack of WebAssembly alone: with one byte in memory they would run out of that first.
fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        return 1;
    }
    recurse(depth + 1).wrapping_mul(depth) ^ 1
}

/// Its frames are on the stack in memory, which lies at the begin of it: beyond its end there is nothing.
fn sink(depth: u32) -> u32 {
    let frame = black_box([depth; 16 << 10]);
    if depth == 0 {
        return 1;
    }
    sink(depth + 1).wrapping_add(frame[1])
}
