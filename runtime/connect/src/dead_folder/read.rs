//! Reads the dead letters of a folder, and the marks of those that were replayed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::letter::{DeadLetter, VERSION};
use super::{ENDING, MARKS};
use crate::dead::marker::{self, Marker};

/// Far above what a letter can have; what goes on for longer is none.
const LINE_BYTES_MAX: u64 = 1 << 30;

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
    let letters = Snapshot::take(folder)?.letters;
    Ok(letters
        .into_iter()
        .flat_map(|file| Lines::of(file, letter))
        .map(|found| found.map(|(_, letter)| letter)))
}

/// What a folder has at one moment: names and sizes, for files only grow.
#[derive(Debug)]
pub(crate) struct Snapshot {
    letters: Vec<(PathBuf, u64)>,
    marks: Vec<(PathBuf, u64)>,
}

impl Snapshot {
    pub(crate) fn take(folder: &Path) -> Result<Self, ReadError> {
        let failed = |source| ReadError::Disk {
            path: folder.to_owned(),
            source,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if path.extension().is_some_and(|it| it == ENDING) {
                files.push((path, entry.metadata().map_err(failed)?.len()));
            }
        }
        files.sort();
        let is_mark = |(path, _): &(PathBuf, u64)| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(MARKS))
        };
        let (marks, letters) = files.into_iter().partition(is_mark);
        Ok(Self { letters, marks })
    }

    /// Every letter with its place.
    pub(crate) fn letters(
        &self,
    ) -> impl Iterator<Item = Result<(String, DeadLetter), ReadError>> + use<> {
        let files = self.letters.clone().into_iter();
        files.flat_map(|file| Lines::of(file, letter))
    }

    /// Every mark.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Result<Marker, ReadError>> + use<> {
        let files = self.marks.clone().into_iter();
        let marks = files.flat_map(|file| Lines::of(file, mark));
        marks.map(|found| found.map(|(_, mark)| mark))
    }

    /// How many lines there are.
    pub(crate) fn lines(&self) -> Result<u64, ReadError> {
        let mut lines = 0;
        for (path, size) in self.letters.iter().chain(&self.marks) {
            let failed = |source| ReadError::Disk {
                path: path.clone(),
                source,
            };
            let mut input = File::open(path).map_err(failed)?.take(*size);
            let mut block = vec![0; 64 << 10];
            loop {
                let count = input.read(&mut block).map_err(failed)?;
                if count == 0 {
                    break;
                }
                let ends = block[..count].iter().filter(|byte| **byte == b'\n');
                lines += ends.count() as u64;
            }
        }
        Ok(lines)
    }
}

/// What the lines of one file say.
pub(crate) struct Lines<T, R = Take<BufReader<File>>> {
    path: PathBuf,
    line: usize,
    /// `None` at the end, or after a failure.
    input: Option<io::Result<R>>,
    parse: fn(&[u8]) -> Result<T, String>,
}

impl<T> Lines<T> {
    fn of((path, size): (PathBuf, u64), parse: fn(&[u8]) -> Result<T, String>) -> Self {
        let input = File::open(&path).map(|file| BufReader::new(file).take(size));
        Self::new(path, input, parse)
    }
}

impl<T, R: BufRead> Lines<T, R> {
    pub(crate) fn new(
        path: PathBuf,
        input: io::Result<R>,
        parse: fn(&[u8]) -> Result<T, String>,
    ) -> Self {
        Self {
            path,
            line: 0,
            input: Some(input),
            parse,
        }
    }

    fn next_line(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut input = match self.input.take()? {
            Ok(input) => input,
            Err(error) => return Some(Err(error)),
        };
        let mut line = Vec::new();
        let read = (&mut input)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        if let Err(error) = read {
            return Some(Err(error));
        }
        if line.len() as u64 == LINE_BYTES_MAX {
            let what = format!("a line goes on for more than {LINE_BYTES_MAX} bytes");
            return Some(Err(io::Error::other(what)));
        }
        line.pop_if(|byte| *byte == b'\n')?;
        self.line += 1;
        self.input = Some(Ok(input));
        Some(Ok(line))
    }

    /// That of the present line; it is kept in marks, so it never changes.
    fn place(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        format!("{} line {}", name.to_string_lossy(), self.line)
    }
}

impl<T, R: BufRead> Iterator for Lines<T, R> {
    type Item = Result<(String, T), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = self.path.clone();
        Some(match self.next_line()? {
            Ok(line) => match (self.parse)(&line) {
                Ok(found) => Ok((self.place(), found)),
                Err(problem) => Err(ReadError::Line {
                    path,
                    line: self.line,
                    problem,
                }),
            },
            Err(source) => Err(ReadError::Disk { path, source }),
        })
    }
}

/// The letter that a line says.
pub(crate) fn letter(line: &[u8]) -> Result<DeadLetter, String> {
    parse(line, VERSION).and_then(DeadLetter::checked)
}

/// The mark that a line says.
pub(crate) fn mark(line: &[u8]) -> Result<Marker, String> {
    parse(line, marker::VERSION)
}

fn parse<T: DeserializeOwned>(line: &[u8], known: u32) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    // First, because what has another version may have other fields.
    let Versioned { version } = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if version != known {
        return Err(format!("version {version} is not known"));
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}
