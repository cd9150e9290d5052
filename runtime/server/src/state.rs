//! What is kept of a pipeline's plugins over a restart: which versions there were, what became of them, and their files.
//!
//! The folder `DIR/PIPELINE/` belongs to one process at a time:
//!
//! | name | what it is |
//! |---|---|
//! | `lock` | locked while the process runs |
//! | `control.sock` | where it takes orders |
//! | `history.jsonl` | an [`Entry`] on each line, oldest first |
//! | `plugins/SHA256.wasm`, `….wasm.minisig` | the files of versions, and their signatures |
//!
//! For operators: `docs/swap.md`.

mod entry;
mod files;
mod folder;
mod history;
mod past;
mod start;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use tracing::warn;

pub(crate) use self::entry::{Entry, Event, Step, Trigger};
pub(crate) use self::files::{Kept, kept};
pub(crate) use self::folder::{chosen, of_pipeline, socket};
pub(crate) use self::history::read;
pub(crate) use self::past::Past;
pub(crate) use self::start::open_all;

use self::files::Files;
use self::history::History;

/// The folder of one pipeline, which no other process uses meanwhile.
#[derive(Debug)]
pub(crate) struct State {
    folder: PathBuf,
    /// Locked until it is closed.
    _lock: File,
    files: Files,
    history: History,
    /// Digests of the files that were kept and not noted yet: versions that are being tried.
    untold: Mutex<BTreeSet<String>>,
}

/// Why a folder is not used, or something in it is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// Another process has it; this one needs another folder.
    #[error(
        "pipeline {pipeline} is run by another process with the state folder {}; give this one its own with --state DIR",
        .folder.display()
    )]
    Taken { pipeline: String, folder: PathBuf },
    /// The folder of all pipelines cannot be made; another one, or none, would do.
    #[error("the state folder {} cannot be made; name another one with --state DIR, or none with --state off", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The system refused.
    #[error("{} cannot be used", .0.display())]
    Unusable(PathBuf, #[source] io::Error),
    /// Someone else could put files there.
    #[error("{} {}; close it to all but its user (chmod 700), or name another state folder with --state DIR", .0.display(), .1)]
    Foreign(PathBuf, String),
    /// A line of the history is not what was written.
    #[error("{}: line {line}: {reason}; mend it, or move the file away to begin anew", .file.display())]
    Line {
        file: PathBuf,
        /// From 1 on.
        line: usize,
        reason: String,
    },
    /// There is no such file any more, or never was.
    #[error("{} is not kept; only the last {} versions of each plugin are", .0.display(), past::VERSIONS_MAX)]
    NotKept(PathBuf),
    /// It is not the file that was kept.
    #[error("{} was altered: its SHA-256 is not its name", .0.display())]
    Altered(PathBuf),
}

impl State {
    /// Makes the folder of `pipeline` in `folder` where it is not there, and takes it for this process.
    ///
    /// # Errors
    /// When another process has it, when it is not this user's own, or when its history cannot be read.
    pub(crate) fn open(folder: &Path, pipeline: &str) -> Result<Self, StateError> {
        let own = folder::make(folder, pipeline)?;
        let lock = lock(&own)?.ok_or_else(|| StateError::Taken {
            pipeline: pipeline.to_owned(),
            folder: folder.to_owned(),
        })?;
        let files = Files::open(&own)?;
        let history = History::open(&own)?;
        let state = Self {
            folder: own,
            _lock: lock,
            files,
            history,
            untold: Mutex::default(),
        };
        // Also what was kept by a process that died before it noted what for.
        state.sweep();
        Ok(state)
    }

    /// Keeps the file of a version, and its `signature` if it has one. Where they are there already, nothing is written.
    ///
    /// # Errors
    /// When `sha256` is not the digest of `bytes`, or the disk refuses; nothing half is seen then.
    pub(crate) fn keep(
        &self,
        sha256: &str,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> io::Result<()> {
        self.untold().insert(sha256.to_owned());
        self.files.keep(sha256, bytes, signature)
    }

    /// The file that was kept under its digest, just as it was.
    ///
    /// # Errors
    /// When it is not there, or was altered.
    pub(crate) fn kept(&self, sha256: &str) -> Result<Kept, StateError> {
        self.files.kept(sha256)
    }

    #[cfg(test)]
    fn note(&mut self, entry: Entry) -> Result<(), StateError> {
        self.note_all(vec![entry])
    }

    /// Adds `entries` to the history, and is back once the disk has them. Drops the oldest entries and files that are too many.
    ///
    /// # Errors
    /// When the disk refuses; the history is as it was then.
    pub(crate) fn note_all(&mut self, entries: Vec<Entry>) -> Result<(), StateError> {
        let told: Vec<String> = entries.iter().map(|entry| entry.sha256.clone()).collect();
        self.history.add(entries)?;
        self.untold().retain(|sha256| !told.contains(sha256));
        self.sweep();
        Ok(())
    }

    /// All entries that are left, oldest first.
    pub(crate) fn history(&self) -> &[Entry] {
        self.history.entries()
    }

    /// The entry that made the version of `plugin` that runs: its promotion, be it that a later one was taken back since.
    pub(crate) fn running(&self, plugin: &str) -> Option<&Entry> {
        Past::of(self.history(), plugin).running()
    }

    /// The version that was promoted before the running one: what a rollback goes to.
    pub(crate) fn before(&self, plugin: &str) -> Option<&Entry> {
        Past::of(self.history(), plugin).before()
    }

    /// The last that was said of exactly this file as `plugin`.
    pub(crate) fn verdict(&self, plugin: &str, sha256: &str) -> Option<&Entry> {
        let mut entries = self.history().iter().rev();
        entries.find(|entry| entry.plugin == plugin && entry.sha256 == sha256)
    }

    /// The highest version of `plugin` that was ever promoted, by the precedence of semver.
    pub(crate) fn newest(&self, plugin: &str) -> Option<&str> {
        past::newest(self.history(), plugin)
    }

    /// Where the process takes orders.
    pub(crate) fn socket(&self) -> PathBuf {
        folder::socket(&self.folder)
    }

    /// Removes the files of versions that are too many. One that stays too long does no harm.
    fn sweep(&self) {
        let (keep, untold) = (past::versions_to_keep(self.history()), self.untold());
        let swept = self
            .files
            .sweep(|sha256| keep.contains(sha256) || untold.contains(sha256));
        if let Err(error) = swept {
            let folder = self.folder.display();
            warn!(%folder, %error, "old versions of plugins cannot be removed");
        }
    }

    fn untold(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.untold.lock().expect("no one panics with it")
    }
}

/// The lock in `folder`; `None` where another process has it.
fn lock(folder: &Path) -> Result<Option<File>, StateError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    // Never removed: who waits for the lock of a file that is removed has the lock of nothing.
    let opened = options
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path);
    let locked = opened.map(|file| (file.try_lock(), file));
    match locked {
        Ok((Ok(()), file)) => Ok(Some(file)),
        Ok((Err(TryLockError::WouldBlock), _)) => Ok(None),
        Ok((Err(TryLockError::Error(error)), _)) | Err(error) => {
            Err(StateError::Unusable(path, error))
        }
    }
}

#[cfg(test)]
mod tests;
