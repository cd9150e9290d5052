//! `tamis plugin bench`: what a compiled plugin costs for each record, and how much of that is the way in and out.

mod report;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tamis_config::PluginSettings;
use tamis_core::transform::Transform;
use tamis_host::{Engine, Plugin, PluginTransform};

use self::report::Report;
use super::guest::{self, Outcome};
use super::now;
use super::records::{self, Record};
use crate::cli::CompilerOptions;
use crate::cli::plugin::BenchArguments;
use crate::compiler;
use crate::exit::{self, Exit, Misuse};

/// The best of fewer would be chance.
const PASSES_MIN: u64 = 3;

/// A plugin that is measured.
struct Side {
    file: String,
    plugin: Arc<Plugin>,
    stage: PluginTransform,
    /// One that keeps all records, and is sent the same of them.
    empty: PluginTransform,
    taken: Taken,
}

/// What its passes over all records took.
#[derive(Debug)]
struct Taken {
    best: Duration,
    worst: Duration,
    boundary: Duration,
    passes: u64,
}

pub(super) fn run(arguments: &BenchArguments, options: &CompilerOptions) -> Exit {
    exit::of(bench(arguments, options).map(|text| crate::print(&text)))
}

fn bench(arguments: &BenchArguments, options: &CompilerOptions) -> Result<String> {
    let records = records::read(&arguments.input)?;
    if records.is_empty() {
        let input = arguments.input.display();
        return Err(Misuse(format!(
            "{input}: there is no record; name a file with some"
        ))
        .into());
    }
    let engine = compiler::engine(options)?;
    let settings = arguments.settings.as_deref();
    let mut sides = vec![Side::new(&engine, &arguments.file, settings)?];
    if let Some(file) = &arguments.vs {
        let settings = arguments.vs_settings.as_deref().or(settings);
        sides.push(Side::new(&engine, file, settings)?);
    }
    let outcomes: Result<Vec<_>> = sides
        .iter_mut()
        .map(|side| side.outcome(&records))
        .collect();
    let outcomes = outcomes?;
    measure(
        &mut sides,
        &records,
        now() + Duration::from_secs(arguments.seconds),
    )?;

    let report = Report {
        records: &records,
        sides: &sides,
        outcomes: &outcomes,
    };
    Ok(if arguments.json {
        report.json().to_string()
    } else {
        report.text()
    })
}

/// All sides in turn, so that a bad moment of the machine meets each of them.
fn measure(sides: &mut [Side], records: &[Record], end: Instant) -> Result<()> {
    let mut passes = 0;
    while passes < PASSES_MIN || now() < end {
        for side in &mut *sides {
            side.pass(records)?;
        }
        passes += 1;
    }
    Ok(())
}

impl Side {
    fn new(engine: &Engine, file: &Path, settings: Option<&Path>) -> Result<Self> {
        let plugin = guest::load(engine, file)?;
        let stage = guest::started(&plugin, file, settings)?;
        let empty = Arc::new(Plugin::empty(engine, plugin.description().wants)?);
        let taken = Taken {
            best: Duration::MAX,
            worst: Duration::ZERO,
            boundary: Duration::MAX,
            passes: 0,
        };
        Ok(Self {
            file: file.display().to_string(),
            empty: guest::start(&empty, PluginSettings::default())?,
            plugin,
            stage,
            taken,
        })
    }

    /// What it makes of the records, which also warms it up.
    fn outcome(&mut self, records: &[Record]) -> Result<Outcome> {
        guest::apply(&mut self.stage, records).with_context(|| self.file.clone())
    }

    fn pass(&mut self, records: &[Record]) -> Result<()> {
        let boundary = time(&mut self.empty, records)?;
        let whole = time(&mut self.stage, records).with_context(|| self.file.clone())?;
        let taken = &mut self.taken;
        taken.best = taken.best.min(whole);
        taken.worst = taken.worst.max(whole);
        taken.boundary = taken.boundary.min(boundary);
        taken.passes += 1;
        Ok(())
    }
}

/// How long `stage` has all records; laying them out is a source's work, and is not counted.
fn time(stage: &mut PluginTransform, records: &[Record]) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    for range in guest::batches(records) {
        let mut batch = guest::batch(records, range);
        let start = now();
        stage.apply(&mut batch)?;
        spent += start.elapsed();
    }
    Ok(spent)
}
