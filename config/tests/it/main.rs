//! The configuration as its users meet it: files, variables, secrets, and what is said of bad ones.

mod elasticsearch_sink;
mod examples;
mod kafka_sink;
mod mongodb_sink;
mod mysql_sink;
mod overrides;
mod problems;
mod reference;
mod secrets;
mod settings;
mod shape;
mod spec;
mod trust;

use std::path::Path;

use expect_test::Expect;
use tamis_config::{Environment, PipelineSpec, PluginFiles, Problems, load_text};

/// A configuration that says no more than it must.
const LEAST: &str = "\
pipeline: logs
source:
  kafka:
    brokers: [\"localhost:9092\"]
    topics: [logs]
    group: tamis
    start_at: earliest
plugins:
  - name: level
    path: level.wasm
sinks:
  archive:
    file:
      url: file:///archive
      path: \"{topic}\"
      format: ndjson
dead_letters:
  kafka:
    topic: logs.dead
";

/// [`LEAST`] with the first text of each edit replaced by the second.
fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(LEAST.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}` is there once");
        text.replacen(from, to, 1)
    })
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<PipelineSpec, Problems> {
    let path = Path::new("logs.yaml");
    load_text(
        text,
        path,
        &environment(variables),
        PluginFiles::MayBeMissing,
    )
}

/// The problems of [`LEAST`] with `edits`.
fn check(edits: &[(&str, &str)], expected: Expect) {
    check_text(&edited(edits), &[], &expected);
}

/// The problems of `text`.
fn check_text(text: &str, variables: &[(&str, &str)], expected: &Expect) {
    let problems = read(text, variables).expect_err("the case is one of a bad configuration");
    expected.assert_eq(&problems.to_string());
}
