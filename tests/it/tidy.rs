//! What the repository keeps to beside what the compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

use tamis_tests::place::root;

const LINES_MAX: usize = 500;

/// Every file of the repository that a person wrote: built things and what begins with a dot are left out.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            let is_made = name.starts_with('.')
                || matches!(&*name, "target" | "__pycache__" | "node_modules");
            if path.is_dir() && !is_made {
                folders.push(path);
            } else if path.is_file() && path.extension().is_none_or(|ending| ending != "wasm") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 100, "the repository was found");
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn no_file_of_code_is_too_long_to_be_read_at_once() {
    let code = sources()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let long: Vec<_> = code
        .map(|path| (relative(&path), text(&path).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .collect();
    assert!(
        long.is_empty(),
        "more than {LINES_MAX} lines, split them by what they do: {long:?}"
    );
}

#[test]
fn every_plugin_says_what_it_is_for() {
    let plugins = fs::read_dir(root().join("plugins")).unwrap();
    let plugins = plugins
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let silent: Vec<_> = plugins
        .filter(|plugin| !plugin.join("README.md").is_file())
        .collect();
    assert!(silent.is_empty(), "plugins without a README.md: {silent:?}");
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    // Put together here, or this file would be the first to be found.
    let folders = ["work", "root", "Users"].map(|name| format!("/{name}/"));
    let found = |path: &PathBuf| {
        let text = fs::read_to_string(path).ok()?;
        let folder = folders.iter().find(|folder| text.contains(&***folder))?;
        Some(format!("{} names {folder}", relative(path)))
    };
    let found: Vec<_> = sources().iter().filter_map(found).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn code_has_no_leftovers() {
    let leftovers = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let attributes = ["ignore", "should_panic"].map(|name| format!("#[{name}"));
    let found = |path: &PathBuf| {
        let text = text(path);
        let words = leftovers.iter().chain(&attributes);
        let word = words.into_iter().find(|word| text.contains(&***word))?;
        Some(format!("{} has {word}", relative(path)))
    };
    let code = sources()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let found: Vec<_> = code.collect::<Vec<_>>().iter().filter_map(found).collect();
    assert!(found.is_empty(), "{found:#?}");
}
