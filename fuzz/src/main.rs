//! Hands what libFuzzer makes up to one of the targets: the one that the environment variable `TAMIS_FUZZ` names.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// Fails where the bytes make the code do what it must not.
type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 5] = [
    ("view", tamis_sdk::json::oracle::view),
    ("splice", tamis_sdk::json::oracle::splice),
    ("config", tamis_config::oracle::config),
    ("dead_letter", tamis_connect::oracle::dead_letter),
    ("manifest", manifest),
];

/// What lies beside the files of a run, and what a commit says of it.
fn manifest(bytes: &[u8]) {
    tamis_connect::oracle::manifest(bytes);
    tamis_core::oracle::metadata(bytes);
}

static CHECK: OnceLock<Check> = OnceLock::new();

fn named() -> Check {
    let name = std::env::var("TAMIS_FUZZ").unwrap_or_default();
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    match target {
        Some((_, check)) => *check,
        None => panic!("TAMIS_FUZZ is {name:?}, which is no target"),
    }
}

fuzz_target!(|bytes: &[u8]| CHECK.get_or_init(named)(bytes));
