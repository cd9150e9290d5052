//! What is in memory when a process crashes is left nowhere.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use tamis_tests::tamis::{Running, program};
use tamis_tests::wait::{LONG, eventually};

use super::{Case, files, holds_mark, redact, secret};

/// A process that holds a secret, has said that it runs, and may leave a core as far as its limits go.
fn with_core(case: &Case, more: &str) -> Running {
    let pipeline = case.pipeline(
        "core",
        "{ stdin: {} }",
        &redact("${env:PLUGIN}"),
        &format!(
            "archive: {{ file: {{ url: 'file://{}', path: all, format: ndjson }} }}",
            case.place.path("out").display()
        ),
        &case.dead_folder(),
    );
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            &format!("ulimit -c unlimited && exec \"$0\" run {more} \"$1\""),
        ])
        .arg(program())
        .arg(pipeline)
        .env("PLUGIN", secret("PLUGIN"))
        .current_dir(case.place.path("left"))
        .stdin(Stdio::piped());
    let mut tamis = Running::start(&mut shell);
    tamis.await_words("started");
    tamis
}

/// Whether a process that gets `signal` leaves a core.
fn leaves_core(mut tamis: Running, signal: &str) -> bool {
    tamis.signal(signal);
    let mut status = None;
    eventually(LONG, "it ends", || {
        status = tamis.ended();
        status.is_some()
    });
    let status = status.unwrap();
    assert!(status.signal().is_some(), "{status:?}");
    status.core_dumped()
}

#[test]
fn a_crash_leaves_no_core_unless_that_is_asked_for() {
    let case = Case::new();
    let tamis = with_core(&case, "");
    let limits = fs::read_to_string(format!("/proc/{}/limits", tamis.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(words[4], "0", "{limits}");
    drop(tamis);
    if !leaves_core(with_core(&case, "--core-dumps"), "ABRT") {
        eprintln!("this machine keeps no cores at all, so the limit is all that can be seen here");
        return;
    }
    for file in files(&case.place.path("left")) {
        fs::remove_file(file).unwrap();
    }
    // Not SIGSEGV, which wasmtime looks at: from someone else it is taken for none.
    for signal in ["ABRT", "QUIT"] {
        assert!(!leaves_core(with_core(&case, ""), signal), "{signal}");
    }
    // Nor where someone raises the limit again, as a program that takes all cores of the system would not ask for it.
    let tamis = with_core(&case, "");
    let pid = tamis.id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &pid, "--core=unlimited"])
        .status();
    assert!(raised.unwrap().success());
    assert!(!leaves_core(tamis, "ABRT"));
    let left = files(&case.place.path("left"));
    assert!(
        left.iter()
            .all(|file| !holds_mark(&fs::read(file).unwrap())),
        "{left:?}"
    );
}
