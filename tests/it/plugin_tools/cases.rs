//! `tamis plugin test`.

use std::fs;
use std::path::Path;

use tamis_tests::place::{Place, root};

use super::{ENRICH, LEVEL_FILTER, PARSE, REDACT, SAMPLE, STACKTRACE, assert_refused, plugin};

const SETTINGS: &str = "minimum: info\n";
const IN: &str = "{\"Type\":\"debug\"}\n{\"Type\":\"info\",\"Field\":{\"id\":7}}\n{\"Type\"\n{\"Type\":\"error\"}\n";

/// A case in a folder of its own, with these files.
fn case(place: &Place, name: &str, files: &[(&str, &str)]) -> String {
    let folder = place.path(name);
    fs::create_dir_all(&folder).unwrap();
    for (file, content) in files {
        fs::write(folder.join(file), content).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn the_reference_plugins_pass_their_cases() {
    for (wasm, cases) in [
        (LEVEL_FILTER, 2),
        (ENRICH, 1),
        (REDACT, 3),
        (PARSE, 2),
        (STACKTRACE, 2),
        (SAMPLE, 4),
    ] {
        let ended = plugin(["test", wasm]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let folder = Path::new(wasm).with_file_name("cases");
        let there = fs::read_dir(root().join(folder)).unwrap().count();
        assert_eq!(there, cases);
        assert_eq!(
            ended.stdout.matches(": ok\n").count(),
            cases,
            "{}",
            ended.stdout
        );
        assert!(
            ended.stdout.trim_end().ends_with(", 0 failed"),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn what_comes_out_is_printed_and_what_is_refused_is_said() {
    let place = Place::default();
    let (input, settings) = (
        place.write("in.ndjson", IN),
        place.write("s.yaml", SETTINGS),
    );
    let (input, settings) = (input.to_str().unwrap(), settings.to_str().unwrap());
    let ended = plugin(["test", LEVEL_FILTER, "--settings", settings, "--in", input]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "{\"Type\":\"info\",\"Field\":{\"id\":7}}\n{\"Type\":\"error\"}\n"
    );
    let refused = format!("{input}: line 3: invalid JSON at byte 7: ");
    assert!(ended.stderr.contains(&refused), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("4 records: 2 came out, 1 dropped, 1 refused"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_difference_is_named_by_file_line_and_field() {
    let place = Place::default();
    let expected =
        "{\"Type\":\"info\",\"Field\":{\"id\":8}}\n{\"Type\":\"fatal\"}\n{\"Type\":\"error\"}\n";
    let error = "line 3: invalid JSON at byte 9: expected a value\n";
    let files = [
        ("settings.yaml", SETTINGS),
        ("in.ndjson", IN),
        ("out.ndjson", expected),
        ("error.txt", error),
    ];
    let folder = case(&place, "case", &files);
    let ended = plugin(["test", LEVEL_FILTER, &folder]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for line in [
        format!("{folder}: failed"),
        format!("  {folder}/out.ndjson:1: /Field/id: expected 8, came 7"),
        format!("  {folder}/out.ndjson:2: expected, but did not come: {{\"Type\":\"fatal\"}}"),
        "1 case, 1 failed".to_owned(),
    ] {
        assert!(
            ended.stdout.lines().any(|said| said == line),
            "{line}\n is not in\n{}",
            ended.stdout
        );
    }
    let said = ended
        .stdout
        .lines()
        .find(|said| said.contains("error.txt:1: expected line 3: "));
    assert!(
        said.is_some_and(|said| said.contains(", came line 3: ")),
        "{}",
        ended.stdout
    );

    let (input, output) = (
        format!("{folder}/in.ndjson"),
        format!("{folder}/out.ndjson"),
    );
    let settings = format!("{folder}/settings.yaml");
    let arguments = [
        "test",
        LEVEL_FILTER,
        "--settings",
        &settings,
        "--in",
        &input,
        "--expect",
        &output,
    ];
    let ended = plugin(arguments);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("out.ndjson:1: /Field/id: expected 8, came 7"),
        "{}",
        ended.stdout
    );
}

#[test]
fn settings_that_should_be_refused_and_are_not_are_a_failure() {
    let place = Place::default();
    let files = [
        ("settings.yaml", SETTINGS),
        ("error.txt", "settings/minimum: is wrong\n"),
    ];
    let folder = case(&place, "case", &files);
    let ended = plugin(["test", LEVEL_FILTER, &folder]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = "error.txt:1: expected, but did not come: settings/minimum: is wrong";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn what_should_not_have_come_is_named_by_the_file_that_would_have_it() {
    let place = Place::default();
    let files = [
        ("settings.yaml", SETTINGS),
        ("in.ndjson", "{\"Type\":\"error\"}\n"),
        ("error.txt", ""),
    ];
    let folder = case(&place, "case", &files);
    let ended = plugin(["test", LEVEL_FILTER, &folder]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("  {folder}/out.ndjson: not expected, but came: {{\"Type\":\"error\"}}\n");
    assert!(ended.stdout.contains(&said), "{}", ended.stdout);
}

#[test]
fn whole_records_have_keys_and_a_letter_can_be_a_case() {
    let place = Place::default();
    let letter = r#"{"version":1,"id":"a/b/0/1/0","reason":"r","key":{"text":"k"},"value":{"base64":"eyJUeXBlIjoiZXJyb3IifQ=="},"headers":[["h",null]],"time":"2023-01-18T04:05:06Z"}"#;
    let tombstone = r#"{"value":null}"#;
    let expected = r#"{"time":"2023-01-18T04:05:06Z","headers":[["h",null]],"key":{"text":"k"},"value":{"text":"{\"Type\":\"error\"}"}}"#;
    let (input, out) = (
        format!("{letter}\n{tombstone}\n"),
        format!("{expected}\n{tombstone}\n"),
    );
    let files = [
        ("settings.yaml", SETTINGS),
        ("in.records", &*input),
        ("out.records", &*out),
    ];
    let folder = case(&place, "case", &files);
    let ended = plugin(["test", LEVEL_FILTER, &folder]);
    assert_eq!(
        (ended.code, ended.stdout.contains(": ok")),
        (Some(0), true),
        "{ended:?}"
    );
}

#[test]
fn what_is_not_in_order_ends_with_code_2_and_a_cure() {
    let place = Place::default();
    let check = |arguments: &[&str], words: &str| {
        let arguments = ["test", LEVEL_FILTER].iter().chain(arguments);
        assert_refused(&plugin(arguments), 2, words);
    };
    check(&["no/such/folder"], "no/such/folder: cannot be read: ");
    let empty = case(&place, "empty", &[]);
    check(
        &[&empty],
        "there is no case; one is a folder with in.ndjson",
    );
    let no_input = case(&place, "no-input", &[("settings.yaml", SETTINGS)]);
    check(
        &[&no_input],
        "has no in.ndjson; write a record on each line of it",
    );
    // Others beside it do not hide it.
    let good = [("settings.yaml", SETTINGS), ("in.ndjson", "")];
    case(&place, "several/good", &good);
    let mistyped = [("in.json", IN), ("out.ndjson", "")];
    let mistyped = case(&place, "several/mistyped", &mistyped);
    let words = format!("{mistyped}: has no in.ndjson");
    check(&[place.path("several").to_str().unwrap()], &words);
    let twice = case(
        &place,
        "twice",
        &[
            ("settings.yaml", SETTINGS),
            ("in.ndjson", ""),
            ("in.records", ""),
        ],
    );
    check(&[&twice], "has both in.ndjson and in.records; remove one");
    let broken = case(
        &place,
        "broken",
        &[("settings.yaml", "a: [\n"), ("in.ndjson", "")],
    );
    check(&[&broken], "settings.yaml:");
    let records = case(
        &place,
        "records",
        &[
            ("settings.yaml", SETTINGS),
            ("in.records", "{}\n{\"key\":1}\n"),
        ],
    );
    check(&[&records], "in.records:2: `key` is neither");
    let input = place.write("in.ndjson", IN);
    let input = input.to_str().unwrap();
    check(&["--in", input], "--settings FILE gives it");
    check(&["--in", "no/such/file"], "no/such/file cannot be read: ");
    check(&["--expect", input], "--in");
}
