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
async fn only_what_was_there_of_the_partition_is_discarded() {
    let root = tempfile::tempdir().unwrap();
    let (store, logs, other) = (store(root.path()), partition("logs"), partition("other"));
    let neighbour = FileStore::connect(root.path(), "team/b").unwrap();
    assert_eq!(store.staged(&logs).await.unwrap(), []);
    let folders = [
        store.make_folder(&logs).unwrap(),
        store.make_folder(&other).unwrap(),
        neighbour.make_folder(&logs).unwrap(),
    ];
    for folder in &folders {
        for file in ["a-1-0.part", "a-1-1.part", "a-1.json", "a-2.shown"] {
            fs::write(folder.join(file), "x").unwrap();
        }
    }
    let found = store.staged(&logs).await.unwrap();
    let run = |name: &str| StagedRun(name.to_owned());
    assert_eq!(found, [run("a-1"), run("a-2")]);
    // What the next owner stages meanwhile is not among it.
    fs::write(folders[0].join("a-3-0.part"), "x").unwrap();
    for _ in 0..2 {
        for run in &found {
            store.discard(&logs, run).await.unwrap();
        }
    }
    let left = |folder: &str| {
        let files = files(root.path()).into_iter();
        files.filter(|file| file.contains(folder)).count()
    };
    assert_eq!(left("a/test/logs"), 1, "{:?}", files(root.path()));
    assert_eq!((left("a/test/other"), left("b/test/logs")), (4, 4));
}

#[tokio::test]
async fn a_run_that_is_not_there_is_gone_or_was_staged_elsewhere() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other, logs) = (store(folder.path()), store(other.path()), partition("logs"));
    let run = StagedRun(one.new_run());
    let error = one.reveal(&logs, &run).await.unwrap_err();
    let SinkError::Gone(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.to_string().contains(&run.0), "{error}");
    let error = other.reveal(&logs, &run).await.unwrap_err();
    let SinkError::Misconfigured(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.to_string().contains("must share one"), "{error}");
    // Nothing can be said while the disk is away, and nothing may be put in its place.
    fs::remove_dir_all(folder.path().join(STAGING)).unwrap();
    for error in [
        one.reveal(&logs, &run).await.unwrap_err(),
        one.make_folder(&logs).unwrap_err(),
    ] {
        assert!(matches!(error, SinkError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(files(folder.path()), [""; 0]);
}
