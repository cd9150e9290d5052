//! What Ctrl-C does.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Duration;

use tamis_tests::files::{assert_same, by_partition, visible};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, output, run, signal, tamis};
use tamis_tests::wait::{LONG, eventually};

/// Lets it say when it has taken records.
const TAKEN: [&str; 2] = ["--log", "info,tamis::step=debug"];

#[test]
fn an_interrupt_ends_what_would_wait_for_more_and_prints_a_summary() {
    let place = Place::default();
    let job = Pipeline {
        compression: "none",
        run: "{ age_ms_max: 100 }",
        ..Pipeline::default()
    };
    let job = place.copy("{ stdin: {} }", job);
    let mut command = tamis(["run".as_ref(), job.as_os_str()]);
    let mut tamis = Running::start(command.stdin(Stdio::piped()));
    tamis.write(b"one\ntwo\nhal");
    let written = || {
        by_partition(&place.out())
            .remove("stdin-0")
            .unwrap_or_default()
    };
    tamis.await_words("started");
    tamis.until("lines are seen", || written() == b"one\ntwo\n");
    tamis.signal("INT");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_same("output", &written(), b"one\ntwo\n");
    assert!(
        ended.stderr.contains("settling records in flight"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("main-job: 2 records taken"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_second_interrupt_ends_at_once_while_a_store_is_away() {
    let place = Place::default();
    // Nothing listens there, so the one dead letter waits.
    let dead = "{ kafka: { brokers: [\"127.0.0.1:9\"], topic: dead } }";
    let job = Pipeline {
        dead_letters: Some(dead),
        ..Pipeline::default()
    };
    let job = place.main_job("{ stdin: {} }", job);
    let mut tamis = Running::start(run(&job).args(TAKEN).stdin(Stdio::piped()));
    tamis.write(b"{\n");
    tamis.end_input();
    tamis.await_words("step=\"taken\"");
    tamis.await_words("waiting for kafka");
    tamis.signal("INT");
    tamis.await_words("once more to stop at once");
    tamis.signal("INT");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.summary()["unsettled_batches"], 1, "{ended:?}");
    assert_eq!(ended.summary()["dead"], 0, "{ended:?}");
}

#[test]
fn the_second_interrupt_ends_what_a_disk_holds() {
    let place = Place::default();
    let input = place.write("input.ndjson", "{}\n");
    let source = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    let job = place.copy(&source, Pipeline::default());
    let ended = output(&mut run(&job));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // To see whether the same file is there already takes for ever.
    let [file] = &visible(&place.out())[..] else {
        panic!("one file is written");
    };
    fs::remove_file(file).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    let mut tamis = Running::start(run(&job).args(TAKEN));
    tamis.await_words("step=\"taken\"");
    tamis.signal("INT");
    tamis.await_words("once more to stop at once");
    tamis.signal("INT");
    let ended = tamis.wait();
    // The record is not seen, and no group remembers its run.
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.summary()["unsettled_batches"], 1, "{ended:?}");
}

#[test]
fn dead_letters_that_are_away_at_the_start_are_waited_for() {
    let place = Place::default();
    let away = place.path("away");
    symlink(&away, &away).unwrap();
    let dead = format!("{{ folder: {{ path: {}/dead }} }}", away.display());
    let job = Pipeline {
        dead_letters: Some(&dead),
        ..Pipeline::default()
    };
    let job = place.copy("{ stdin: {} }", job);
    let mut tamis = Running::start(run(&job).stdin(Stdio::null()));
    tamis.await_words("sink is unavailable, trying again");
    fs::remove_file(&away).unwrap();
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// The processes that `parent` has started.
fn children(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Behind the name, which may have any character in it.
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&parent.to_string())
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let all = all.filter_map(|it| it.file_name().to_str()?.parse().ok());
    all.filter(is_child).collect()
}

#[test]
fn who_is_told_to_stop_while_plugins_are_compiled_ends_at_once_and_the_compiler_with_it() {
    let place = Place::default();
    let job = place.main_job("{ stdin: {} }", Pipeline::default());
    let mut command = run(&job);
    command.args(["--plugin-cache", "off"]);
    let mut tamis = Running::start(command.stdin(Stdio::piped()));
    let (id, mut compilers) = (tamis.id(), Vec::new());
    tamis.until("a plugin is compiled", || {
        compilers = children(id);
        // What it sets right behind its wish to die with its parent.
        compilers.retain(|it| {
            let first = fs::read_to_string(format!("/proc/{it}/oom_score_adj"));
            first.is_ok_and(|it| it.trim() == "1000")
        });
        !compilers.is_empty()
    });
    // It takes as long as anyone would wait.
    assert!(signal(compilers[0], "STOP"));
    tamis.signal("TERM");
    let ended = tamis.ends_within(Duration::from_secs(5));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("plugins are ready"), "{ended:?}");
    eventually(LONG, "the compiler is gone", || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", compilers[0]));
        stat.is_ok_and(|it| it.contains(") Z ")) || !signal(compilers[0], "0")
    });
}
