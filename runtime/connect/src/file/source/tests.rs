//! Tests of finding, splitting and reading files.

use std::fs;

use super::*;
use crate::testing::{self, Memory, keyed, partition};

const LIMITS: BatchLimits = BatchLimits {
    records_max: 3,
    bytes_max: 1 << 20,
};

fn connect(paths: &[&Path]) -> Result<FileSource, SourceError> {
    let paths = paths
        .iter()
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    FileSource::connect(
        &FileSourceSpec {
            paths,
            name: "disk".to_owned(),
        },
        LIMITS,
    )
}

#[test]
fn files_are_found_by_name_or_glob_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, content) in [
        ("b.log", "1"),
        ("a.log", "12"),
        ("c[1].txt", "123"),
        ("x", ""),
    ] {
        fs::write(path(name), content).unwrap();
    }
    fs::create_dir(path("folder.log")).unwrap();
    let source = connect(&[&path("c[1].txt"), &path("*.log"), &path("b.log")]).unwrap();
    let found: Vec<_> = source
        .files
        .iter()
        .map(|(path, size)| (Path::new(&**path), *size))
        .collect();
    let expected = [
        (path("a.log"), 2),
        (path("b.log"), 1),
        (path("c[1].txt"), 3),
    ];
    assert_eq!(
        found,
        expected
            .each_ref()
            .map(|(path, size)| (path.as_path(), *size))
    );
}

fn check_refused(paths: &[&Path], words: &str) {
    let Err(SourceError::Misconfigured(reason)) = connect(paths) else {
        panic!("{paths:?}")
    };
    assert!(reason.contains(words), "{reason}");
}

#[test]
fn a_path_that_names_no_file_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    check_refused(&[&folder.path().join("*.log")], "*.log names no file");
    check_refused(&[&folder.path().join("gone")], "gone names no file");
    check_refused(&[folder.path()], "names no file");
    check_refused(&[Path::new("a/***")], "a/*** is not a glob");
}

fn check_splits(size: u64, count_max: usize, expected: &[(u64, u64)]) {
    let splits = splits(&"disk".into(), &[("f".into(), size)], count_max, 10);
    let bounds: Vec<_> = splits
        .iter()
        .map(|split| (split.start, split.until))
        .collect();
    assert_eq!(bounds, expected, "{size} bytes for {count_max}");
    let numbers = splits.iter().map(|split| split.partition.split);
    assert!(numbers.eq(0..u32::try_from(expected.len()).unwrap()));
}

#[test]
fn a_file_is_split_over_the_lanes_unless_it_is_small() {
    check_splits(0, 4, &[(0, 0)]);
    check_splits(9, 4, &[(0, 9)]);
    check_splits(19, 4, &[(0, 19)]);
    check_splits(20, 4, &[(0, 10), (10, 20)]);
    check_splits(101, 4, &[(0, 25), (25, 50), (50, 75), (75, 101)]);
    check_splits(101, 1, &[(0, 101)]);
}

/// The values that come of `content`, read in splits and blocks of few bytes.
fn read_all(path: &Path, content: &str, parts: usize, block: usize) -> Vec<String> {
    fs::write(path, content).unwrap();
    let topic = path.to_str().unwrap().into();
    let mut values = Vec::new();
    for split in splits(&"disk".into(), &[(topic, content.len() as u64)], parts, 1) {
        read(&split, LIMITS, block, |batch| {
            let rows = batch
                .rows()
                .iter()
                .map(|row| batch.bytes(row.value).unwrap());
            values.extend(rows.map(|value| String::from_utf8_lossy(value).into_owned()));
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    values
}

#[test]
fn each_line_of_a_file_is_read_once_whatever_the_splits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let contents = [
        "",
        "\n",
        "one",
        "one\ntwo\r\n\nthree three three\n4",
        "a\nb\nc\nd\ne\nf\ng\n",
    ];
    for content in contents {
        for (parts, block) in [(1, 1), (2, 1000), (3, 5), (7, 2), (40, 3)] {
            let values = read_all(&path, content, parts, block);
            assert!(
                values.iter().eq(content.lines()),
                "{content:?} in {parts} by {block}: {values:?}"
            );
        }
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "a\nb\n").unwrap();
    let partition = partition(path.to_str().unwrap());
    let split = Split {
        partition,
        start: 0,
        until: 100,
        size: 100,
    };
    let error = read(&split, LIMITS, 10, |_| ControlFlow::Continue(())).unwrap_err();
    let SourceError::Lost(reason) = error else {
        panic!("{error}")
    };
    assert!(
        reason.ends_with("had 100 bytes and now ends at byte 4"),
        "{reason}"
    );
}

#[test]
fn what_is_added_while_a_file_is_read_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "a\nb\nadded\n").unwrap();
    let split = Split {
        partition: partition(path.to_str().unwrap()),
        start: 0,
        until: 4,
        size: 4,
    };
    let mut ranges = Vec::new();
    read(&split, LIMITS, 100, |batch| {
        ranges.push((batch.range().start, batch.range().next));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(ranges, [(0, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_reads_all_files_on_all_lanes() {
    let folder = tempfile::tempdir().unwrap();
    let line = |file: usize, line: usize| format!("file {file} line {line} {}", "x".repeat(900));
    let mut expected = std::collections::BTreeMap::new();
    for (file, lines) in [(0, 3000), (1, 1), (2, 10), (3, 1500)] {
        let path = folder.path().join(format!("{file}.log"));
        let mut content = String::new();
        for number in 0..lines {
            let id = format!("disk/{}/0/{}/0", path.display(), content.len());
            expected.insert(id, line(file, number).into_bytes());
            content.push_str(&line(file, number));
            content.push('\n');
        }
        fs::write(path, content).unwrap();
    }
    let limits = BatchLimits {
        records_max: 100,
        bytes_max: 1 << 20,
    };
    let paths = vec![format!("{}/*.log", folder.path().display())];
    let spec = FileSourceSpec {
        paths,
        name: "disk".to_owned(),
    };
    let source = Box::new(FileSource::connect(&spec, limits).unwrap());
    let (store, _hears) = Memory::new();
    let (dead, _none) = Memory::new();
    let pipeline = testing::pipeline(source, 3, keyed(&store), dead);
    let summary = testing::run(pipeline).await.unwrap();
    assert_eq!(summary.unsettled, 0);
    assert!(
        store.values() == expected,
        "{} records",
        store.values().len()
    );
}
