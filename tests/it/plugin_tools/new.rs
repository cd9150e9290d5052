//! `tamis plugin new`. That what it makes builds and passes its tests is in docs/plugins.md.

use std::fs;

use tamis_tests::place::{Place, root};

use super::{assert_refused, plugin};

#[test]
fn the_sdk_is_the_one_beside_the_program_unless_told_otherwise() {
    let place = Place::default();
    let manifest = |name: &str, more: &[&str]| {
        let folder = place.path(name).display().to_string();
        let arguments = ["new", name, "--folder", &folder];
        let ended = plugin(arguments.iter().chain(more));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        fs::read_to_string(place.path(name).join("Cargo.toml")).unwrap()
    };
    let sdk = root().join("sdk/rust").canonicalize().unwrap();
    let path = format!("tamis-sdk = {{ path = \"{}\" }}", sdk.display());
    assert!(manifest("one", &[]).contains(&path));
    assert!(manifest("two", &["--sdk", "sdk/rust"]).contains(&path));
    assert!(manifest("three", &["--sdk", "0.1"]).contains("tamis-sdk = \"0.1\"\n"));
    // The versions of the repository are on this machine already; those of a registry are not known.
    assert!(place.path("one/Cargo.lock").is_file());
    assert!(!place.path("three/Cargo.lock").exists());
}

#[test]
fn nothing_is_written_where_something_is_wrong() {
    let place = Place::default();
    let folder = place.path("folder").display().to_string();
    let check = |name: &str, more: &[&str], words: &str| {
        let arguments = ["new", name, "--folder", &folder];
        assert_refused(&plugin(arguments.iter().chain(more)), 2, words);
    };
    check(
        "Mask",
        &[],
        "Mask is no name for a plugin: lower-case letters",
    );
    check("serde", &[], "means something in Rust already");
    check(
        "mask",
        &["--sdk", "no/such/folder"],
        "--sdk no/such/folder: there is no Cargo.toml in it;",
    );
    assert!(!place.path("folder").exists());
    fs::create_dir(&folder).unwrap();
    place.write("folder/mine.txt", "");
    check(
        "mask",
        &[],
        "is there already; choose another name, or --folder DIR",
    );
}
