//! `tamis plugin fuzz`. That it finds something, makes it small and saves it, is in docs/plugins.md.

use tamis_tests::place::Place;

use super::{ENRICH, LEVEL_FILTER, PARSE, REDACT, SAMPLE, STACKTRACE, assert_refused, plugin};

#[test]
fn the_reference_plugins_bear_what_it_makes() {
    let place = Place::default();
    let level = place.write(
        "level.yaml",
        "minimum: info\nkeep: { debug: 0.5 }\non_missing: reject\n",
    );
    let enrich = place.write(
        "enrich.yaml",
        "set: { env: prod }\nlevel: {}\ntimestamp: { zone: Asia/Shanghai, record_time: true, on_error: reject }\n\
         position: { topic: /topic, offset: /offset }\n",
    );
    let redact = place.write(
        "redact.yaml",
        "fields: [/Field/user_id, \"/*/0\"]\npatterns: [phone, id_card, email, bank_card, bearer_token]\n\
         method: hash\nmethods: { email: remove, phone: mask }\nkey: 0123456789abcdef\non_invalid: text\n",
    );
    let parse = place.write(
        "parse.yaml",
        "formats: [json, zap_console, combined, rfc5424, rfc3164, logback, logfmt]\n",
    );
    let stacktrace = place.write("stacktrace.yaml", "fields: [/Msg, /Field]\n");
    let sample = place.write(
        "sample.yaml",
        "rules: [{ field: /Type, is: [error], share: 1 }]\nshare: 0.5\nby: [/Field/user_id]\nweight_to: /weight\n",
    );
    for (wasm, settings) in [
        (LEVEL_FILTER, level),
        (ENRICH, enrich),
        (REDACT, redact),
        (PARSE, parse),
        (STACKTRACE, stacktrace),
        (SAMPLE, sample),
    ] {
        let settings = settings.to_str().unwrap();
        let cases = place.path("cases");
        let arguments = [
            "fuzz",
            wasm,
            "--settings",
            settings,
            "--inputs",
            "20000",
            "--seconds",
            "60",
            "--cases",
        ];
        let ended = plugin(arguments.into_iter().chain([cases.to_str().unwrap()]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.stdout.contains(": 20000 records in "),
            "{}",
            ended.stdout
        );
        assert!(!cases.exists());
    }
}

#[test]
fn it_ends_with_its_time() {
    let ended = plugin(["fuzz", ENRICH, "--seconds", "1", "--seed", "5"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("seed 5: "), "{}", ended.stdout);
}

#[test]
fn a_secret_that_its_case_would_not_find_is_refused() {
    let place = Place::default();
    place.write("key", "hunter2\n");
    let settings = place.write("s.yaml", "set: { env: '${file:key}' }\n");
    let settings = settings.to_str().unwrap();
    let ended = plugin(["fuzz", ENRICH, "--settings", settings]);
    let words = "where ${file:key} is another file; write its whole path";
    assert_refused(&ended, 2, words);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

#[test]
fn settings_have_to_be_right_before_anything_is_tried() {
    assert_refused(
        &plugin(["fuzz", LEVEL_FILTER]),
        2,
        "--settings FILE gives it",
    );
}
