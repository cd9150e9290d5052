//! A small proof of once, and the failpoints that it is made with; `make prove` makes large ones.

use std::fs::File;

use tamis_tests::place::{Pipeline, Place};
use tamis_tests::prove::{self, Options};
use tamis_tests::tamis::{Ended, output, run};

#[test]
fn each_record_is_seen_once_whoever_dies() {
    let options = Options {
        records: 40_000,
        kills: 7,
        rebalances: 1,
        broker_kills: 1,
        freezes: 0,
        ..Options::new(fastrand::u32(..).into())
    };
    let report = prove::run(options, |line| eprintln!("{line}"));
    assert!(report.problems.is_empty(), "{report}");
    assert_eq!(report.kills(), 7, "{report}");
}

/// What becomes of a process that copies one line with this failpoint.
fn with_failpoint(failpoint: &str) -> Ended {
    let place = Place::default();
    let job = place.copy("{ stdin: {} }", Pipeline::default());
    let input = File::open(place.write("in", "one\n")).unwrap();
    let mut command = run(&job);
    command
        .args(["--log", "error"])
        .env("TAMIS_FAILPOINT", failpoint);
    output(command.stdin(input))
}

#[test]
fn a_failpoint_ends_the_process_whatever_is_logged() {
    let ended = with_failpoint("taken:1");
    assert_eq!(ended.code, None, "{ended:?}");
    assert_eq!(ended.stderr, "failpoint taken:1 unsettled=1\n");
    let ended = with_failpoint("taken:2");
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_failpoint_that_is_none_is_refused_with_its_form() {
    let ended = with_failpoint("taken");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("must be STEP:N"), "{ended:?}");
}
