//! What an output says, whatever the order of its lines or records: to compare outputs before any time counts.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Sums over the lines of an output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    lines: u64,
    bytes: u64,
    sum: u64,
}

/// What of a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Every byte.
    Bytes,
    /// The JSON value: white space, escapes and the order of keys may differ.
    Value,
}

impl Digest {
    /// Adds one line, without its line feed.
    fn add(&mut self, line: &[u8], by: By) -> Result<()> {
        let mut hasher = DefaultHasher::new();
        let hash = match by {
            By::Bytes => {
                self.bytes += line.len() as u64;
                line.hash(&mut hasher);
                hasher.finish()
            }
            By::Value => hash(&serde_json::from_slice(line)?),
        };
        self.lines += 1;
        self.sum = self.sum.wrapping_add(hash);
        Ok(())
    }

    /// Adds a value that is kept under an id.
    pub(crate) fn add_under(&mut self, id: &str, value: &Value) {
        let mut hasher = DefaultHasher::new();
        (id, hash(value)).hash(&mut hasher);
        self.lines += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }

    /// That of lines in memory.
    pub(crate) fn of_lines(lines: &[u8], by: By) -> Result<Self> {
        let mut digest = Self::default();
        for line in lines
            .strip_suffix(b"\n")
            .unwrap_or(lines)
            .split(|byte| *byte == b'\n')
        {
            digest.add(line, by)?;
        }
        Ok(digest)
    }

    /// That of a file of lines.
    pub(crate) fn of(path: &Path, by: By) -> Result<Self> {
        let mut digest = Self::default();
        digest.add_file(path, by)?;
        Ok(digest)
    }

    /// That of all files below `folder`.
    pub(crate) fn of_all(folder: &Path, by: By) -> Result<Self> {
        let mut digest = Self::default();
        for entry in std::fs::read_dir(folder)? {
            digest.add_file(&entry?.path(), by)?;
        }
        Ok(digest)
    }

    fn add_file(&mut self, path: &Path, by: By) -> Result<()> {
        let named = || path.display().to_string();
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).with_context(named)?);
        let mut line = Vec::new();
        while file.read_until(b'\n', &mut line).with_context(named)? > 0 {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            self.add(text, by).with_context(named)?;
            line.clear();
        }
        Ok(())
    }
}

/// The same for values that are equal.
fn hash(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => 0_u8.hash(&mut hasher),
        Value::Bool(it) => it.hash(&mut hasher),
        // Whoever reads a number and writes it again may be wrong in the last digit.
        Value::Number(it) => {
            let narrow = it.as_f64().map(|it| it as f32);
            narrow.unwrap_or_default().to_bits().hash(&mut hasher);
        }
        Value::String(it) => it.hash(&mut hasher),
        Value::Array(items) => items.iter().for_each(|item| hash(item).hash(&mut hasher)),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                let mut hasher = DefaultHasher::new();
                (key, hash(value)).hash(&mut hasher);
                hasher.finish()
            };
            let sum = members.iter().map(member).fold(0, u64::wrapping_add);
            (members.len(), sum).hash(&mut hasher);
        }
    }
    hasher.finish()
}
