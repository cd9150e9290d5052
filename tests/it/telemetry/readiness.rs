//! Readiness tells the truth: each failure that it should show is shown, and so is its end.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tamis_tests::broker::Broker;
use tamis_tests::elasticsearch::Elasticsearch;
use tamis_tests::files::visible;
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place, root};
use tamis_tests::proxy::{Proxy, Way};
use tamis_tests::tamis::{Running, STATE, output, run, tamis};
use tamis_tests::wait::{LONG, eventually};

use super::{Watched, causes};
use crate::main_job::kafka_source;

/// What is promised to whoever asks.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// Waits until `watched` is not ready because of `cause`; what it says then.
fn shows(watched: &Watched, cause: &str) -> Value {
    let mut last = None;
    eventually(SHOWN_WITHIN, &format!("{cause} is shown"), || {
        last = watched.ready().err();
        last.as_ref()
            .is_some_and(|told| causes(told).contains(&cause))
    });
    last.unwrap()
}

/// The number of seconds that `words` have behind `before`.
fn seconds_behind(words: &str, before: &str) -> u64 {
    let number = words.split(before).nth(1);
    let number = number.and_then(|it| it.split_once(" s")?.0.parse().ok());
    number.unwrap_or_else(|| panic!("{before}: {words}"))
}

#[test]
fn a_broker_that_is_killed_and_comes_back() {
    let (broker, place) = (Broker::default(), Place::default());
    let kafka = broker.kafka();
    let source = kafka_source(&kafka, "logs", "readiness");
    let mut watched = Watched::start(&mut run(&place.copy(&source, Pipeline::default())));
    let told = watched.ready().unwrap_err();
    assert_eq!(told["pipelines"][0]["state"], "starting", "{told}");

    broker.start();
    kafka.create_topic("logs", 2, &[]);
    watched.await_ready();
    for _ in 0..2 {
        broker.kill();
        let told = shows(&watched, "source_away");
        assert_eq!(watched.get("/health/live").status, 200);
        let words = told["pipelines"][0]["unready"][0]["what"].as_str().unwrap();
        assert!(seconds_behind(words, "no answer for ") >= 3, "{told}");
        broker.start();
        watched.await_ready();
    }
    watched.tamis.signal("TERM");
    assert_eq!(watched.tamis.wait().code, Some(0));
}

#[test]
fn a_group_that_waits_for_a_member_that_says_nothing() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("readiness"));
    let topic = kafka.new_topic("readiness", 2, &[]);
    // The group waits for so long.
    let source = kafka_source(&kafka, &topic, &group)
        .replace("session.timeout.ms: 6000", "session.timeout.ms: 30000");
    let job = place.copy(&source, Pipeline::default());
    let start = || Watched::start(&mut run(&job));
    let (mut stays, mut mute) = (start(), start());
    stays.await_ready();
    mute.await_ready();
    mute.tamis.signal("STOP");
    let mut joins = start();
    eventually(LONG, "the group waits for all of its members", || {
        kafka.state_of(&group) == "PreparingRebalance"
    });
    shows(&stays, "group_lost");
    // It is taken for gone, and the others go on.
    stays.await_ready();
    joins.await_ready();
    mute.tamis.signal("CONT");
    // There are two partitions, so one of the three has none and is ready to take one over.
    let all = [stays, mute, joins];
    eventually(LONG, "all are ready, and one of them stands by", || {
        let partitions = |it: &Watched| it.metrics().sum("tamis_source_partitions", &[]);
        all.iter().all(|it| it.ready().is_ok()) && all.iter().map(partitions).sum::<f64>() == 2.0
    });
    for watched in all {
        watched.tamis.signal("TERM");
        assert_eq!(watched.tamis.wait().code, Some(0));
    }
}

#[test]
fn a_pipeline_that_has_stopped_beside_one_that_goes_on() {
    let place = Place::default();
    let source = kafka_source(&Kafka::shared(), &unique("missing"), &unique("missing"));
    let stops = Pipeline {
        name: "stops",
        ..Pipeline::default()
    };
    let stops = place.copy(&source, stops);
    let stays = place.copy("{ stdin: {} }", Pipeline::default());
    let (mut command, state) = (run(&stops), place.path("state"));
    command.env(STATE, &state).arg(stays);
    let mut watched = Watched::start(command.stdin(Stdio::piped()));
    watched.tamis.await_words("does not exist: make it");
    let told = shows(&watched, "stopped");
    let pipelines = &told["pipelines"];
    assert_eq!(pipelines[0]["state"], "failed", "{told}");
    assert_eq!(pipelines[1]["ready"], true, "{told}");
    let metrics = watched.metrics();
    let ready = |name| metrics.sum("tamis_pipeline_ready", &[("pipeline", name)]);
    assert_eq!((ready("stops"), ready("main-job")), (0.0, 1.0));
    // Whoever knows the state folder alone, as the health check of the image, sees it too.
    let ask = |arguments: &[&str]| output(tamis(arguments).env(STATE, &state));
    let all = ask(&["status"]);
    assert_eq!(all.code, Some(1), "{all:?}");
    assert!(all.stdout.contains("stops has failed"), "{all:?}");
    assert!(all.stdout.contains("main-job runs"), "{all:?}");
    let paused = ask(&["pause", "stops"]);
    assert_eq!(paused.code, Some(1), "{paused:?}");
    assert!(paused.stderr.contains("has ended"), "{paused:?}");
    watched.tamis.end_input();
    assert_eq!(watched.tamis.wait().code, Some(1));
    // Sockets that no one listens at say nothing.
    assert_eq!(ask(&["status"]).code, Some(2));
}

#[test]
fn a_pipeline_that_was_told_to_stop_beside_one_that_goes_on() {
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("readiness"));
    let topic = kafka.new_topic("readiness", 1, &[]);
    let stops = Pipeline {
        name: "stops",
        ..Pipeline::default()
    };
    let stops = place.copy(&kafka_source(&kafka, &topic, &group), stops);
    let stays = place.copy("{ stdin: {} }", Pipeline::default());
    let (mut command, state) = (run(&stops), place.path("state"));
    command.env(STATE, &state).arg(stays);
    let mut watched = Watched::start(command.stdin(Stdio::piped()));
    watched.await_ready();
    let ask = |arguments: &[&str]| output(tamis(arguments).env(STATE, &state));
    let drained = ask(&["drain", "stops", "--stop"]);
    assert_eq!(drained.code, Some(0), "{drained:?}");
    assert!(drained.stdout.contains("has ended"), "{drained:?}");
    let told = shows(&watched, "stopped");
    let stopped = &told["pipelines"][0];
    assert_eq!(stopped["state"], "stopped", "{told}");
    let words = stopped["unready"][0]["what"].as_str().unwrap();
    assert_eq!(words, "it was told to stop", "{told}");
    assert_eq!(ask(&["status"]).code, Some(1));
    watched.tamis.end_input();
    assert_eq!(watched.tamis.wait().code, Some(0));
}

#[test]
fn a_disk_that_hangs() {
    let place = Place::default();
    let input = place.write("input.ndjson", "{}\n");
    let source = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    let job = place.copy(&source, Pipeline::default());
    assert_eq!(output(&mut run(&job)).code, Some(0));
    let [file] = &visible(&place.out())[..] else {
        panic!("one file is written");
    };
    // To see whether the same file is there already takes for ever.
    fs::remove_file(file).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
    let mut watched = Watched::start(run(&job).args(["--log", "info,tamis::step=debug"]));
    watched.tamis.await_words("step=\"taken\"");
    shows(&watched, "store_silent");
    let silent = watched
        .metrics()
        .sum("tamis_sink_oldest_request_seconds", &[("sink", "archive")]);
    assert!(silent >= 3.0, "{silent}");
    watched.tamis.signal("INT");
    shows(&watched, "draining");
    watched.tamis.await_words("once more to stop at once");
    watched.tamis.signal("INT");
    assert_eq!(watched.tamis.wait().code, Some(3));
}

#[test]
fn a_plugin_that_takes_its_time_over_one_record() {
    let place = Place::default();
    let plugin = root().join("target/hostile/hostile.wasm");
    let (out, dead) = (place.out(), place.dead());
    let text = format!(
        r#"pipeline: stuck
source: {{ stdin: {{}} }}
plugins:
  - {{ name: spins, path: {}, settings: {{ do: loop }}, limits: {{ batch_time_ms_max: 6000 }} }}
sinks: {{ archive: {{ file: {{ url: "file://{}", path: all, format: ndjson }} }} }}
dead_letters: {{ folder: {{ path: {} }} }}
"#,
        plugin.display(),
        out.display(),
        dead.display()
    );
    let job = place.write("stuck.yaml", text);
    let mut watched = Watched::start(run(&job).stdin(Stdio::piped()));
    watched.await_ready();
    watched.tamis.write(b"bad\n");
    shows(&watched, "lane_stuck");
    watched.await_ready();
    let labels = [("stage", "spins"), ("reason", "time")];
    let refused = watched
        .metrics()
        .sum("tamis_refused_records_total", &labels);
    assert_eq!(refused, 1.0);
    watched.tamis.end_input();
    assert_eq!(watched.tamis.wait().code, Some(0));
}

#[test]
fn a_store_that_is_away_or_says_nothing() {
    let place = Place::default();
    let elasticsearch = Elasticsearch::shared();
    let proxy = Proxy::to(&elasticsearch.address);
    let sink = format!(
        "{{ elasticsearch: {{ urls: [\"http://{}\"], index: {} }} }}",
        proxy.address(),
        unique("readiness")
    );
    let job = Pipeline {
        sink: Some(&sink),
        ..Pipeline::default()
    };
    let job = place.copy("{ stdin: {} }", job);
    let mut watched = Watched::start(run(&job).stdin(Stdio::piped()));
    let mut written = 0.0;
    let mut written_one_more = |watched: &mut Watched| {
        written += 1.0;
        watched.await_ready();
        let records = watched.metrics();
        assert_eq!(
            records.sum("tamis_sink_records_total", &[("sink", "archive")]),
            written
        );
    };
    watched.await_ready();
    proxy.set(Way::Closed);
    watched.tamis.write(b"{}\n");
    let told = shows(&watched, "store_away");
    let words = told["pipelines"][0]["unready"][0]["what"].as_str().unwrap();
    assert!(
        seconds_behind(words, "archive is unavailable for ") >= 3,
        "{told}"
    );
    proxy.set(Way::Open);
    written_one_more(&mut watched);
    proxy.set(Way::Stalled);
    watched.tamis.write(b"{}\n");
    shows(&watched, "store_silent");
    proxy.set(Way::Open);
    written_one_more(&mut watched);
    stop(watched.tamis);
}

fn stop(mut tamis: Running) {
    tamis.end_input();
    assert_eq!(tamis.wait().code, Some(0));
}
