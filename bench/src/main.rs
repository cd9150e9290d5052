//! Measures Tamis beside its peers: prints a table, and writes the same to `target/bench.json`.
//!
//! Only ratios within one run say something; every peer runs on the same records in the same minute, each side is repeated
//! alike, and its best time counts. Outputs are compared before any time does.

mod data;
mod digest;
mod files;
mod job;
mod kafka;
mod pipeline;
mod process;
mod report;
mod stopwatch;
mod variants;
mod view;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;

use crate::data::Place;
use crate::report::Report;

/// How often everything is repeated.
const REPETITIONS: usize = 3;
const RECORDS: usize = 2_000_000;
/// What the job keeps of both numbers can be divided by the number of partitions.
const RECORDS_QUICK: usize = 200_001;
/// For what is measured in memory.
const VIEW_RECORDS: usize = 200_000;
const VIEW_RECORDS_QUICK: usize = 50_000;

/// Measures Tamis beside its peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// A tenth of the records: to see that it works, not what it can do
    #[arg(long)]
    quick: bool,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::View, Part::Files, Part::Kafka])]
    only: Vec<Part>,
    /// Build vrl first, which takes some minutes once
    #[arg(long)]
    vrl: bool,
    #[command(subcommand)]
    peer: Option<Peer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What plugins cost
    View,
    /// From a file to a file
    Files,
    /// From Kafka to files
    Kafka,
}

/// Peers that are part of this program, each run as a process of its own.
#[derive(Debug, Subcommand)]
enum Peer {
    /// The job as a plain program does it
    #[command(hide = true)]
    Plain { input: PathBuf, output: PathBuf },
    /// Reads a topic
    #[command(hide = true)]
    ReadAll {
        broker: String,
        topic: String,
        records: usize,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.peer {
        Some(Peer::Plain { input, output }) => job::file_to_file(input, output),
        Some(Peer::ReadAll {
            broker,
            topic,
            records,
        }) => kafka::read_all(broker, topic, *records),
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let place = Place::find()?;
    if arguments.vrl {
        build_vrl(&place)?;
    }
    let has = |part| arguments.only.contains(&part);
    let (records, view_records) = match arguments.quick {
        true => (RECORDS_QUICK, VIEW_RECORDS_QUICK),
        false => (RECORDS, VIEW_RECORDS),
    };
    let mut report = Report::default();
    if has(Part::View) {
        view::measure(&place, view_records, &mut report)?;
    }
    if has(Part::Files) || has(Part::Kafka) {
        let data = place.logs(records, false)?;
        let expected = files::expected(&place, &data)?;
        if has(Part::Files) {
            files::measure(&place, &data, expected, &mut report)?;
        }
        if has(Part::Kafka) {
            kafka::measure(&place, &data, expected, &mut report)?;
        }
    }
    report.note(format!(
        "view: {view_records} records, files and kafka: {records}; best of {REPETITIONS}, spread is \
         the worst above it"
    ));
    let json = json!({
        "version": 1,
        "records": records,
        "cores": std::thread::available_parallelism()?.get(),
        "rows": report.json(),
    });
    let file = place.file("target/bench.json");
    fs::write(&file, format!("{json:#}\n")).with_context(|| file.display().to_string())?;
    write!(std::io::stdout(), "{}", report.table())?;
    Ok(())
}

fn build_vrl(place: &Place) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--manifest-path"]);
    cargo.arg(place.file("bench/vrl/Cargo.toml"));
    cargo.arg("--target-dir").arg(place.file("target/vrl"));
    ensure!(cargo.status()?.success(), "vrl cannot be built");
    Ok(())
}
