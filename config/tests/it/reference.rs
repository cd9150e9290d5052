//! What is generated from the types is what the repository holds.

use std::collections::BTreeSet;

use expect_test::expect_file;
use serde_json::Value;

#[test]
fn the_reference_page_is_not_stale() {
    // `UPDATE_EXPECT=1 cargo test --release -p tamis-config` writes it anew.
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.md");
    expect_file![page].assert_eq(&tamis_config::reference());
}

/// Pages of one kind of sink each, which end in the tables of what that one may say.
const SINKS: [&str; 2] = ["elasticsearch", "mongodb"];

#[test]
fn the_options_on_the_page_of_a_sink_are_not_stale() {
    const MARK: &str = "<!-- what follows is generated; see config.md -->\n";
    let reference = tamis_config::reference();
    for sink in SINKS {
        let page = format!("{}/../docs/{sink}.md", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&page).unwrap();
        let (written, _) = text.split_once(MARK).unwrap();
        let sections = reference.split("\n## ");
        let of_sink = sections.filter(|it| it.starts_with(&format!("`sinks.NAME.{sink}")));
        let tables: String = of_sink.map(|it| format!("\n### {it}")).collect();
        assert!(!tables.is_empty(), "{sink} has options");
        expect_file![page].assert_eq(&format!("{written}{MARK}{tables}"));
    }
}

#[test]
fn every_key_of_the_schema_is_explained_on_the_reference_page() {
    let schema: Value = serde_json::from_str(&tamis_config::schema()).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let keys = definitions
        .filter_map(|definition| definition["properties"].as_object())
        .flatten()
        .map(|(key, value)| {
            (
                key.as_str(),
                value["description"].as_str().unwrap_or_default(),
            )
        })
        .collect::<BTreeSet<_>>();
    assert!(keys.len() > 30, "{keys:?}");
    let page = tamis_config::reference();
    for (key, meaning) in keys {
        assert!(!meaning.is_empty(), "`{key}` has a comment");
        let meaning = meaning.replace('\n', " ").replace('|', "\\|");
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")) && line.contains(&meaning));
        assert!(row.is_some(), "`{key}` is on the page");
    }
}
