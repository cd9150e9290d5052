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
