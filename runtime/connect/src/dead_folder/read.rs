//! Reads the dead letters of a folder.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::letter::{DeadLetter, VERSION};

/// Why a dead letter could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder or one of its files.
    #[error("cannot read {}", path.display())]
    Disk {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line that is no letter of a version that is known.
    #[error("{} line {line} is no dead letter: {problem}", path.display())]
    Line {
        /// In which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why not.
        problem: String,
    },
}

/// Every letter in the files of `folder`, in the order of their names.
///
/// A letter can be there twice: count by id and stage. A last line without an end was never stored, and is passed over.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(
    folder: &Path,
) -> Result<impl Iterator<Item = Result<DeadLetter, ReadError>>, ReadError> {
    let failed = |source| ReadError::Disk {
        path: folder.to_owned(),
        source,
    };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "ndjson")
    });
    paths.sort();
    Ok(paths.into_iter().flat_map(Letters::of))
}

/// The letters of one file.
struct Letters {
    path: PathBuf,
    line: usize,
    /// `None` at the end, or after a failure.
    input: Option<io::Result<BufReader<File>>>,
}

impl Letters {
    fn of(path: PathBuf) -> Self {
        let input = Some(File::open(&path).map(BufReader::new));
        Self {
            path,
            line: 0,
            input,
        }
    }

    fn next_line(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut input = match self.input.take()? {
            Ok(input) => input,
            Err(error) => return Some(Err(error)),
        };
        let mut line = Vec::new();
        if let Err(error) = input.read_until(b'\n', &mut line) {
            return Some(Err(error));
        }
        line.pop_if(|byte| *byte == b'\n')?;
        self.line += 1;
        self.input = Some(Ok(input));
        Some(Ok(line))
    }
}

impl Iterator for Letters {
    type Item = Result<DeadLetter, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.path.clone();
        Some(match self.next_line()? {
            Ok(line) => parse(&line).map_err(|problem| ReadError::Line {
                path,
                line: self.line,
                problem,
            }),
            Err(source) => Err(ReadError::Disk { path, source }),
        })
    }
}

fn parse(line: &[u8]) -> Result<DeadLetter, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    // First, because a letter of another version may have other fields.
    let Versioned { version } = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("version {version} is not known"));
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}
