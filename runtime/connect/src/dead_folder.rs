//! Dead letters as lines of JSON in files of a folder.
//!
//! Each letter is safe on the disk before it counts as stored. A letter can be there twice, after a try that seemed to
//! fail or a restart: readers count by id and stage. Keys, values and headers keep their bytes: text where they
//! are UTF-8, base64 where not. Files of their own have the marks of letters that were replayed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};
use tracing::warn;

use crate::disk;

pub mod letter;
pub mod read;

use crate::dead::marker::Marker;
use letter::DeadLetter;

/// How the names of files end.
const ENDING: &str = "ndjson";
/// How the names of files with letters begin.
const LETTERS: &str = "dead-";
/// How the names of files with marks begin.
const MARKS: &str = "replayed-";
/// A file is closed once it has this many bytes: few enough to look at with any tool.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A folder of dead letters.
#[derive(Debug)]
pub struct DeadFolder {
    form: fn(&Record<'_>) -> Result<String, String>,
    writer: Arc<Mutex<Writer>>,
}

impl DeadFolder {
    /// Makes `folder` and tries whether it can be written to.
    ///
    /// # Errors
    /// When it cannot.
    pub fn connect(folder: &Path) -> Result<Self, SinkError> {
        let form = |record: &Record<'_>| match DeadLetter::of(record) {
            Ok(letter) => Ok(serde_json::to_string(&letter).expect("text and numbers are JSON")),
            Err(error) => Err(error.to_string()),
        };
        Self::new(folder, LETTERS, form)
    }

    /// The same folder, to mark in it which letters were replayed.
    pub(crate) fn marks(folder: &Path) -> Result<Self, SinkError> {
        let form = |record: &Record<'_>| match Marker::in_headers(record.headers()) {
            Some(mark) => Ok(serde_json::to_string(&mark?).expect("text and numbers are JSON")),
            None => Err("it marks no dead letter".to_owned()),
        };
        Self::new(folder, MARKS, form)
    }

    fn new(
        folder: &Path,
        begin: &'static str,
        form: fn(&Record<'_>) -> Result<String, String>,
    ) -> Result<Self, SinkError> {
        disk::make_writable(folder)?;
        let writer = Writer {
            folder: folder.to_owned(),
            begin,
            names: 0,
            open: None,
        };
        let writer = Arc::new(Mutex::new(writer));
        Ok(Self { form, writer })
    }
}

#[async_trait]
impl Sink for DeadFolder {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut lines = Vec::new();
        let verdicts = records.iter().map(|record| match (self.form)(&record) {
            Ok(line) => {
                lines.extend_from_slice(line.as_bytes());
                lines.push(b'\n');
                Verdict::Written
            }
            Err(reason) => Verdict::Rejected(reason),
        });
        let verdicts = verdicts.collect();
        if lines.is_empty() {
            return Ok(verdicts);
        }
        let writer = Arc::clone(&self.writer);
        let written = tokio::task::spawn_blocking(move || {
            writer
                .lock()
                .expect("no one panics while writing")
                .write(&lines)
        });
        written
            .await
            .map_err(|error| SinkError::Unavailable(error.into()))??;
        Ok(verdicts)
    }
}

#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    begin: &'static str,
    /// How many names for files this process has tried.
    names: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl Writer {
    /// Adds `lines` and makes them safe. After a failure the next call begins a new file.
    fn write(&mut self, lines: &[u8]) -> Result<(), SinkError> {
        let mut open = match self.open.take().filter(|open| open.bytes < FILE_BYTES_MAX) {
            Some(open) => open,
            None => self.make_file()?,
        };
        if let Err(error) = open.file.write_all(lines) {
            open.take_back();
            return Err(disk::failed("write", &open.path)(error));
        }
        disk::sync(&open.file, &open.path)?;
        open.bytes += lines.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn make_file(&mut self) -> Result<Open, SinkError> {
        loop {
            self.names += 1;
            // Marks name lines of files for good, so no name may come again, not even where each process has the same number
            // and someone removed the files of the one before.
            let (begin, process, number) = (self.begin, std::process::id(), self.names);
            let random = fastrand::u32(..);
            let name = format!("{begin}{process}-{random:08x}-{number:06}.{ENDING}");
            let path = self.folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    disk::sync_folder(&self.folder)?;
                    return Ok(Open {
                        file,
                        path,
                        bytes: 0,
                    });
                }
                // By a very small chance.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(disk::failed("make", &path)(error)),
            }
        }
    }
}

impl Open {
    /// Leaves no part of letters that do not count as stored; where that fails, readers pass over a line without an end.
    fn take_back(&self) {
        let undone = match self.bytes {
            0 => fs::remove_file(&self.path),
            bytes => self.file.set_len(bytes),
        };
        if let Err(error) = undone {
            warn!(path = %self.path.display(), %error, "part of a dead letter is left behind");
        }
    }
}

#[cfg(test)]
#[cfg(feature = "file")]
mod tests;
