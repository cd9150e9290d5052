//! Pipelines that are paused, resumed and drained by the control socket, on a real broker.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, STATE, output, run, tamis};
use tamis_tests::wait::{LONG, eventually};

use crate::groups::{Copy, numbers, stop};

/// Longer than the session of a member may be without a word of it.
const LONGER_THAN_A_SESSION: Duration = Duration::from_secs(8);

/// A member whose state folder is known.
fn start(copy: &Copy, state: &str) -> Running {
    let mut member = copy.member();
    Running::start(member.env(STATE, copy.place.path(state)))
}

fn command(copy: &Copy, state: &str, arguments: &[&str]) -> Command {
    let mut command = tamis(arguments);
    command.env(STATE, copy.place.path(state));
    command
}

fn ask(copy: &Copy, state: &str, arguments: &[&str]) -> Ended {
    output(&mut command(copy, state, arguments))
}

fn status(copy: &Copy, state: &str) -> Value {
    let ended = ask(copy, state, &["status", "main-job", "--json"]);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn await_state(copy: &Copy, state: &str, wanted: &str) {
    eventually(LONG, wanted, || status(copy, state)["state"] == wanted);
}

fn done(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_paused_member_keeps_its_partitions_and_goes_on_where_it_was() {
    let copy = Copy::new("pause", 1);
    let mut member = start(&copy, "state");
    copy.produce(0, 500);
    member.await_settled(&copy.committed(), 500);
    done(&ask(&copy, "state", &["pause", "main-job"]));
    await_state(&copy, "state", "paused");
    copy.produce(500, 900);
    sleep(LONGER_THAN_A_SESSION);
    let paused = status(&copy, "state");
    assert_eq!(
        (&paused["state"], &paused["ready"]),
        (&"paused".into(), &true.into())
    );
    assert_eq!(paused["source"]["records"], 500);
    assert_eq!(paused["in_flight"]["bytes"], 0);
    assert_eq!(copy.committed().committed().unwrap(), 500);
    assert_eq!(member.count("partitions revoked"), 0);
    // A second time changes nothing.
    done(&ask(&copy, "state", &["pause", "main-job"]));
    done(&ask(&copy, "state", &["resume", "main-job"]));
    member.await_settled(&copy.committed(), 900);
    assert_eq!(status(&copy, "state")["state"], "running");
    let again = ask(&copy, "state", &["resume", "main-job"]);
    assert!(again.stdout.contains("was not paused"), "{again:?}");
    assert_eq!(stop(member).summary()["taken"], 900);
    assert_eq!(copy.lines(), numbers(0, 900));
}

#[test]
fn partitions_come_and_go_while_a_member_is_paused() {
    let copy = Copy::new("paused-group", 2);
    let mut first = start(&copy, "first");
    copy.produce(0, 100);
    first.await_settled(&copy.committed(), 100);
    done(&ask(&copy, "first", &["drain", "main-job"]));
    // The next one takes one of the two partitions over, and reads what comes there.
    let second = start(&copy, "second");
    first.await_words("partitions revoked");
    copy.produce(100, 200);
    eventually(LONG, "the other partition is read", || {
        copy.committed().committed().is_ok_and(|it| it == 150)
    });
    assert_eq!(status(&copy, "first")["state"], "paused");
    // It comes back to a member that is paused still.
    let ended = stop(second);
    assert_eq!(ended.summary()["taken"], 50, "{ended:?}");
    eventually(LONG, "both partitions are back", || {
        status(&copy, "first")["source"]["partitions"] == 2
    });
    copy.produce(200, 300);
    assert_eq!(status(&copy, "first")["state"], "paused");
    done(&ask(&copy, "first", &["resume", "main-job"]));
    first.await_settled(&copy.committed(), 300);
    assert_eq!(stop(first).summary()["taken"], 250);
}

#[test]
fn a_paused_pipeline_ends_in_good_order_when_it_is_told_to() {
    let copy = Copy::new("paused-end", 1);
    let mut member = start(&copy, "state");
    copy.produce(0, 300);
    member.await_settled(&copy.committed(), 300);
    done(&ask(&copy, "state", &["pause", "main-job"]));
    await_state(&copy, "state", "paused");
    copy.produce(300, 400);
    eventually(LONG, "there is something to take", || {
        status(&copy, "state")["source"]["lag"] == 100
    });
    // Soon it has a batch in its hand that it must not take.
    sleep(Duration::from_secs(1));
    let summary = stop(member).summary();
    assert_eq!(summary["unsettled_batches"], 0, "{summary}");
    assert_eq!(summary["taken"], 300, "{summary}");
    // A process that is started anew is not paused.
    let mut member = start(&copy, "state");
    member.await_settled(&copy.committed(), 400);
    stop(member);
    assert_eq!(copy.lines(), numbers(0, 400));
}

#[test]
fn a_drained_pipeline_can_be_ended_at_once() {
    let copy = Copy::new("drain", 1);
    let mut member = start(&copy, "state");
    copy.produce(0, 200);
    member.await_settled(&copy.committed(), 200);
    let ended = ask(&copy, "state", &["drain", "main-job", "--stop"]);
    done(&ended);
    assert!(ended.stdout.contains("has ended"), "{ended:?}");
    let ended = member.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.summary()["taken"], 200);
    assert_eq!(copy.lines(), numbers(0, 200));
    let gone = ask(&copy, "state", &["pause", "main-job"]);
    assert_eq!(gone.code, Some(2), "{gone:?}");
}

#[test]
fn what_is_not_drained_in_time_is_told_and_stays_paused() {
    let place = Place::default();
    // Nothing listens there, so the one dead letter waits.
    let job = Pipeline {
        dead_letters: Some("{ kafka: { brokers: [\"127.0.0.1:9\"], topic: dead } }"),
        ..Pipeline::default()
    };
    let job = place.main_job("{ stdin: {} }", job);
    let mut command = run(&job);
    let mut running = Running::start(
        command
            .env(STATE, place.path("state"))
            .stdin(Stdio::piped()),
    );
    running.write(b"{\n");
    running.await_words("waiting for kafka");
    let mut drain = tamis(["drain", "main-job", "--stop", "--timeout", "1"]);
    let ended = output(drain.env(STATE, place.path("state")));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("1 batches are still in flight"),
        "{ended:?}"
    );
    let mut status = tamis(["status", "main-job", "--json"]);
    let ended = output(status.env(STATE, place.path("state")));
    assert!(ended.stdout.contains("\"state\":\"pausing\""), "{ended:?}");
    // Where nothing more comes, there is no pause either.
    running.end_input();
    eventually(LONG, "it is not paused", || {
        output(&mut status).stdout.contains("\"state\":\"running\"")
    });
    running.signal("INT");
    running.await_words("once more to stop at once");
    running.signal("INT");
    assert_eq!(running.wait().code, Some(3));
}
