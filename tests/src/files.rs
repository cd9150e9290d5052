//! What a file sink has made visible.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use tamis_connect::dead_folder::{letter::DeadLetter, read};

use crate::data::lines;

/// Files whose records are written but not to be seen yet.
const STAGING: &str = ".staging";

/// The visible files below `root`, by their names.
///
/// # Panics
/// Where the folder cannot be read.
#[must_use]
pub fn visible(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be read to its end").path();
        if !path.is_dir() {
            files.push(path);
        } else if !path.ends_with(STAGING) {
            walk(&path, files);
        }
    }
}

/// The files that are left behind in the staging folder of `root`, and in the folders of groups in it.
#[must_use]
pub fn staged(root: &Path) -> Vec<String> {
    visible(&root.join(STAGING))
        .iter()
        // What names the store stays.
        .filter(|path| !path.ends_with("store"))
        .map(|path| path.display().to_string())
        .collect()
}

/// The lines of a file, decompressed by its ending.
///
/// # Panics
/// Where it cannot be read or decompressed.
#[must_use]
pub fn content(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).expect("a visible file can be read");
    let mut bytes = Vec::new();
    let ending = path.extension().and_then(|ending| ending.to_str());
    let read = match ending {
        Some("zst") => zstd::stream::copy_decode(file, &mut bytes),
        Some("gz") => flate2::read::MultiGzDecoder::new(file)
            .read_to_end(&mut bytes)
            .map(drop),
        _ => file.read_to_end(&mut bytes).map(drop),
    };
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes
}

/// The lines of each partition, its files joined in the order of their names. Partitions go by `topic-number`.
#[must_use]
pub fn by_partition(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut partitions = BTreeMap::<String, Vec<u8>>::new();
    for path in visible(root) {
        partitions
            .entry(partition(&path).to_owned())
            .or_default()
            .extend(content(&path));
    }
    partitions
}

/// As [`by_partition`], each folder by itself: folder below `root`, and partition.
#[must_use]
pub fn by_folder(root: &Path) -> BTreeMap<(String, String), Vec<u8>> {
    let mut folders = BTreeMap::<_, Vec<u8>>::new();
    for path in visible(root) {
        let folder = path.parent().and_then(|it| it.strip_prefix(root).ok());
        let folder = folder.expect("a file in a folder below the root");
        folders
            .entry((folder.display().to_string(), partition(&path).to_owned()))
            .or_default()
            .extend(content(&path));
    }
    folders
}

fn partition(path: &Path) -> &str {
    range(path).0
}

/// Which partition a file is of, its first offset and the one after its last: its name is `topic-number-start-next.ndjson`,
/// maybe with more endings.
///
/// # Panics
/// Where it is named otherwise.
#[must_use]
pub fn range(path: &Path) -> (&str, u64, u64) {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .expect("names are UTF-8");
    let parse = || {
        let stem = name.split_once(".ndjson")?.0;
        let mut parts = stem.rsplitn(3, '-');
        let next = parts.next()?.parse().ok()?;
        let start = parts.next()?.parse().ok()?;
        Some((parts.next()?, start, next))
    };
    parse().unwrap_or_else(|| panic!("{name} has no range"))
}

/// Checks that each file of a partition is a piece of `whole`, and that together they are all of it. Pieces may overlap.
///
/// # Panics
/// Where that is not so.
pub fn assert_pieces(root: &Path, of: &str, whole: &[u8]) {
    let whole: Vec<_> = lines(whole).collect();
    let places: HashMap<_, _> = whole.iter().copied().zip(0..).collect();
    assert_eq!(places.len(), whole.len(), "a line tells which record it is");
    let mut found = vec![false; whole.len()];
    for path in visible(root).iter().filter(|path| partition(path) == of) {
        let text = content(path);
        let Some(first) = lines(&text).next() else {
            continue;
        };
        let start = places.get(first).copied().unwrap_or_else(|| {
            panic!(
                "{}: {} is in no record",
                path.display(),
                String::from_utf8_lossy(first)
            )
        });
        let end = (start + lines(&text).count()).min(whole.len());
        let expected = [&whole[start..end].join(&b'\n'), &b"\n"[..]].concat();
        assert_same(&path.display().to_string(), &text, &expected);
        found[start..end].fill(true);
    }
    let missing = found.iter().filter(|found| !**found).count();
    assert_eq!(missing, 0, "lines of {of} are missing");
}

/// The dead letters in `folder`, by topic, partition, offset and stage.
///
/// # Panics
/// Where one cannot be read, or is there twice.
#[must_use]
pub fn dead_letters(folder: &Path) -> Vec<DeadLetter> {
    let letters = all_dead_letters(folder);
    for pair in letters.windows(2) {
        assert_ne!(key(&pair[0]), key(&pair[1]), "a dead letter is there twice");
    }
    letters
}

/// As [`dead_letters`], after a process or a broker was killed: a letter may be there twice.
///
/// # Panics
/// Where one cannot be read.
#[must_use]
pub fn dead_letters_at_least_once(folder: &Path) -> Vec<DeadLetter> {
    let mut letters = all_dead_letters(folder);
    letters.dedup_by(|a, b| key(a) == key(b));
    letters
}

/// Partition and offset of each of `letters`.
#[must_use]
pub fn positions(letters: &[DeadLetter]) -> Vec<(i32, u64)> {
    letters
        .iter()
        .map(|letter| (letter.partition, letter.offset))
        .collect()
}

/// All dead letters in `folder`, each as often as it is there.
///
/// # Panics
/// Where one cannot be read.
#[must_use]
pub fn all_dead_letters(folder: &Path) -> Vec<DeadLetter> {
    let letters = read::read(folder).expect("the folder of dead letters can be read");
    let mut letters: Vec<_> = letters
        .map(|letter| letter.expect("a dead letter can be read"))
        .collect();
    letters.sort_by(|a, b| key(a).cmp(&key(b)));
    letters
}

fn key(letter: &DeadLetter) -> (&str, i32, u64, &str) {
    (
        &letter.topic,
        letter.partition,
        letter.offset,
        &letter.stage,
    )
}

/// Compares text line by line, so that a failure shows the first difference and not the whole.
///
/// # Panics
/// Where they differ.
pub fn assert_same(what: &str, actual: &[u8], expected: &[u8]) {
    if let Some(difference) = difference(what, actual, expected) {
        panic!("{difference}");
    }
}

/// The first line in which they differ, in words.
#[must_use]
pub fn difference(what: &str, actual: &[u8], expected: &[u8]) -> Option<String> {
    if actual == expected {
        return None;
    }
    let lines = |text| lines(text).map(String::from_utf8_lossy);
    let (actual_count, expected_count) = (lines(actual).count(), lines(expected).count());
    let differs = lines(actual)
        .zip(lines(expected))
        .enumerate()
        .find(|(_, (a, e))| a != e);
    Some(match differs {
        Some((line, (a, e))) => format!(
            "{what}, line {}:\n  is        {a}\n  should be {e}",
            line + 1
        ),
        None => format!("{what} has {actual_count} lines and should have {expected_count}"),
    })
}
