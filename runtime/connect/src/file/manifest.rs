//! The manifest of a run: what a staged run consists of, and where its files will be seen.
//!
//! It lies in the staging folder and outlives the process, so it carries a version and is read by every later one. Once its files
//! are seen it stays under another name, as a mark, for as long as a commit names the run: with neither the run is lost.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tamis_core::sink::SinkError;

use crate::disk;

/// Version of the form; others are refused.
const VERSION: u32 = 1;

/// What a run consists of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    source: String,
    topic: String,
    partition: i32,
    split: u32,
    start: u64,
    next: u64,
    pub(crate) files: Vec<Entry>,
}

/// One file of a run.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its name in the staging folder.
    pub(crate) staged: String,
    /// Where it will be seen, relative to the root.
    pub(crate) path: String,
}

impl Manifest {
    pub(crate) fn new(
        partition: &tamis_core::id::Partition,
        range: tamis_core::id::OffsetRange,
        files: Vec<Entry>,
    ) -> Self {
        Self {
            version: VERSION,
            source: partition.source.to_string(),
            topic: partition.topic.to_string(),
            partition: partition.number,
            split: partition.split,
            start: range.start,
            next: range.next,
            files,
        }
    }

    /// Puts it at `path` and makes it safe, together with all that the folder has.
    pub(crate) fn write(&self, path: &Path) -> Result<(), SinkError> {
        let bytes = serde_json::to_vec(self).expect("strings and numbers are JSON");
        let mut file = File::create(path).map_err(disk::failed("make", path))?;
        file.write_all(&bytes)
            .map_err(disk::failed("write", path))?;
        disk::sync(&file, path)?;
        disk::sync_folder(path.parent().expect("a manifest is in a folder"))
    }

    /// The manifest at `path`; `None` where there is none.
    fn read(path: &Path) -> Result<Option<Self>, SinkError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk::failed("read", path)(error)),
        };
        let manifest = Self::parse(&bytes).map_err(|problem| unusable(path, &problem))?;
        Ok(Some(manifest))
    }

    /// The manifest that `bytes` are, or why they are none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.version != VERSION {
            return Err(format!("version {} is not known", manifest.version));
        }
        Ok(manifest)
    }
}

/// Moves the files of the run `name` from `staging` to where they are seen below `root`, and marks it as seen; says whether there
/// was anything of the run.
///
/// What was done before is left as it is, so that this can be called as often as it takes, by two processes at once even.
pub(crate) fn reveal(root: &Path, staging: &Path, name: &str) -> Result<bool, SinkError> {
    let manifest_path = within(staging, &file_name(name))?;
    let mark = within(staging, &format!("{name}{MARK}"))?;
    let Some(manifest) = Manifest::read(&manifest_path)? else {
        return exists(&mark);
    };
    let mut folders = BTreeSet::new();
    for Entry { staged, path } in &manifest.files {
        let (from, to) = (within(staging, staged)?, within(root, path)?);
        let folder = to.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).map_err(disk::failed("make folder", folder))?;
        if !move_into_place(&from, &to).map_err(disk::failed("move into place", &to))? {
            return taken_away(&manifest_path, &mark, &from, &to);
        }
        folders.insert(folder.to_owned());
    }
    folders
        .iter()
        .try_for_each(|folder| disk::sync_folders(root, folder))?;
    match fs::rename(&manifest_path, &mark) {
        Ok(()) => disk::sync_folder(staging)?,
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return exists(&mark),
        Err(error) => {
            return Err(disk::failed("mark as seen by renaming", &manifest_path)(
                error,
            ));
        }
    }
    Ok(true)
}

/// A file of a run is neither staged nor in its place.
fn taken_away(manifest: &Path, mark: &Path, from: &Path, to: &Path) -> Result<bool, SinkError> {
    // Another process may have finished all of it meanwhile.
    if !exists(manifest)? {
        return exists(mark);
    }
    let message = format!(
        "{} is committed but neither staged nor at {}; if it was taken away after it could be seen, rename {} to {}",
        from.display(),
        to.display(),
        manifest.display(),
        mark.display()
    );
    Err(SinkError::Misconfigured(message.into()))
}

fn exists(path: &Path) -> Result<bool, SinkError> {
    path.try_exists().map_err(disk::failed("look for", path))
}

const MANIFEST: &str = ".json";
/// The ending of the manifest of a run that is seen.
const MARK: &str = ".shown";
const PART: &str = ".part";

/// The manifest's name in the staging folder.
pub(crate) fn file_name(run: &str) -> String {
    format!("{run}{MANIFEST}")
}

/// The name of the file with this index of a run.
pub(crate) fn part_name(run: &str, index: usize) -> String {
    format!("{run}-{index}{PART}")
}

/// The run that a file in the staging folder is of; what is none of ours counts as a run of its own.
pub(crate) fn run_of(file_name: &str) -> &str {
    let part = || file_name.strip_suffix(PART)?.rsplit_once('-');
    [MANIFEST, MARK]
        .iter()
        .find_map(|ending| file_name.strip_suffix(ending))
        .or_else(|| Some(part()?.0))
        .unwrap_or(file_name)
}

/// Gives `from` the name `to`, or that name with a number where another file has it: the same range of another run may hold
/// other bytes (the standard input begins at 0 each time), and nothing that can be seen is ever overwritten.
///
/// `false` where it is gone and `to` is not there.
fn move_into_place(from: &Path, to: &Path) -> io::Result<bool> {
    match claim_place(from, to) {
        // Moved before, or by another process just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.try_exists()? => {
            to.try_exists()
        }
        claimed => claimed.map(|()| true),
    }
}

fn claim_place(from: &Path, to: &Path) -> io::Result<()> {
    let mut free = to.to_owned();
    for number in 2_u64.. {
        // A link and not a rename, which would overwrite what another process has put there since anyone looked.
        let error = match fs::hard_link(from, &free) {
            Ok(()) => return fs::remove_file(from),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::AlreadyExists => {}
            // This file system has no links, or gives none to what is another user's.
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported => {
                if !free.try_exists()? {
                    return fs::rename(from, &free);
                }
            }
            _ => return Err(error),
        }
        if same_content(from, &free)? {
            return fs::remove_file(from);
        }
        free = numbered(to, number);
    }
    unreachable!("no folder has this many files")
}

/// `a-0-5.ndjson.zst` becomes `a-0-5.2.ndjson.zst`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = match name.rfind(".ndjson") {
        Some(dot) => name.split_at(dot),
        None => (&*name, ""),
    };
    path.with_file_name(format!("{stem}.{number}{ending}"))
}

fn same_content(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut of_a, mut of_b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut of_a)?;
        b.read_exact(&mut of_b[..read])?;
        if read == 0 || of_a[..read] != of_b[..read] {
            return Ok(read == 0);
        }
    }
}

/// `path` below `base`: neither a manifest nor its name may lead out of the root.
pub(crate) fn within(base: &Path, path: &str) -> Result<PathBuf, SinkError> {
    let inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if inside && !path.is_empty() {
        Ok(base.join(path))
    } else {
        Err(unusable(Path::new(path), &"it leads out of the root"))
    }
}

fn unusable(path: &Path, problem: &dyn std::fmt::Display) -> SinkError {
    let message = format!(
        "the manifest or file {} is of no use: {problem}",
        path.display()
    );
    SinkError::Misconfigured(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &str = include_str!("manifest/version-1.json");

    #[test]
    fn the_manifest_of_version_1_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        fs::write(&path, VERSION_1).unwrap();
        let partition = tamis_core::id::Partition {
            source: "cluster".into(),
            topic: "msproject_log".into(),
            number: 3,
            split: 0,
        };
        let range = tamis_core::id::OffsetRange {
            start: 100,
            next: 250,
        };
        let entry = Entry {
            staged: "7-1-0-0.part".into(),
            path: "a/msproject_log-3.ndjson".into(),
        };
        let expected = Manifest::new(&partition, range, vec![entry]);
        assert_eq!(Manifest::read(&path).unwrap(), Some(expected));
    }

    /// Reveals `staged` as `a.ndjson` beside files that can be seen already, and looks at what there is then.
    fn check_reveal(seen: &[(&str, &str)], staged: &str, expected: &[(&str, &str)]) {
        let root = tempfile::tempdir().unwrap();
        let staging = root.path().join(".staging");
        fs::create_dir(&staging).unwrap();
        for (name, content) in seen {
            fs::write(root.path().join(name), content).unwrap();
        }
        fs::write(staging.join("s"), staged).unwrap();
        let manifest = r#"{"version":1,"source":"c","topic":"t","partition":0,"split":0,"start":0,"next":1,"files":[{"staged":"s","path":"a.ndjson"}]}"#;
        fs::write(staging.join("run.json"), manifest).unwrap();
        for _ in 0..2 {
            assert!(reveal(root.path(), &staging, "run").unwrap());
        }
        assert!(!reveal(root.path(), &staging, "other").unwrap());
        let mut found: Vec<_> = fs::read_dir(root.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        found.sort();
        let expected = expected
            .iter()
            .map(|(name, text)| (name.to_string(), text.to_string()));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn nothing_that_can_be_seen_is_overwritten() {
        check_reveal(&[], "x", &[("a.ndjson", "x")]);
        check_reveal(&[("a.ndjson", "x")], "x", &[("a.ndjson", "x")]);
        check_reveal(
            &[("a.ndjson", "y")],
            "x",
            &[("a.2.ndjson", "x"), ("a.ndjson", "y")],
        );
        check_reveal(
            &[("a.2.ndjson", "x"), ("a.ndjson", "y")],
            "z",
            &[("a.2.ndjson", "x"), ("a.3.ndjson", "z"), ("a.ndjson", "y")],
        );
    }

    #[test]
    fn a_file_that_was_taken_away_once_it_was_seen_is_not_missed() {
        let root = tempfile::tempdir().unwrap();
        let (root, staging) = (root.path(), root.path().join("staging"));
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("7-1-0-0.part"), "x").unwrap();
        fs::write(staging.join("run.json"), VERSION_1).unwrap();
        assert!(reveal(root, &staging, "run").unwrap());
        fs::remove_file(root.join("a/msproject_log-3.ndjson")).unwrap();
        assert!(reveal(root, &staging, "run").unwrap());
        // But one that was never seen is.
        fs::write(staging.join("run.json"), VERSION_1).unwrap();
        let error = reveal(root, &staging, "run").unwrap_err();
        assert!(matches!(error, SinkError::Misconfigured(_)), "{error:?}");
    }

    #[test]
    fn every_file_of_a_run_is_known_as_one() {
        for (file, run) in [
            ("0a-1b.json", "0a-1b"),
            ("0a-1b.shown", "0a-1b"),
            ("0a-1b-12.part", "0a-1b"),
            ("strange", "strange"),
            ("strange.part", "strange.part"),
        ] {
            assert_eq!(run_of(file), run);
        }
        assert_eq!(
            (run_of(&part_name("0a-1b", 3)), run_of(&file_name("0a-1b"))),
            ("0a-1b", "0a-1b")
        );
    }

    fn check_refused(manifest: &str, words: &str) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("run.json"), manifest).unwrap();
        let error = reveal(root.path(), root.path(), "run").unwrap_err();
        let SinkError::Misconfigured(error) = error else {
            panic!("{error} is not for a person")
        };
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn a_manifest_that_is_broken_or_leads_out_of_the_root_is_refused() {
        check_refused("{", "EOF");
        check_refused(
            &VERSION_1.replace("\"version\": 1", "\"version\": 2"),
            "version 2",
        );
        check_refused(
            &VERSION_1.replace("a/msproject", "../msproject"),
            "out of the root",
        );
        check_refused(
            &VERSION_1.replace("a/msproject", "/msproject"),
            "out of the root",
        );
        check_refused(
            &VERSION_1.replace("7-1-0-0.part", "../x"),
            "out of the root",
        );
        let staging = Path::new("staging");
        assert!(reveal(staging, staging, "../run").is_err());
        assert!(reveal(staging, staging, "/run").is_err());
    }
}
