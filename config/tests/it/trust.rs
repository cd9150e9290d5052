//! Whose plugins are run.

use std::fs;

use expect_test::expect;
use tamis_config::{Downgrade, Environment, PluginFiles, load_text};

use crate::{LEAST, check, read};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

#[test]
fn plugins_are_anyones_unless_there_are_keys() {
    assert_eq!(read(LEAST, &[]).unwrap().trust, None);
    let text = format!("{LEAST}trust:\n  keys: [{KEY}]\n");
    let trust = read(&text, &[]).unwrap().trust.unwrap();
    assert_eq!(trust.keys, [KEY]);
    assert_eq!(trust.downgrade, Downgrade::Refuse);
    let trust = read(&format!("{text}  downgrade: allow\n"), &[]).unwrap();
    assert_eq!(trust.trust.unwrap().downgrade, Downgrade::Allow);
}

#[test]
fn a_key_may_be_the_file_that_keygen_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("untrusted comment: minisign public key\r\n{KEY}\r\n");
    fs::write(folder.path().join("release.pub"), file).unwrap();
    let text = format!("{LEAST}trust: {{ keys: ['${{file:release.pub}}'] }}\n");
    let path = folder.path().join("logs.yaml");
    let spec = load_text(&text, &path, &Environment::new(), PluginFiles::MayBeMissing);
    assert_eq!(spec.unwrap().trust.unwrap().keys, [KEY]);
}

#[test]
fn keys_that_would_trust_no_one_are_refused() {
    let check = |trust: &str, expected| {
        let edited = format!("pipeline: logs\ntrust: {trust}");
        check(&[("pipeline: logs", &edited)], expected);
    };
    check(
        "{ keys: [] }",
        expect!["logs.yaml:2: trust.keys: must not be empty"],
    );
    check("{}", expect!["logs.yaml:2: trust.keys: is missing"]);
    check(
        &format!("{{ keys: [release, '', {KEY}=, {KEY}, {KEY}] }}"),
        expect![[r#"
            logs.yaml:2: trust.keys[0]: is not a public key of minisign (write the line `RWQ…` of the `.pub` file that `tamis plugin keygen` wrote)
            logs.yaml:2: trust.keys[1]: is not a public key of minisign (write the line `RWQ…` of the `.pub` file that `tamis plugin keygen` wrote)
            logs.yaml:2: trust.keys[2]: is not a public key of minisign (write the line `RWQ…` of the `.pub` file that `tamis plugin keygen` wrote)
            logs.yaml:2: trust.keys[4]: is the same as `trust.keys[3]`"#]],
    );
    check(
        &format!("{{ keys: [{KEY}], downgrade: maybe }}"),
        expect![
            "logs.yaml:2: trust.downgrade: unknown choice `maybe`: expected one of `refuse`, `allow`"
        ],
    );
}
