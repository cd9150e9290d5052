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
mod scrape;
mod service;
mod stopwatch;
mod stores;
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
use crate::stores::{Elasticsearch, Mongodb, Mysql};

/// How often everything is repeated.
const REPETITIONS: usize = 3;

/// How many records each part is measured with.
#[derive(Debug, Clone, Copy)]
struct Counts {
    /// In memory.
    view: usize,
    /// In a file and in a topic; what the job keeps of them can be divided by the number of partitions.
    files: usize,
    /// Into each store: what takes about as long.
    elasticsearch: usize,
    mongodb: usize,
    mysql: usize,
}

const WHOLE: Counts = Counts {
    view: 200_000,
    files: 2_000_000,
    elasticsearch: 100_000,
    mongodb: 50_000,
    mysql: 200_000,
};
const QUICK: Counts = Counts {
    view: 50_000,
    files: 200_001,
    elasticsearch: 10_000,
    mongodb: 5_000,
    mysql: 20_000,
};

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
    /// Into Elasticsearch
    Elasticsearch,
    /// Into MongoDB
    Mongodb,
    /// Into MySQL or MariaDB
    Mysql,
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
    let mut report = Report::default();
    let counts = match arguments.quick {
        true => QUICK,
        false => WHOLE,
    };
    run(&place, &arguments.only, counts, &mut report)?;
    report.note(format!(
        "view: {} records, files and kafka: {}, elasticsearch: {}, mongodb: {}, mysql: {}; best of \
         {REPETITIONS}, spread is the worst above it",
        counts.view, counts.files, counts.elasticsearch, counts.mongodb, counts.mysql
    ));
    let json = json!({
        "version": 1,
        "records": counts.files,
        "cores": std::thread::available_parallelism()?.get(),
        "rows": report.json(),
    });
    let file = place.file("target/bench.json");
    fs::write(&file, format!("{json:#}\n")).with_context(|| file.display().to_string())?;
    write!(std::io::stdout(), "{}", report.table())?;
    Ok(())
}

fn run(place: &Place, only: &[Part], counts: Counts, report: &mut Report) -> Result<()> {
    let has = |part| only.contains(&part);
    if has(Part::View) {
        view::measure(place, counts.view, report)?;
    }
    if has(Part::Files) || has(Part::Kafka) {
        let data = place.logs(counts.files, false)?;
        let expected = files::expected(place, &data)?;
        if has(Part::Files) {
            files::measure(place, &data, expected, report)?;
        }
        if has(Part::Kafka) {
            kafka::measure(place, &data, expected, report)?;
        }
    }
    if has(Part::Elasticsearch) {
        let data = place.logs(counts.elasticsearch, false)?;
        stores::measure::<Elasticsearch>(place, &data, report)?;
    }
    if has(Part::Mongodb) {
        let data = place.logs(counts.mongodb, false)?;
        stores::measure::<Mongodb>(place, &data, report)?;
    }
    if has(Part::Mysql) {
        let data = place.logs(counts.mysql, false)?;
        stores::measure::<Mysql>(place, &data, report)?;
    }
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
