//! Looks after the files that a plugin is made of.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::stamp::Stamp;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// A plugin is made of fewer files; a folder with more is another one than was meant.
const FILES_MAX: usize = 10_000;
/// What cargo itself writes when it builds.
const LOCK: &str = "Cargo.lock";

type Files = BTreeMap<PathBuf, Stamp>;

/// A folder with all that is in it, but what is built.
pub(super) struct Folder {
    path: PathBuf,
    ignored: Vec<PathBuf>,
    /// As they were when last built.
    seen: Files,
}

impl Folder {
    /// The folder at `path`, without the files and folders `ignored`.
    pub(super) fn new(path: &Path, ignored: Vec<PathBuf>) -> Self {
        Self {
            path: path.to_owned(),
            ignored,
            seen: Files::new(),
        }
    }

    /// Notes how it is now.
    pub(super) fn look(&mut self) -> Result<()> {
        self.seen = self.files()?;
        Ok(())
    }

    /// Takes what the build itself has written for seen.
    pub(super) fn built(&mut self) -> Result<()> {
        let lock = self.path.join(LOCK);
        match Stamp::of(&lock) {
            Some(stamp) => self.seen.insert(lock, stamp),
            None => self.seen.remove(&lock),
        };
        Ok(())
    }

    /// Returns once it is otherwise, and was left alone for a moment.
    pub(super) async fn changed(&self) -> Result<()> {
        let mut before = self.files()?;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let files = self.files()?;
            if files != self.seen && files == before {
                return Ok(());
            }
            before = files;
        }
    }

    fn files(&self) -> Result<Files> {
        let (mut files, mut folders) = (Files::new(), vec![self.path.clone()]);
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                // Gone meanwhile, as what an editor makes is.
                Err(error) if error.kind() == ErrorKind::NotFound && folder != self.path => {
                    continue;
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be read", folder.display()));
                }
            };
            for entry in entries {
                let path = entry.with_context(|| folder.display().to_string())?.path();
                if self.is_ignored(&path) {
                    continue;
                }
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if let Some(stamp) = Stamp::of(&path) {
                    files.insert(path, stamp);
                }
                ensure!(
                    files.len() + folders.len() <= FILES_MAX,
                    "{} has more than {FILES_MAX} files; name the folder of the plugin alone",
                    self.path.display()
                );
            }
        }
        Ok(files)
    }

    /// What is built, what is hidden, and what `fuzz` and others lay beside before they rename it.
    fn is_ignored(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_made = ["wasm", "minisig", "new"].map(OsStr::new);
        name.starts_with('.')
            || ["target", "node_modules", "__pycache__"].contains(&name)
            || path.extension().is_some_and(|it| is_made.contains(&it))
            || self.ignored.iter().any(|it| is_same(it, path))
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    one.file_name() == other.file_name() && absolute(one) == absolute(other)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn folder() -> (TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        for folder in ["src", "target", "cases/one", ".git", "made"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        let ignored = vec![place.path().join("made")];
        let mut folder = Folder::new(place.path(), ignored);
        folder.look().unwrap();
        (place, folder)
    }

    #[test]
    fn what_a_plugin_is_made_of_counts_and_what_is_made_of_it_does_not() {
        let check = |name: &str, expected: bool| {
            let (place, folder) = folder();
            fs::write(place.path().join(name), "text").unwrap();
            let changed = folder.files().unwrap() != folder.seen;
            assert_eq!(changed, expected, "{name}");
        };
        check("src/lib.rs", true);
        check("Cargo.toml", true);
        check("cases/one/in.ndjson", true);
        check("Cargo.lock", true);
        check("target/x", false);
        check("made/x", false);
        check("mask.wasm", false);
        check("mask.wasm.new", false);
        check("mask.wasm.minisig", false);
        check(".git/index", false);
        check("src/.lib.rs.swp", false);
    }

    #[test]
    fn what_cargo_writes_when_it_builds_is_no_change() {
        let (place, mut folder) = folder();
        fs::write(place.path().join(LOCK), "text").unwrap();
        folder.built().unwrap();
        assert_eq!(folder.files().unwrap(), folder.seen);
        fs::remove_file(place.path().join(LOCK)).unwrap();
        folder.built().unwrap();
        assert_eq!(folder.files().unwrap(), folder.seen);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_it_is_left_alone() {
        let (place, folder) = folder();
        fs::write(place.path().join("src/lib.rs"), "text").unwrap();
        folder.changed().await.unwrap();
    }
}
