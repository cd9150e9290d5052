//! Dead letters of a sink that writes topics, and where a letter itself finds no place.

use std::path::Path;

use serde_json::{Value, json};
use tamis_tests::files::dead_letters;
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, output, run, tamis};

use crate::main_job::kafka_source;

/// What names a topic that is not there is refused; once that is made, a replay puts it there under its id, and only that.
fn check_topic(name: &str, transactional: bool) {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique(name));
    let topic = kafka.new_topic(name, 1, &[]);
    let there = kafka.new_topic(name, 1, &[]);
    let missing = unique(name);
    let sink = format!("{{ kafka: {{ topic: '{{field:/to}}', transactional: {transactional} }} }}");
    let job = Pipeline {
        sink: Some(&sink),
        ..Pipeline::default()
    };
    let file = place.copy(&kafka_source(&kafka, &topic, &group), job);
    let values = [&there, &missing, &there].map(|to| format!(r#"{{"to":"{to}"}}"#));
    kafka.produce_lines(&topic, values.iter().map(String::as_bytes), 1);
    let of_group = kafka.group(&group, &topic);
    let mut tamis = Running::start(&mut run(&file));
    tamis.await_settled(&of_group, 3);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let [letter] = &dead_letters(&place.dead())[..] else {
        panic!("{ended:?}")
    };
    assert_eq!((&*letter.stage, letter.offset), ("archive", 1));
    let settled = of_group.committed().unwrap();

    // To look sends nothing, even with a yes: the replay after it has the letter still.
    let ended = replay(&file, &["--dry-run"]);
    let plan =
        json!({ "would_replay": { "sink archive": 1 }, "without_stage": {}, "unreadable": 0 });
    assert_eq!(
        (ended.code, ended.summary()),
        (Some(0), plan),
        "{:?}",
        ended.stderr
    );
    kafka.create_topic(&missing, 1, &[]);
    for replayed in [1, 0] {
        let ended = replay(&file, &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.summary()["replayed"], json!(replayed), "{ended:?}");
        let says = ended.stderr.contains("without a transaction");
        assert_eq!(says, transactional, "{ended:?}");
        // So does a reader that sees only what is committed.
        let mended = kafka.read_committed(&missing);
        let mended: Vec<_> = mended.iter().map(|it| (&*it.id, &it.value[..])).collect();
        assert_eq!(mended, [(&*letter.id, values[1].as_bytes())]);
        assert_eq!(kafka.read_committed(&there).len(), 2);
    }
    assert_eq!(of_group.committed().unwrap(), settled);
}

fn replay(file: &Path, more: &[&str]) -> Ended {
    let command = ["dead", "replay", file.to_str().unwrap(), "--yes", "--json"];
    output(&mut tamis(command.iter().chain(more)))
}

#[test]
fn what_a_sink_for_topics_refused_is_replayed_into_it() {
    check_topic("dead-output", false);
}

#[test]
fn what_a_transactional_sink_refused_is_replayed_into_it_without_a_transaction() {
    check_topic("dead-transactional", true);
}

#[test]
fn a_letter_that_no_store_takes_stops_the_pipeline_and_is_read_again() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("dead-large"));
    let topic = kafka.new_topic("dead-large", 1, &[]);
    let dead = kafka.new_topic("dead-large-dead", 1, &[("max.message.bytes", "2000")]);
    let dead = format!("{{ kafka: {{ topic: {dead} }} }}");
    let job = Pipeline {
        dead_letters: Some(&dead),
        ..Pipeline::default()
    };
    let file = place.copy(&kafka_source(&kafka, &topic, &group), job);
    // A line feed within is what a file of lines refuses.
    let large = format!("x\n{}", "x".repeat(5_000));
    kafka.produce_lines(&topic, [large.as_bytes()], 1);
    for _ in 0..2 {
        let ended = Running::start(&mut run(&file)).wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let summary: Value = ended.summary();
        let error = summary["error"].as_str().unwrap();
        assert!(error.contains("dead letters"), "{summary}");
        assert!(error.contains("too large"), "{summary}");
        assert_eq!(kafka.group(&group, &topic).committed().unwrap(), 0);
    }
}
