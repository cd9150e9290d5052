//! Tests of the forms of letters and marks, and of letters as a source.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tamis_core::headers;
use tamis_core::sink::Verdict;

use super::letters::LetterSource;
use super::marker::Marker;
use super::read::{DeadStore, Entry, Wanted, open};
use super::*;
use crate::dead_folder::letter::{Content, DeadLetter};
use crate::halt::Halt;
use crate::source::BatchLimits;
use crate::testing::{Memory, keyed, pipeline, run};

const VERSION_1: &str = include_str!("version-1.json");
const MARKS_VERSION_1: &str = include_str!("../dead_folder/marks-version-1.ndjson");

/// The headers of the letter or the mark in the fixture, in their flat form.
fn fixture(what: &str) -> Vec<u8> {
    let all: Value = serde_json::from_str(VERSION_1).unwrap();
    let one = all.as_array().unwrap().iter().find(|it| it["what"] == what);
    let mut flat = Vec::new();
    for header in one.unwrap()["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str());
        headers::push(&mut flat, name, value.map(str::as_bytes));
    }
    flat
}

/// `flat` without the header `name`, or with another value of it: the first one.
fn with(flat: &[u8], name: &str, value: Option<&str>) -> Vec<u8> {
    let (mut changed, mut is_done) = (Vec::new(), false);
    for (other, old) in headers::iter(flat) {
        if other != name || is_done {
            headers::push(&mut changed, other, old);
            continue;
        }
        is_done = true;
        if let Some(value) = value {
            headers::push(&mut changed, name, Some(value.as_bytes()));
        }
    }
    changed
}

fn mark(place: &str) -> Marker {
    let when = "2023-01-18T04:05:06Z".to_owned();
    Marker::new(
        "cluster/logs/3/42/1".to_owned(),
        "mask".to_owned(),
        place.to_owned(),
        when,
    )
}

#[test]
fn letters_of_version_1_are_read_from_a_topic() {
    let letter = DeadLetter::in_topic(&fixture("letter"), Some(b"k"), None, 5).unwrap();
    let text = |text: &str| Some(Content(text.as_bytes().to_vec()));
    let expected = DeadLetter {
        version: 1,
        id: "cluster/logs/3/42/1".to_owned(),
        stage: "mask".to_owned(),
        stage_version: "1.2.0".to_owned(),
        reason: "a reason: 名".to_owned(),
        source: "cluster".to_owned(),
        topic: "logs".to_owned(),
        partition: 3,
        offset: 42,
        number: 1,
        time: Some("2023-01-18T04:05:06.789Z".to_owned()),
        key: text("k"),
        value: None,
        headers: vec![
            ("own".to_owned(), None),
            ("tamis-reason".to_owned(), text("of an earlier life")),
        ],
    };
    assert_eq!(letter, expected);

    // The time of the topic counts only where the letter has no word about the record's.
    let time = |said, of_topic| {
        let flat = with(&fixture("letter"), "tamis-time", said);
        DeadLetter::in_topic(&flat, None, None, of_topic)
            .unwrap()
            .time
    };
    assert_eq!(time(Some(""), 1_000), None);
    assert_eq!(time(None, 1_000).as_deref(), Some("1970-01-01T00:00:01Z"));
    assert_eq!(time(None, -1), None);
}

#[test]
fn what_is_no_letter_of_a_known_version_says_why() {
    let check = |name: &str, value, expected: &str| {
        let flat = with(&fixture("letter"), name, value);
        let error = DeadLetter::in_topic(&flat, None, None, 0).unwrap_err();
        assert_eq!(error, expected);
    };
    check("tamis-dead", None, "it is no dead letter");
    check("tamis-dead", Some("2"), "version 2 is not known");
    check("tamis-stage", None, "header tamis-stage is missing");
    check(
        "tamis-offset",
        Some("-1"),
        "header tamis-offset is \"-1\", which is no number",
    );
    check(
        "tamis-time",
        Some("x"),
        "header tamis-time is \"x\", which is no number",
    );
}

#[test]
fn marks_of_version_1_are_written_and_read_in_a_topic() {
    let mark = mark("partition 0 offset 7");
    assert_eq!(mark.to_headers(), fixture("mark"));
    assert_eq!(Marker::in_headers(&fixture("mark")), Some(Ok(mark)));
    assert_eq!(Marker::in_headers(&fixture("letter")), None);
    assert_eq!(Marker::in_headers(b""), None);
    let check = |name: &str, value, expected: &str| {
        let flat = with(&fixture("mark"), name, value);
        assert_eq!(Marker::in_headers(&flat), Some(Err(expected.to_owned())));
    };
    check("tamis-replayed", Some("2"), "version 2 is not known");
    check("tamis-place", None, "header tamis-place is missing");
}

fn store(folder: &Path) -> DeadStore {
    let spec = DeadLettersSpec {
        kafka: None,
        folder: Some(folder.to_owned()),
    };
    open(&spec, "group", &Halt::default()).unwrap().remove(0)
}

#[tokio::test]
async fn marks_of_version_1_are_written_and_read_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mark = mark("dead-1.ndjson line 1");
    store(folder.path())
        .mark(std::slice::from_ref(&mark))
        .await
        .unwrap();
    let paths: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    assert_eq!(paths.len(), 1);
    assert_eq!(fs::read_to_string(&paths[0]).unwrap(), MARKS_VERSION_1);

    fs::write(&paths[0], MARKS_VERSION_1).unwrap();
    let store = store(folder.path());
    let entries: Vec<_> = store.entries(Wanted::Marks).unwrap().collect();
    assert!(
        matches!(&entries[..], [Ok(Entry::Mark(found))] if *found == mark),
        "{entries:?}"
    );
    assert_eq!(store.entries(Wanted::Letters).unwrap().count(), 0);
    assert_eq!(store.entries_max().unwrap(), 1);
}

#[tokio::test]
async fn a_store_of_marks_takes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let marks = DeadFolder::marks(folder.path()).unwrap();
    let records = crate::testing::records(&crate::testing::partition("t"), &[(0, 0, Some(b"v"))]);
    let refused = Verdict::Rejected("it marks no dead letter".to_owned());
    assert_eq!(marks.write(&records).await.unwrap(), [refused]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_comes_after_a_store_was_opened_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let line = include_str!("../dead_folder/version-1.ndjson")
        .lines()
        .next()
        .unwrap();
    let path = folder.path().join("dead-1.ndjson");
    fs::write(&path, format!("{line}\n")).unwrap();
    let opened = store(folder.path());
    fs::write(&path, format!("{line}\n{line}\n")).unwrap();
    fs::write(folder.path().join("dead-2.ndjson"), format!("{line}\n")).unwrap();
    let entries: Vec<_> = opened.entries(Wanted::Letters).unwrap().collect();
    let [Ok(Entry::Letter(found))] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!(found.place, "dead-1.ndjson line 1");
    assert_eq!(
        store(folder.path())
            .entries(Wanted::Letters)
            .unwrap()
            .count(),
        3
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let spec = DeadLettersSpec {
        kafka: None,
        folder: Some("/nowhere/dead".into()),
    };
    let error = open(&spec, "group", &Halt::default()).err().unwrap();
    assert!(error.to_string().contains("/nowhere/dead"), "{error}");
}

fn letter(topic: &str, partition: i32, offset: u64, number: u32) -> DeadLetter {
    let mut letter = DeadLetter::in_topic(&fixture("letter"), None, None, 0).unwrap();
    letter.value = Some(Content(
        format!("{topic}.{partition}.{offset}").into_bytes(),
    ));
    letter.topic = topic.to_owned();
    (letter.partition, letter.offset, letter.number) = (partition, offset, number);
    letter
}

#[tokio::test]
async fn letters_in_any_order_are_records_in_order_each_once() {
    let letters = vec![
        letter("b", 0, 9, 0),
        letter("a", 1, 7, 0),
        letter("a", 0, 8, 2),
        letter("a", 0, 3, 0),
        letter("a", 0, 8, 0),
        letter("a", 0, 5, 0),
    ];
    let (memory, mut told) = Memory::new();
    let limits = BatchLimits {
        records_max: 2,
        bytes_max: 1 << 20,
    };
    let source = Box::new(LetterSource::new(letters, limits));
    let summary = run(pipeline(source, 1, keyed(&memory), memory.clone())).await;
    assert_eq!(summary.unwrap().unsettled, 0);
    let mut values = Vec::new();
    while let Ok(value) = told.try_recv() {
        values.push(String::from_utf8(value).unwrap());
    }
    assert_eq!(values, ["a.0.3", "a.0.5", "a.0.8", "a.1.7", "b.0.9"]);
    let ids: Vec<_> = memory.values().into_keys().collect();
    let expected = ["a/0/3", "a/0/5", "a/0/8", "a/1/7", "b/0/9"];
    assert_eq!(ids, expected.map(|id| format!("cluster/{id}/0")));
}
