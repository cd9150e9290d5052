//! From a file to a file, each as a program of its own, with start, reading and fsync counted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::REPETITIONS;
use crate::data::{Data, Place};
use crate::digest::{By, Digest};
use crate::pipeline::Pipeline;
use crate::process::{self, Used};
use crate::report::{Bar, Report, Times};

/// Programs that take ten times as long get one record in so many.
const SLOW_SHARE: usize = 10;

/// What the job makes of the records, as the plain program has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// Every byte of it.
    pub(crate) digest: Digest,
    /// How much it is.
    pub(crate) bytes: u64,
}

/// Runs the plain program once, for what all others are compared to.
pub(crate) fn expected(place: &Place, data: &Data) -> Result<Expected> {
    let output = place.work("serde.ndjson");
    process::run(&mut plain(&data.path, &output)?)?;
    let digest = Digest::of(&output, By::Bytes)?;
    Ok(Expected {
        digest,
        bytes: fs::metadata(&output)?.len(),
    })
}

/// Adds the rows of Tamis and its peers.
pub(crate) fn measure(
    place: &Place,
    data: &Data,
    expected: Expected,
    report: &mut Report,
) -> Result<()> {
    let start = start(place, data, report)?;
    let (mut tamis, mut plain) = (Taken::default(), Taken::default());
    for _ in 0..REPETITIONS {
        tamis.push(pipeline(place, data, Some(expected))?);
        let output = place.work("serde.ndjson");
        plain.push(process::run(&mut self::plain(&data.path, &output)?)?);
        let digest = Digest::of(&output, By::Bytes)?;
        ensure!(
            digest == expected.digest,
            "the plain program does not repeat its output"
        );
    }
    let rate = report.records_per_s("file_to_file", data.records, &tamis.wall);
    report.ns_per_record("file_to_file.cpu", data.records, &tamis.cpu, None);
    let after_start = data.records as f64 / (tamis.wall.best() - start);
    report.value("file_to_file.after_start.records_per_s", after_start, None);
    let peer = report.records_per_s("serde_program", data.records, &plain.wall);
    report.ns_per_record("serde_program.cpu", data.records, &plain.cpu, None);
    report.value("file_to_file.ratio", rate / peer, Some(Bar::AtLeast(3.5)));
    peers(place, &data.head(data.records / SLOW_SHARE)?, report)
}

#[derive(Debug, Default)]
struct Taken {
    wall: Times,
    cpu: Times,
}

impl Taken {
    fn push(&mut self, used: Used) {
        self.wall.push(used.wall);
        self.cpu.push(used.cpu);
    }
}

/// What it takes to begin at all: compiling the plugins, above all.
fn start(place: &Place, data: &Data, report: &mut Report) -> Result<f64> {
    let one = data.head(1)?;
    let mut times = Times::default();
    for _ in 0..REPETITIONS {
        times.push(pipeline(place, &one, None)?.wall);
    }
    report.value("start.ms", times.best() * 1e3, None);
    Ok(times.best())
}

fn pipeline(place: &Place, data: &Data, expected: Option<Expected>) -> Result<Used> {
    let input = data.path.to_str().context("a path that is no text")?;
    let pipeline = Pipeline::new(place, "file", &[("INPUT", input)])?;
    let used = process::run(
        pipeline
            .command()
            .stderr(File::create(place.work("file.log"))?),
    );
    let used =
        used.with_context(|| fs::read_to_string(place.work("file.log")).unwrap_or_default())?;
    if let Some(expected) = expected {
        pipeline.check(expected.digest)?;
    }
    Ok(used)
}

/// This program as the plain one.
fn plain(input: &Path, output: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("plain").arg(input).arg(output);
    Ok(command)
}

/// Programs that others would take for such a job.
fn peers(place: &Place, data: &Data, report: &mut Report) -> Result<()> {
    let output = place.work("serde.ndjson");
    process::run(&mut plain(&data.path, &output)?)?;
    let expected = Digest::of(&output, By::Value)?;

    let output = place.work("peer.ndjson");
    let mut jq = Command::new("jq");
    jq.arg("-c")
        .arg("-f")
        .arg(place.file("bench/settings/job.jq"))
        .arg(&data.path);
    peer("jq", jq, Some(&output), &output, (data, expected), report)?;

    let program: PathBuf = place.file("target/vrl/release/bench-vrl");
    if program.is_file() {
        let mut vrl = Command::new(program);
        vrl.arg(&data.path).arg(&output);
        peer("vrl", vrl, None, &output, (data, expected), report)?;
    } else {
        report.note("vrl is not built: ARGS=--vrl, which takes some minutes once");
    }
    Ok(())
}

fn peer(
    name: &str,
    mut command: Command,
    stdout: Option<&Path>,
    output: &Path,
    (data, expected): (&Data, Digest),
    report: &mut Report,
) -> Result<()> {
    let mut times = Times::default();
    for _ in 0..REPETITIONS {
        if let Some(path) = stdout {
            command.stdout(File::create(path)?);
        }
        times.push(process::run(&mut command)?.wall);
        let actual = Digest::of(output, By::Value)?;
        ensure!(
            actual == expected,
            "the output of {name} is {actual:?}, not {expected:?}"
        );
    }
    report.records_per_s(name, data.records, &times);
    Ok(())
}
