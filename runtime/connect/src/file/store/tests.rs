//! Tests of what is left from one owner of a partition to the next.

use super::*;
use crate::testing::partition;

fn store(root: &Path) -> Arc<FileStore> {
    FileStore::connect(root, "team/a").unwrap()
}

/// Files below `root`, relative to it, without the name of the store.
fn files(root: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with(NAME_FILE) => {}
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_store_keeps_its_name_whoever_connects() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = store(one.path());
    assert_eq!(first.name, store(one.path()).name);
    assert_ne!(first.name, store(other.path()).name);
    assert_eq!(files(one.path()), [""; 0]);
    let run = first.new_run();
    assert_eq!(run.split('-').next(), Some(&*first.name));
    assert_ne!(run, first.new_run());
}

#[test]
fn a_store_with_a_broken_name_is_refused() {
    let root = tempfile::tempdir().unwrap();
    store(root.path());
    fs::write(root.path().join(STAGING).join(NAME_FILE), "").unwrap();
    let error = FileStore::connect(root.path(), "group").unwrap_err();
    assert!(matches!(error, SinkError::Misconfigured(_)), "{error:?}");
}

#[tokio::test]
async fn only_what_is_left_of_the_partition_is_swept() {
    let root = tempfile::tempdir().unwrap();
    let (store, logs, other) = (store(root.path()), partition("logs"), partition("other"));
    let neighbour = FileStore::connect(root.path(), "team/b").unwrap();
    store.sweep(&logs).await.unwrap();
    for folder in [
        store.make_folder(&logs),
        store.make_folder(&other),
        neighbour.make_folder(&logs),
    ] {
        fs::write(folder.unwrap().join("left.part"), "x").unwrap();
    }
    store.sweep(&logs).await.unwrap();
    assert_eq!(
        files(root.path()),
        [
            ".staging/team%2Fa/test/other/0/left.part",
            ".staging/team%2Fb/test/logs/0/left.part",
        ]
    );
}

#[tokio::test]
async fn a_run_that_is_not_there_was_shown_here_or_staged_elsewhere() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other, logs) = (store(one.path()), store(other.path()), partition("logs"));
    let run = StagedRun(one.new_run());
    one.reveal(&logs, &run).await.unwrap();
    let error = other.reveal(&logs, &run).await.unwrap_err();
    let SinkError::Misconfigured(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.to_string().contains("must share one"), "{error}");
}
