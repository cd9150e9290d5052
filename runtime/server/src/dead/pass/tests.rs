//! Tests of going through a store: a folder, which needs no service.

use std::fs;
use std::path::Path;

use tamis_config::DeadLettersSpec;
use tamis_connect::dead::marker::Marker;
use tamis_connect::dead::read::open;
use tamis_connect::halt::Halt;
use tempfile::TempDir;

use super::*;
use crate::cli::dead::SelectArguments;

pub(crate) fn letter(id: &str, stage: &str) -> DeadLetter {
    let parts: Vec<_> = id.split('/').collect();
    DeadLetter {
        version: 1,
        id: id.to_owned(),
        stage: stage.to_owned(),
        stage_version: String::new(),
        reason: "no".to_owned(),
        source: parts[0].to_owned(),
        topic: parts[1].to_owned(),
        partition: parts[2].parse().unwrap(),
        offset: parts[3].parse().unwrap(),
        number: parts[4].parse().unwrap(),
        time: None,
        key: None,
        value: None,
        headers: Vec::new(),
    }
}

fn line(offset: u64, stage: &str) -> String {
    serde_json::to_string(&letter(&format!("s/t/0/{offset}/0"), stage)).unwrap() + "\n"
}

fn stores(folder: &Path) -> Vec<DeadStore> {
    let spec = DeadLettersSpec {
        kafka: None,
        folder: Some(folder.to_owned()),
    };
    open(&spec, "group", &Halt::default()).unwrap()
}

/// Offset, stage, whether it was replayed and whether it is a copy of each letter that is seen, and how much cannot be read.
fn see(folder: &Path, keys_max: u64, all: bool) -> (Vec<(u64, String, bool, bool)>, u64) {
    let arguments = SelectArguments {
        all,
        ..SelectArguments::default()
    };
    let (select, mut seen) = (Select::new(&arguments, &[]), Vec::new());
    let unreadable = each_within(&stores(folder), &select, keys_max, |it| {
        let replayed = it.replayed.is_some();
        seen.push((it.letter.offset, it.letter.stage, replayed, it.is_copy));
        Ok(ControlFlow::Continue(()))
    });
    (seen, unreadable.unwrap())
}

fn mark(folder: &Path, marks: &[(u64, &str, &str)]) {
    let marks: Vec<_> = marks
        .iter()
        .map(|(offset, stage, place)| {
            let (id, when) = (format!("s/t/0/{offset}/0"), "2023-01-18T04:05:06Z");
            Marker::new(id, (*stage).into(), (*place).into(), when.into())
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let stored = runtime.unwrap().block_on(stores(folder)[0].mark(&marks));
    stored.unwrap();
}

fn folder(lines: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dead-1.ndjson"), lines.concat()).unwrap();
    folder
}

#[test]
fn a_letter_that_was_replayed_is_left_out_and_one_that_comes_again_is_open() {
    let folder = folder(&[line(1, "a"), line(1, "b"), line(2, "a"), line(1, "a")]);
    let a = |offset, replayed, copy| (offset, "a".to_owned(), replayed, copy);
    let b = (1, "b".to_owned(), false, false);
    let open = [
        a(1, false, false),
        b.clone(),
        a(2, false, false),
        a(1, false, true),
    ];
    assert_eq!(see(folder.path(), 100, false), (open.to_vec(), 0));

    let (first, last) = ("dead-1.ndjson line 1", "dead-1.ndjson line 4");
    mark(
        folder.path(),
        &[(1, "a", first), (2, "a", "dead-1.ndjson line 7")],
    );
    let left = [b.clone(), a(2, false, false), a(1, false, false)];
    assert_eq!(see(folder.path(), 100, false), (left.to_vec(), 0));
    let all = [
        a(1, true, false),
        b.clone(),
        a(2, false, false),
        a(1, false, false),
    ];
    assert_eq!(see(folder.path(), 100, true), (all.to_vec(), 0));

    // A mark is about one letter: not about another stage at the same place, nor about the same letter elsewhere.
    mark(folder.path(), &[(1, "b", last), (1, "a", last)]);
    assert_eq!(
        see(folder.path(), 100, false),
        (vec![b, a(2, false, false)], 0)
    );
}

#[test]
fn too_many_to_remember_are_seen_in_parts_each_once() {
    let lines: Vec<_> = (0..50)
        .chain(0..50)
        .map(|offset| line(offset, "a"))
        .collect();
    let folder = folder(&lines);
    mark(folder.path(), &[(7, "a", "dead-1.ndjson line 8")]);
    let sorted = |keys_max| {
        let (mut seen, unreadable) = see(folder.path(), keys_max, false);
        seen.sort();
        (seen, unreadable)
    };
    let (seen, _) = sorted(1_000);
    assert_eq!(seen.len(), 99);
    assert_eq!(seen.iter().filter(|it| it.3).count(), 49);
    for keys_max in [1, 10, 50, 101] {
        assert_eq!(sorted(keys_max), (seen.clone(), 0), "{keys_max}");
    }
}

#[test]
fn what_cannot_be_read_is_counted_once_and_hides_nothing() {
    let later = line(2, "a").replace("\"version\":1", "\"version\":2");
    let folder = folder(&[line(1, "a"), "{}\n".to_owned(), later, line(3, "a")]);
    fs::write(folder.path().join("replayed-1.ndjson"), "no mark\n").unwrap();
    for keys_max in [1, 100] {
        let (seen, unreadable) = see(folder.path(), keys_max, false);
        assert_eq!((seen.len(), unreadable), (2, 3));
    }
}
