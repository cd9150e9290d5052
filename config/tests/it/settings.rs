//! The settings of one plugin in a file of their own.

use serde_json::{Value, json};
use tamis_config::{PluginSettings, load_settings};

use crate::environment;

/// As the plugin gets them.
fn load(text: &str) -> Result<Value, String> {
    read(text).map(|settings| Value::Object(settings.expanded))
}

fn read(text: &str) -> Result<PluginSettings, String> {
    let folder = tempfile::tempdir().expect("there is a place for it");
    let path = folder.path().join("s.yaml");
    std::fs::write(&path, text).expect("the folder is ours");
    let settings = load_settings(&path, &environment(&[("KEY", "hunter2")]));
    let folder = format!("{}/", folder.path().display());
    settings.map_err(|problems| problems.to_string().replace(&folder, ""))
}

#[test]
fn they_are_what_stands_under_settings_in_a_pipeline() {
    let text = "minimum: info\nkeep: { debug: 0.5 }\nkey: '${env:KEY}'\n";
    let expected = json!({ "minimum": "info", "keep": { "debug": 0.5 }, "key": "hunter2" });
    assert_eq!(load(text), Ok(expected));
    for none in ["{}", "", "# all as it comes\n"] {
        assert_eq!(load(none), Ok(json!({})));
    }
}

#[test]
fn what_is_written_has_names_where_secrets_are() {
    let text = "key: '${env:KEY}'\nall: ['a ${env:KEY}', 1]\n";
    let Ok(settings) = read(text) else {
        panic!("they are in order");
    };
    let written = json!({ "key": "${env:KEY}", "all": ["a ${env:KEY}", 1] });
    assert_eq!(Value::Object(settings.written), written);
    let expanded = json!({ "key": "hunter2", "all": ["a hunter2", 1] });
    assert_eq!(Value::Object(settings.expanded), expanded);
}

#[test]
fn what_is_wrong_has_its_line() {
    let check = |text: &str, expected: &str| {
        let problem = load(text).unwrap_err();
        assert!(problem.starts_with(expected), "{problem}");
    };
    check(
        "a: 1\nb: 2\na: 3\n",
        "s.yaml:1: a: is there twice: lines 1 and 3",
    );
    check(
        "a: '${env:NONE}'\n",
        "s.yaml:1: a: environment variable `NONE` is not set",
    );
    check("a: [\n", "s.yaml:");
    check("- a\n", "s.yaml: ");
}
