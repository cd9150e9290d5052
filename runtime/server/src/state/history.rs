//! The file `history.jsonl`: an entry on each line, added at its end and never altered, but rewritten as a whole where it gets long.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tracing::warn;

use super::entry::Entry;
use super::{StateError, folder, past};

/// Beyond so many the oldest ones go,
const ENTRIES_MAX: usize = 1_000;
/// until so many are left: it is not rewritten each time.
const ENTRIES_LEFT: usize = 900;
/// The longest line. The details of steps are left out where it would be longer, then the ends of texts.
const LINE_BYTES_MAX: usize = 64 << 10;
/// What is left of a text then,
const TEXT_BYTES: usize = 256;
/// and how many steps: it fits whatever their texts are, each byte of which may take six in JSON.
const STEPS: usize = 16;

#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    /// Of the lines that are whole; what a write that failed left behind them is cut off by the next one.
    bytes: u64,
    entries: Vec<Entry>,
}

/// What a file has.
#[derive(Debug, Default)]
struct Content {
    entries: Vec<Entry>,
    /// Of the lines that are whole.
    bytes: usize,
    /// Behind them: a line that was not written to its end.
    torn_bytes: usize,
}

/// The entries in the folder of a pipeline, which may be in use by the process that runs it. None where there is no history.
///
/// # Errors
/// When it cannot be read, or a line is no entry.
pub(crate) fn read(own: &Path) -> Result<Vec<Entry>, StateError> {
    Ok(content(&file(own))?.entries)
}

impl History {
    /// The one in `own`, the folder of a pipeline that this process has the lock of.
    pub(super) fn open(own: &Path) -> Result<Self, StateError> {
        let path = file(own);
        let Content {
            entries,
            bytes,
            torn_bytes,
        } = content(&path)?;
        let bytes = bytes as u64;
        if torn_bytes > 0 {
            let file = path.display();
            warn!(%file, torn_bytes, "the last line was not written to its end, and is cut off");
        }
        let history = Self {
            path,
            bytes,
            entries,
        };
        let prepare = || {
            folder::remove_unfinished(own)?;
            history.cut_off_rest()?;
            folder::sync(own)
        };
        prepare().map_err(|error| history.unusable(error))?;
        Ok(history)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds `entries`, and is back once the disk has them; where it refuses, it has none of them.
    pub(super) fn add(&mut self, entries: Vec<Entry>) -> Result<(), StateError> {
        let fitting = |entry| {
            fitting(Entry {
                version: Entry::FORM,
                ..entry
            })
        };
        let (entries, lines): (Vec<_>, Vec<_>) = entries.into_iter().map(fitting).unzip();
        let lines = lines.concat();
        self.append(&lines).map_err(|error| self.unusable(error))?;
        self.bytes += lines.len() as u64;
        self.entries.extend(entries);
        if self.entries.len() > ENTRIES_MAX
            && let Err(error) = self.thin()
        {
            // The entry is there, and the next one tries again.
            let file = self.path.display();
            warn!(%file, %error, "the history cannot be rewritten without its oldest entries");
        }
        Ok(())
    }

    fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.cut_off_rest()?;
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        let written = file.write_all(lines).and_then(|()| file.sync_all());
        if written.is_err() {
            // Else the next one does, or the next start.
            let _rest = file.set_len(self.bytes);
        }
        written
    }

    fn cut_off_rest(&self) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)?;
        let found = file.metadata()?.len();
        if found < self.bytes {
            let reason = "it got shorter while this process has it";
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        if found > self.bytes {
            file.set_len(self.bytes)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn thin(&mut self) -> io::Result<()> {
        let entries = past::thinned(self.entries.clone(), ENTRIES_LEFT);
        let lines: Vec<u8> = entries.iter().flat_map(line).collect();
        folder::write(&self.path, &lines)?;
        self.bytes = lines.len() as u64;
        self.entries = entries;
        Ok(())
    }

    fn unusable(&self, error: io::Error) -> StateError {
        StateError::Unusable(self.path.clone(), error)
    }
}

fn file(own: &Path) -> PathBuf {
    own.join("history.jsonl")
}

fn content(path: &Path) -> Result<Content, StateError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(StateError::Unusable(path.to_owned(), error)),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |last| last + 1);
    let lines = bytes[..whole].split_inclusive(|byte| *byte == b'\n');
    let entries = lines.enumerate().map(|(index, line)| {
        parse(line).map_err(|reason| StateError::Line {
            file: path.to_owned(),
            line: index + 1,
            reason,
        })
    });
    Ok(Content {
        entries: entries.collect::<Result<_, _>>()?,
        bytes: whole,
        torn_bytes: bytes.len() - whole,
    })
}

/// What every version of the form has.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

fn parse(line: &[u8]) -> Result<Entry, String> {
    let reason = |error: serde_json::Error| format!("is no entry: {error}");
    let Form { version } = serde_json::from_slice(line).map_err(reason)?;
    if version != Entry::FORM {
        let known = Entry::FORM;
        return Err(format!(
            "is of form {version}, and this program knows form {known}: it was written by another version of it"
        ));
    }
    serde_json::from_slice(line).map_err(reason)
}

fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("an entry is JSON");
    line.push(b'\n');
    line
}

/// `entry` as it fits into a line, and the line.
fn fitting(mut entry: Entry) -> (Entry, Vec<u8>) {
    let whole = line(&entry);
    if whole.len() <= LINE_BYTES_MAX {
        return (entry, whole);
    }
    entry.steps.iter_mut().for_each(|step| step.detail = None);
    let brief = line(&entry);
    if brief.len() <= LINE_BYTES_MAX {
        return (entry, brief);
    }
    entry.steps.truncate(STEPS);
    let said = entry
        .steps
        .iter_mut()
        .flat_map(|step| [&mut step.name, &mut step.said]);
    for text in said.chain([&mut entry.semver]).chain(&mut entry.reason) {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
    }
    let line = line(&entry);
    (entry, line)
}
