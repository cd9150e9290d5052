//! Numbers: those of a run are those of what the run did.

use serde_json::Value;
use tamis_tests::data::{self, Counts, Expected, Kind};
use tamis_tests::exposition::Metrics;
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{STATE, run};

use super::{Watched, status};
use crate::main_job::kafka_source;

const PIPELINE: (&str, &str) = ("pipeline", "main-job");

/// Compares the sums of `metrics` with what must come of the records.
fn check(metrics: &Metrics, counts: Counts, input_bytes: usize) {
    let sum = |name: &str, labels: &[(&str, &str)]| {
        let mut all = vec![PIPELINE];
        all.extend(labels);
        metrics.sum(name, &all)
    };
    let Counts {
        taken,
        written,
        dropped,
        dead,
    } = counts;
    let same = |name: &str, labels: &[(&str, &str)], expected: u64| {
        assert_eq!(sum(name, labels), expected as f64, "{name} {labels:?}");
    };
    same("tamis_source_records_total", &[], taken);
    same("tamis_source_bytes_total", &[], input_bytes as u64);
    let level = [("plugin", "level")];
    same("tamis_plugin_records_total", &level, taken);
    same("tamis_plugin_bytes_total", &level, input_bytes as u64);
    same("tamis_plugin_emitted_records_total", &level, 0);
    let enrich = [("plugin", "enrich")];
    same("tamis_plugin_output_records_total", &enrich, written);
    same("tamis_plugin_dropped_records_total", &[], dropped);
    same("tamis_plugin_rejected_records_total", &[], dead);
    same(
        "tamis_refused_records_total",
        &[("reason", "refused")],
        dead,
    );
    same("tamis_dead_letters_total", &[], dead);
    same("tamis_sink_records_total", &[("kind", "letters")], dead);
    let archive = [("sink", "archive"), ("kind", "sink")];
    same("tamis_sink_records_total", &archive, written);
    for name in ["tamis_plugin_output_bytes_total", "tamis_sink_bytes_total"] {
        let labels = if name.contains("sink") {
            archive.to_vec()
        } else {
            enrich.to_vec()
        };
        assert!(sum(name, &labels) > input_bytes as f64 / 2.0, "{name}");
    }
    // What one plugin lets through is what the next one gets.
    for (out, next) in [
        (
            "tamis_plugin_output_records_total",
            "tamis_plugin_records_total",
        ),
        (
            "tamis_plugin_output_bytes_total",
            "tamis_plugin_bytes_total",
        ),
    ] {
        assert_eq!(sum(out, &level), sum(next, &enrich), "{out}");
    }
    let kept = sum("tamis_plugin_kept_records_total", &enrich);
    let emitted = sum("tamis_plugin_emitted_records_total", &enrich);
    assert_eq!(kept + emitted, written as f64);
    assert!(sum("tamis_plugin_seconds_total", &enrich) > 0.0);
    assert!(sum("tamis_plugin_memory_bytes", &enrich) >= 65_536.0);
    assert!(sum("tamis_sink_request_seconds_count", &archive) > 0.0);
    same("tamis_pipeline_ready", &[], 1);
    same("tamis_pipeline_state", &[("state", "running")], 1);
    same("tamis_pipeline_unready", &[], 0);
}

#[test]
fn the_numbers_of_a_run_are_those_of_what_it_did() {
    const PARTITIONS: usize = 4;
    let (kafka, place, group) = (Kafka::shared(), Place::default(), unique("telemetry"));
    let topic = kafka.new_topic("telemetry", 4, &[]);
    let input = data::logs(20_000, Kind::Odd);
    let lines: Vec<_> = data::lines(&input).collect();
    let bytes = lines.iter().map(|line| line.len()).sum();
    kafka.produce_lines(&topic, lines.iter().copied(), 4);
    let Expected { counts, .. } = data::expected(&input, PARTITIONS);
    let source = kafka_source(&kafka, &topic, &group);
    let job = place.main_job(&source, Pipeline::default());
    let state = place.path("state");
    let mut watched = Watched::start(run(&job).env(STATE, &state));
    watched
        .tamis
        .await_settled(&kafka.group(&group, &topic), counts.taken);
    // The ends of the logs are asked for once a second.
    let address = watched.address.clone();
    watched.tamis.until("the lag of all partitions is 0", || {
        let text = tamis_tests::http::get(&address, "/metrics", None).unwrap();
        let metrics = Metrics::read(&text.body);
        metrics.count("tamis_partition_lag_offsets", &[]) == PARTITIONS
            && metrics.sum("tamis_partition_lag_offsets", &[]) == 0.0
    });
    watched.await_ready();

    let metrics = watched.metrics();
    check(&metrics, counts, bytes);
    for number in 0..PARTITIONS {
        let number = number.to_string();
        let labels = [("topic", &*topic), ("partition", &*number)];
        for name in ["checkpoint", "committed", "log_end"] {
            let name = format!("tamis_partition_{name}_offset");
            assert_eq!(metrics.sum(&name, &labels), 5_000.0, "{name}");
        }
    }
    assert_eq!(metrics.sum("tamis_in_flight_bytes", &[]), 0.0);
    assert_eq!(metrics.sum("tamis_unsettled_batches", &[]), 0.0);
    assert_eq!(watched.get("/health/live").status, 200);

    let json = status("main-job", &state, &["--json"]);
    assert_eq!(json.code, Some(0), "{json:?}");
    let told = json.summary();
    assert_eq!(told["pipeline"], "main-job");
    assert_eq!(told["state"], "running", "{told}");
    assert_eq!(told["source"]["records"], counts.taken);
    assert_eq!(told["sinks"][0]["records"], counts.written);
    assert_eq!(told["dead_letters"]["stored"], counts.dead);
    let names: Vec<_> = told["plugins"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["level", "enrich"]);
    let text = status("main-job", &state, &[]);
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(text.stdout.contains("main-job runs"), "{}", text.stdout);

    watched.tamis.signal("TERM");
    let ended = watched.tamis.wait();
    assert_eq!(Counts::of(&ended.summary()), counts);
    assert_eq!(status("main-job", &state, &[]).code, Some(2), "it is gone");
}

#[test]
fn what_a_plugin_counts_and_whose_record_no_sink_takes_are_in_the_metrics() {
    let place = Place::default();
    let input = place.write("input.ndjson", "{\"Type\":\"info\"}\nnot JSON\n");
    let file = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    let sinks = format!(
        "{{ never: {{ file: {{ url: \"file://{}\", path: all, format: ndjson }}, when: {{ field: /Type, is: [none] }} }} }}",
        place.out().display()
    );
    let job = Pipeline {
        sinks: Some(&sinks),
        ..Pipeline::default()
    };
    let done = place.copy(&file, job);
    let waits = Pipeline {
        name: "waits",
        ..Pipeline::default()
    };
    let waits = place.copy("{ stdin: {} }", waits);
    let mut command = run(&done);
    command.arg(waits).stdin(std::process::Stdio::piped());
    let mut watched = Watched::start(&mut command);
    let address = watched.address.clone();
    watched.tamis.until("the records are refused", || {
        let text = tamis_tests::http::get(&address, "/metrics", None).unwrap();
        let metrics = Metrics::read(&text.body);
        let labels = [("stage", "router"), ("reason", "unclaimed")];
        metrics.count("tamis_refused_records_total", &labels) == 1
            && metrics.sum("tamis_refused_records_total", &labels) == 2.0
            && metrics.sum("tamis_dead_letters_total", &[PIPELINE]) == 2.0
    });
    // It has done all that there was to do, so it keeps no one from being ready.
    watched.await_ready();
    let told: Value = watched.get("/health/ready").json();
    let states: Vec<_> = told["pipelines"].as_array().unwrap().iter().collect();
    let states: Vec<_> = states
        .iter()
        .map(|it| it["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["stopped", "running"], "{told}");
    watched.tamis.end_input();
    assert_eq!(watched.tamis.wait().code, Some(0));
}
