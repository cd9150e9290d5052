//! `tamis plugin build` of plugins that are not in Rust. That what `plugin new` makes of them builds and works is in docs/plugins.md.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tamis_tests::place::Place;
use tamis_tests::tamis::{Ended, output, program};

use super::{assert_refused, plugin};

const PROJECT: &str = "[project]\nname = \"mask\"\nversion = \"0.1.0\"\n";
const PACKAGE: &str = r#"{"name":"mask","version":"0.1.0","main":"mask.js"}"#;

/// What the program says about `folder` where no tools are beside it, and nothing is in its path but `node` and `python3`.
fn away_from_tools(place: &Place, folder: &Path) -> Ended {
    let bin = place.path("bin");
    let alone = bin.join("tamis");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        fs::copy(program(), &alone).unwrap();
        for tool in ["node", "python3"] {
            let look = format!("command -v {tool}");
            let found = Command::new("bash").args(["-c", &look]).output().unwrap();
            let found = String::from_utf8(found.stdout).unwrap();
            std::os::unix::fs::symlink(found.trim(), bin.join(tool)).unwrap();
        }
    }
    let mut command = Command::new(alone);
    command.args(["plugin", "build"]).arg(folder);
    output(command.env("PATH", &bin).env_remove("VIRTUAL_ENV"))
}

#[test]
fn a_tool_that_is_missing_or_of_another_version_is_said_with_how_to_get_it() {
    let place = Place::default();
    let folder = place.path("python");
    fs::create_dir_all(folder.join(".venv/bin")).unwrap();
    fs::write(folder.join("pyproject.toml"), PROJECT).unwrap();
    let check = |folder: &Path, words: &str, cure: &str| {
        let ended = away_from_tools(&place, folder);
        assert_refused(&ended, 1, words);
        assert!(ended.stderr.contains(cure), "{}", ended.stderr);
    };
    let cure = ".venv/bin/pip install componentize-py==0.25.1";
    check(&folder, "which is not here; install it", cure);

    let tool = folder.join(".venv/bin/componentize-py");
    fs::write(&tool, "#!/bin/sh\necho componentize-py 0.1.0\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let other = "/componentize-py is componentize-py 0.1.0); install it";
    check(&folder, other, cure);

    let folder = place.path("js");
    let other = folder.join("node_modules/rolldown");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("package.json"), r#"{"version":"0.1.0"}"#).unwrap();
    fs::write(folder.join("package.json"), PACKAGE).unwrap();
    let cure = "npm install --save-dev --save-exact @bytecodealliance/componentize-js@0.23.0 ";
    check(
        &folder,
        "/node_modules has rolldown 0.1.0); install them",
        cure,
    );
}

#[test]
fn what_is_wrong_with_a_folder_is_said() {
    let place = Place::default();
    let check = |files: &[(&str, &str)], words: &str| {
        let folder = tempfile::tempdir_in(place.path("")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert_refused(&plugin(["build".as_ref(), folder.path()]), 1, words);
    };
    let none = "has none of Cargo.toml, pyproject.toml, package.json: name the plugin's folder";
    check(&[], none);

    let project = |text: &str, words: &str| check(&[("pyproject.toml", text)], words);
    project("[project", "cannot be read by Python 3.11 or later");
    project("", "pyproject.toml has no name");
    project(
        "[project]\nname = \"mask\"\n",
        "has no version under [project]",
    );
    let outside = "[project]\nname = \"../mask\"\nversion = \"1\"\n";
    project(outside, "is no name for a plugin");
    project(
        PROJECT,
        "has no module mask: put the plugin into src/mask.py",
    );
    let uses = format!("{PROJECT}[tool.tamis]\nuses = [\"files\"]\n");
    let clock = "[tool.tamis] has uses = [\"files\"]; it can have uses = [\"clock\"] alone";
    project(&uses, clock);

    let package = |text: &str, words: &str| check(&[("package.json", text)], words);
    package("{", "package.json cannot be read");
    package("{}", "package.json has no name");
    package(r#"{"name":"mask"}"#, "package.json has no version");
    package(
        PACKAGE,
        "mask.js does not exist: name the plugin's module as \"main\"",
    );
    let node = "import fs from \"node:fs\";\nexport default class { process() { return fs; } }\n";
    let files = [("package.json", PACKAGE), ("mask.js", node)];
    check(
        &files,
        "imports node:fs: plugins get nothing of Node, nor of the machine",
    );
}
