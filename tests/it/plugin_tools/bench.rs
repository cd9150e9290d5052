//! `tamis plugin bench`.

use std::fs;

use serde_json::Value;
use tamis_tests::place::Place;
use tamis_tests::tamis::Ended;

use super::{ENRICH, LEVEL_FILTER, assert_refused, plugin};

/// Settings and 3,000 records, of which a third is dropped.
fn prepared(place: &Place) -> [String; 2] {
    let record = |level: &str| {
        format!(
            "{{\"Type\":\"{level}\",\"Msg\":\"{}\"}}\n",
            "text ".repeat(40)
        )
    };
    let three = ["debug", "info", "error"].map(record).concat();
    let input = place.write("in.ndjson", three.repeat(1_000));
    let settings = place.write("s.yaml", "minimum: info\n");
    [settings, input].map(|path| path.display().to_string())
}

/// A second of `plugin bench`.
fn measured(settings: &str, input: &str, more: &[&str]) -> Ended {
    let what = ["bench", LEVEL_FILTER, "--settings", settings, "--in", input];
    let ended = plugin(what.iter().chain(&["--seconds", "1"]).chain(more));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

#[test]
fn the_parts_of_what_a_record_costs_are_told_apart() {
    let place = Place::default();
    let [settings, input] = prepared(&place);
    let ended = measured(&settings, &input, &["--json"]);
    let report = ended.summary();
    assert_eq!(report["records"], 3_000);
    assert!(report["same"].is_null());
    let side = &report["plugins"][0];
    assert_eq!(side["name"], "level-filter");
    let counts = [&side["out"], &side["dropped"], &side["refused"]];
    assert_eq!(counts, [2_000, 1_000, 0]);
    let number = |key: &str| {
        side[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key}: {side}"))
    };
    for measured in ["ns_per_record", "boundary_ns_per_record", "records_per_s"] {
        assert!(number(measured) > 0.0, "{measured}: {side}");
    }
    for share in ["plugin_ns_per_record", "spread"] {
        assert!(number(share) >= 0.0, "{share}: {side}");
    }
    // What an application wrote, without its line feeds; a third of it is dropped.
    let text = fs::read_to_string(&input).unwrap();
    let bytes_of =
        |lines: &mut dyn Iterator<Item = &str>| lines.map(str::len).sum::<usize>() as f64;
    let bytes_in = bytes_of(&mut text.lines());
    let bytes_out = bytes_of(&mut text.lines().filter(|line| !line.contains("debug")));
    let about = |key: &str, bytes: f64| (number(key) - bytes / 3_000.0).abs() < 1e-6;
    assert!(about("bytes_in_per_record", bytes_in), "{side}");
    assert!(about("bytes_out_per_record", bytes_out), "{side}");
    // In pages, as WebAssembly has it.
    let memory = side["memory_bytes"].as_u64().unwrap();
    assert!(memory > 0 && memory.is_multiple_of(65_536), "{side}");
    assert!(number("passes") >= 3.0, "{side}");
}

#[test]
fn two_plugins_are_measured_side_by_side_and_compared() {
    let place = Place::default();
    let [settings, input] = prepared(&place);
    let ended = measured(&settings, &input, &["--vs", LEVEL_FILTER]);
    for row in ["ns a record", "  boundary", "  plugin", "memory, MiB"] {
        let line = ended.stdout.lines().find(|line| line.starts_with(row));
        let words = line.unwrap_or_default()[row.len()..].split_whitespace();
        assert_eq!(
            words.count(),
            4,
            "two numbers and how they differ in {line:?}"
        );
    }
    assert!(
        !ended.stdout.contains("they make different things"),
        "{}",
        ended.stdout
    );

    let other = place
        .write("other.yaml", "set: { env: prod }\n")
        .display()
        .to_string();
    let more = ["--vs", ENRICH, "--vs-settings", &other, "--json"];
    let ended = measured(&settings, &input, &more);
    let report = ended.summary();
    assert_eq!(report["same"], Value::Bool(false));
    assert_eq!(report["plugins"].as_array().unwrap().len(), 2);
}

#[test]
fn there_must_be_something_to_measure_with() {
    let place = Place::default();
    let empty = place.write("empty.ndjson", "").display().to_string();
    let ended = plugin(["bench", ENRICH, "--in", &empty]);
    assert_refused(&ended, 2, "there is no record; name a file with some");
    let ended = plugin(["bench", "Cargo.toml", "--in", "Cargo.toml"]);
    assert_refused(&ended, 1, "is not WebAssembly");
}
