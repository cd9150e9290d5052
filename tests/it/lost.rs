//! Offsets that are not what they were: a pipeline stops before it would skip records in silence, and no other one does.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tamis_tests::files::by_partition;
use tamis_tests::place::Pipeline;
use tamis_tests::tamis::Running;

use crate::groups::{Copy, numbers, stop};

/// `member` with a second pipeline in its process, which copies the standard input.
fn with_another(copy: &Copy, member: &mut Command) -> Running {
    let job = Pipeline {
        name: "stays",
        compression: "none",
        run: "{ age_ms_max: 100 }",
        ..Pipeline::default()
    };
    let stays = copy.place.copy("{ stdin: {} }", job);
    Running::start(member.arg(stays).stdin(Stdio::piped()))
}

/// Waits until the member says `words`, sees that the other pipeline goes on, and ends that one.
fn check_stopped(copy: &Copy, mut tamis: Running, words: &str) {
    tamis.await_words(words);
    tamis.write(b"still here\n");
    tamis.until("the other pipeline writes", || {
        by_partition(&copy.place.out())
            .get("stdin-0")
            .is_some_and(|lines| lines == b"still here\n")
    });
    tamis.end_input();
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summaries: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = summaries.iter().map(|it| &it["pipeline"]).collect();
    assert_eq!(names, [&json!("main-job"), &json!("stays")], "{ended:?}");
    let error = summaries[0]["error"].as_str().unwrap();
    assert!(error.contains(words), "{error}");
    assert_eq!(summaries[1]["error"], Value::Null, "{ended:?}");
}

#[test]
fn what_retention_removed_before_it_was_read_stops_its_pipeline() {
    let copy = Copy::new("retention", 1);
    copy.produce(0, 100);
    let mut member = Running::start(&mut copy.member());
    member.await_settled(&copy.committed(), 100);
    stop(member);
    copy.produce(100, 200);
    copy.kafka.delete_before(&copy.topic, 0, 150);

    let tamis = with_another(&copy, &mut copy.member());
    let words = format!("retention removed [100, 150) of {}/0", copy.topic);
    check_stopped(&copy, tamis, &words);
    assert_eq!(copy.committed().committed().unwrap(), 100);
    assert_eq!(copy.lines(), numbers(0, 100));
}

#[test]
fn a_topic_that_is_made_anew_while_it_is_read_stops_its_pipeline() {
    let copy = Copy::new("anew", 1);
    copy.produce(0, 100);
    let mut tamis = with_another(&copy, &mut copy.member());
    tamis.await_settled(&copy.committed(), 100);
    copy.kafka.delete_topic(&copy.topic);
    copy.kafka.create_topic(&copy.topic, 1, &[]);
    copy.produce(1000, 1010);
    let words = format!("the next offset of {}/0 is 100 but its log is", copy.topic);
    check_stopped(&copy, tamis, &words);
    assert_eq!(copy.lines(), numbers(0, 100));
}

/// A broker forgets what groups have committed of a topic that is deleted.
#[test]
fn a_topic_that_was_made_anew_before_the_start_is_read_from_its_begin() {
    let copy = Copy::new("anew", 1);
    copy.produce(0, 100);
    let mut member = Running::start(&mut copy.member());
    member.await_settled(&copy.committed(), 100);
    stop(member);
    copy.kafka.delete_topic(&copy.topic);
    copy.kafka.create_topic(&copy.topic, 1, &[]);
    copy.produce(1000, 1010);
    let mut member = Running::start(&mut copy.member());
    member.await_settled(&copy.committed(), 10);
    assert_eq!(stop(member).summary()["taken"], 10);
    // Its files go beside those of the old topic, which begin at the same offset.
    assert_eq!(copy.lines(), numbers(1000, 1010) + &numbers(0, 100));
}
