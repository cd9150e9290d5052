//! The log for programs.

use serde_json::Value;
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{output, run};

#[test]
fn each_line_of_the_log_is_a_json_object_where_that_is_asked_for() {
    let place = Place::default();
    let input = place.write("input.ndjson", "{}\n");
    let source = format!("{{ file: {{ paths: \"{}\" }} }}", input.display());
    let job = place.copy(&source, Pipeline::default());
    let ended = output(run(&job).args(["--log-format", "json", "--log", "debug"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        for key in ["timestamp", "level", "message"] {
            assert!(
                line[key].is_string() || line.get("step").is_some(),
                "{line}"
            );
        }
    }
    let started = lines.iter().find(|it| it["message"] == "started");
    assert_eq!(started.unwrap()["pipeline"], "main-job");
}
