//! Brokers that are not there, and topics that are not.

use std::process::Stdio;

use serde_json::{Value, json};
use tamis_tests::broker::Broker;
use tamis_tests::data::{self, Expected, Kind};
use tamis_tests::files::{assert_pieces, by_partition, dead_letters_at_least_once, positions};
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Running, run};

use crate::main_job::kafka_source;

#[test]
fn a_broker_that_is_away_at_the_start_or_killed_later_is_waited_for() {
    let (broker, place) = (Broker::default(), Place::default());
    let kafka = broker.kafka();
    let input = data::logs(20_000, Kind::Odd);
    let Expected {
        written,
        dead,
        counts,
        ..
    } = data::expected(&input, 4);
    let lines: Vec<_> = data::lines(&input).collect();
    let (first, second) = lines.split_at(10_000);

    // Runs that end by their size settle first, while the rest of them is still open.
    let job = Pipeline {
        run: "{ records_max: 1000, age_ms_max: 3000 }",
        ..Pipeline::default()
    };
    let source = kafka_source(&kafka, "logs", "outage");
    let mut tamis = Running::start(&mut run(&place.main_job(&source, job)));
    tamis.await_words("waiting for kafka");

    broker.start();
    kafka.create_topic("logs", 4, &[]);
    kafka.produce_lines("logs", first.iter().copied(), 4);
    let group = kafka.group("outage", "logs");
    tamis.until("runs are settled", || {
        group.committed().is_ok_and(|it| it > 0)
    });
    broker.kill();
    broker.start();
    kafka.produce_lines("logs", second.iter().copied(), 4);
    tamis.await_settled(&group, counts.taken);
    tamis.signal("TERM");
    let ended = tamis.wait();

    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (partition, whole) in written.iter().enumerate() {
        assert_pieces(&place.out(), &format!("logs-{partition}"), whole);
    }
    assert_eq!(positions(&dead_letters_at_least_once(&place.dead())), dead);
}

#[test]
fn a_topic_that_does_not_exist_stops_its_pipeline_with_advice_and_no_other() {
    let place = Place::default();
    let topic = unique("missing");
    let source = kafka_source(&Kafka::shared(), &topic, &unique("missing"));
    let stops = place.copy(
        &source,
        Pipeline {
            name: "stops",
            ..Pipeline::default()
        },
    );
    let job = Pipeline {
        name: "stays",
        run: "{ age_ms_max: 100 }",
        ..Pipeline::default()
    };
    let stays = place.copy("{ stdin: {} }", job);
    let mut tamis = Running::start(run(&stops).arg(stays).stdin(Stdio::piped()));
    let advice = format!("topic {topic} does not exist: make it, or correct its name");
    tamis.await_words(&advice);
    tamis.write(b"still here\n");
    tamis.until("the other pipeline writes", || {
        by_partition(&place.out())
            .values()
            .any(|lines| lines == b"still here\n")
    });
    tamis.end_input();
    let ended = tamis.wait();

    assert_eq!(ended.code, Some(1), "{ended:?}");
    let summaries = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let summaries: Vec<Value> = summaries.collect();
    assert_eq!(
        (&summaries[0]["pipeline"], &summaries[1]["pipeline"]),
        (&json!("stops"), &json!("stays"))
    );
    assert!(
        summaries[0]["error"].as_str().unwrap().contains(&advice),
        "{ended:?}"
    );
    assert_eq!(summaries[1]["written"]["archive"], 1, "{ended:?}");
}
