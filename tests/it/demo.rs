//! `tamis demo`, which needs nothing but the plugins.

use std::fs;

use serde_json::Value;
use tamis_tests::data::lines;
use tamis_tests::files::{content, dead_letters, visible};
use tamis_tests::place::Place;
use tamis_tests::tamis::{output, tamis};

#[test]
fn the_demo_ends_with_a_summary_of_what_is_in_its_folder() {
    let place = Place::default();
    let folder = place.path("demo");
    let mut demo = tamis([
        "demo",
        "--records",
        "20000",
        "--json",
        "--plugins",
        "plugins",
        "--folder",
    ]);
    let ended = output(demo.arg(&folder));
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let summary = ended.summary();
    let count = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
    let (written, dropped, dead) = (count("written"), count("dropped"), count("dead"));
    assert_eq!(count("generated"), 20_000);
    assert_eq!(written + dropped + dead, 20_000);
    assert!(written > 0 && dropped > 0 && dead > 0, "{summary}");
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        summary["folder"].as_str().unwrap(),
        folder.canonicalize().unwrap().to_str().unwrap()
    );

    let records: Vec<u8> = visible(&folder.join("archive"))
        .iter()
        .flat_map(|it| content(it))
        .collect();
    assert_eq!(lines(&records).count(), written);
    for line in lines(&records) {
        let record: Value = serde_json::from_slice(line).unwrap();
        assert!(
            record["level"].is_string() && record["@timestamp"].is_string(),
            "{record}"
        );
    }
    assert_eq!(dead_letters(&folder.join("dead")).len(), dead);
}

#[test]
fn the_demo_leaves_a_folder_alone_that_has_something_in_it() {
    let place = Place::default();
    place.write("mine", "precious");
    let mut demo = tamis(["demo", "--records", "1", "--json", "--folder"]);
    let ended = output(demo.arg(place.path("")));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is not empty"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 1);
}
