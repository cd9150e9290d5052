//! What the readers of what outlives a process must do: for the tests, and for `make fuzz`.
//!
//! Each function panics where they do something else.

use std::fmt::Debug;
use std::path::{Component, Path};
use std::sync::Arc;

use serde::Serialize;

use crate::dead::letters::{LetterSource, batch, partition};
use crate::dead::marker::Marker;
use crate::dead_folder::letter::DeadLetter;
use crate::dead_folder::read::{Lines, ReadError, letter, mark};
use crate::file::manifest::{Manifest, file_name, part_name, run_of, within};
use crate::source::BatchLimits;

/// Reads a file of dead letters, the same as one of marks, and the same as the headers of a record in a topic of both.
pub fn dead_letter(bytes: &[u8]) {
    let mut letters = lines(bytes, letter);
    for mark in lines(bytes, mark) {
        let headers = mark.to_headers();
        assert_eq!(Marker::in_headers(&headers), Some(Ok(mark)));
    }
    if let Some(Ok(read)) = Marker::in_headers(bytes) {
        same_again(&read, mark);
    }
    #[cfg(any(feature = "kafka", fuzzing))]
    if let Ok(read) = DeadLetter::in_topic(bytes, None, Some(bytes), 0) {
        same_again(&read, letter);
        letters.push(read);
    }
    replay(letters);
}

/// What the lines of a file say that can be read; each of the others is told of with its number.
fn lines<T>(bytes: &[u8], parse: fn(&[u8]) -> Result<T, String>) -> Vec<T>
where
    T: Serialize + PartialEq + Debug,
{
    let found: Vec<_> = Lines::new("dead.ndjson".into(), Ok(bytes), parse).collect();
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(found.len(), ends, "a line without an end was never stored");
    let mut read = Vec::new();
    for (found, number) in found.into_iter().zip(1..) {
        match found {
            Ok((place, found)) => {
                assert_eq!(place, format!("dead.ndjson line {number}"));
                same_again(&found, parse);
                read.push(found);
            }
            Err(ReadError::Line { line, .. }) => assert_eq!(line, number),
            Err(error @ ReadError::Disk { .. }) => panic!("{error}"),
        }
    }
    read
}

/// What was read says the same once it was written and read again, and it takes one line.
fn same_again<T: Serialize + PartialEq + Debug>(read: &T, parse: fn(&[u8]) -> Result<T, String>) {
    let written = serde_json::to_vec(read).expect("text and numbers are JSON");
    assert!(!written.contains(&b'\n'));
    assert_eq!(parse(&written).as_ref(), Ok(read));
}

/// Makes batches of the records in `letters`.
fn replay(letters: Vec<DeadLetter>) {
    let limits = BatchLimits {
        records_max: 3,
        bytes_max: 256,
    };
    let source = LetterSource::new(letters, limits);
    for mut letters in source.partitions() {
        let partition = Arc::new(partition(&letters[0]));
        while let Some(first) = letters.first() {
            let next = batch(&partition, &mut letters, limits).range();
            assert_eq!(next.start, first.offset);
        }
    }
}

/// Reads the manifest of a run, and the same as the name of one.
pub fn manifest(bytes: &[u8]) {
    if let Ok(name) = std::str::from_utf8(bytes) {
        assert!(name.starts_with(run_of(name)));
        assert_eq!(run_of(&file_name(name)), name);
        assert_eq!(run_of(&part_name(name, 7)), name);
    }
    let Ok(manifest) = Manifest::parse(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&manifest).expect("text and numbers are JSON");
    assert_eq!(Manifest::parse(&written).as_ref(), Ok(&manifest));
    let root = Path::new("root");
    let files = manifest.files.iter();
    for path in files.flat_map(|file| [&file.staged, &file.path]) {
        let Ok(place) = within(root, path) else {
            continue;
        };
        let below = place.strip_prefix(root).expect("it is below the root");
        let is_plain = |part| matches!(part, Component::Normal(_));
        assert!(below.file_name().is_some() && below.components().all(is_plain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_of_dead_letters_do_what_they_must_on_the_seeds_and_what_comes_of_them() {
        tamis_fuzz_short::run("dead_letter", 5_000, dead_letter);
    }

    #[test]
    fn readers_of_manifests_do_what_they_must_on_the_seeds_and_what_comes_of_them() {
        tamis_fuzz_short::run("manifest", 5_000, manifest);
    }
}
