//! Log records, and what the main job must make of them: both come from programs that share nothing with Tamis.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::place::root;

/// What the fleet sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Well-formed records alone.
    Usual,
    /// With all that is odd, and broken records.
    Odd,
}

/// `count` records, one a line.
///
/// # Panics
/// Where Python fails.
#[must_use]
pub fn logs(count: usize, kind: Kind) -> Vec<u8> {
    let mut program = python("tests/data/logs.py");
    program.arg(count.to_string());
    if kind == Kind::Odd {
        program.arg("--odd");
    }
    output(&mut program)
}

/// The lines of `text`, without their line feeds.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.strip_suffix(b"\n")
        .into_iter()
        .flat_map(|text| text.split(|byte| *byte == b'\n'))
}

/// What the main job must make of records of which the one with index i is in partition i modulo `written.len()`.
#[derive(Debug)]
pub struct Expected {
    /// For each partition, what must be written, in order.
    pub written: Vec<Vec<u8>>,
    /// For each partition, the offset of each of these.
    pub offsets: Vec<Vec<u64>>,
    /// Partition and offset of each dead letter, in order.
    pub dead: Vec<(i32, u64)>,
    /// How many records are written, dropped and dead.
    pub counts: Counts,
}

/// How many records there are of which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub taken: u64,
    /// In the files.
    pub written: u64,
    /// Dropped by a plugin.
    pub dropped: u64,
    /// Dead letters.
    pub dead: u64,
}

impl Counts {
    /// The counts in a summary of `tamis run --json`.
    ///
    /// # Panics
    /// Where one is missing.
    #[must_use]
    pub fn of(summary: &Value) -> Self {
        let count = |pointer: &str| {
            let value = summary.pointer(pointer).and_then(Value::as_u64);
            value.unwrap_or_else(|| panic!("no {pointer} in {summary}"))
        };
        Self {
            taken: count("/taken"),
            written: count("/written/archive"),
            dropped: count("/dropped"),
            dead: count("/dead"),
        }
    }
}

/// Works out what must become of `input`.
///
/// # Panics
/// Where Python fails.
#[must_use]
pub fn expected(input: &[u8], partitions: usize) -> Expected {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let (records, results) = (folder.path().join("in"), folder.path().join("out"));
    fs::write(&records, input).expect("a temporary file can be written");
    let mut program = python("tests/expected/main_job.py");
    program
        .arg(&records)
        .arg(&results)
        .args(["--partitions", &partitions.to_string()]);
    let summary: Value = serde_json::from_slice(&output(&mut program)).expect("it prints JSON");
    let count = |name: &str| summary[name].as_u64().expect("it counts all fates");
    Expected {
        written: (0..partitions)
            .map(|partition| read(&results.join(format!("partition-{partition}.ndjson"))))
            .collect(),
        offsets: (0..partitions)
            .map(|partition| read(&results.join(format!("partition-{partition}.offsets"))))
            .map(|offsets| lines(&offsets).map(number).collect())
            .collect(),
        dead: lines(&read(&results.join("dead.txt"))).map(place).collect(),
        counts: Counts {
            taken: count("records"),
            written: count("written"),
            dropped: count("dropped"),
            dead: count("dead"),
        },
    }
}

/// The document of MongoDB that each of these records must become, as canonical extended JSON: `"refused"` where it can be none.
///
/// # Panics
/// Where Python fails.
#[must_use]
pub fn documents(records: &[u8]) -> Vec<Value> {
    each("tests/expected/mongodb.py", records)
}

/// Whether Elasticsearch takes each of these records.
///
/// # Panics
/// Where Python fails.
#[must_use]
pub fn taken_by_elasticsearch(records: &[u8]) -> Vec<bool> {
    let taken = each("tests/expected/elasticsearch.py", records);
    taken.iter().map(|taken| *taken == true).collect()
}

/// What `program` says of each of these records.
fn each(program: &str, records: &[u8]) -> Vec<Value> {
    let mut file = tempfile::tempfile().expect("there is room for temporary files");
    file.write_all(records)
        .and_then(|()| file.rewind())
        .expect("a temporary file can be written");
    let made = output(python(program).stdin(file));
    let parse = |line| serde_json::from_slice(line).expect("it prints JSON");
    lines(&made).map(parse).collect()
}

fn place(line: &[u8]) -> (i32, u64) {
    let mut numbers = line.split(|byte| *byte == b' ').map(number);
    let mut next = || numbers.next().expect("a partition and an offset");
    (i32::try_from(next()).expect("partitions are few"), next())
}

fn number(text: &[u8]) -> u64 {
    let text = str::from_utf8(text).expect("numbers are text");
    text.parse().expect("a number")
}

fn python(program: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").arg(root().join(program));
    command
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("there is a python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
