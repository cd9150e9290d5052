//! `tamis demo`: the main job with no service at all. Generated records go through an in-process Kafka, the reference plugins
//! and into files.

mod broker;
mod generator;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;
use tamis_config::PluginFiles;
use tamis_core::{Counts, Executor, Stop, Summary};
use tokio::time::Instant;

use crate::cli::{CompilerOptions, DemoArguments};
use crate::exit::{self, Exit};
use crate::run::Signals;
use crate::{compiler, run, wiring};

/// Partitions of the demo's topic.
const PARTITIONS: u32 = 4;

pub(crate) fn run(arguments: &DemoArguments, options: &CompilerOptions) -> Exit {
    match run::runtime().and_then(|runtime| runtime.block_on(demo(arguments, options))) {
        Ok(exit) => exit,
        Err(error) => exit::failed(&error),
    }
}

/// What the producer and the table share.
#[derive(Debug, Default)]
struct Generated {
    records: AtomicU64,
    bytes: AtomicU64,
    /// No more records come.
    ended: AtomicBool,
}

async fn demo(arguments: &DemoArguments, options: &CompilerOptions) -> Result<Exit> {
    let folder = folder(arguments)?;
    let broker = broker::Broker::start()?;
    let spec = spec(&folder, &arguments.plugins, &broker.address())?;
    let lanes = wiring::lanes(&spec, &compiler::engine(options)?)?;
    let pipeline = wiring::connect(&spec, lanes).await?;
    let (counts, stop) = (pipeline.counts(), pipeline.stop());
    let generated = Arc::new(Generated::default());

    let started = Instant::now();
    let producer = {
        let (generated, counts) = (Arc::clone(&generated), Arc::clone(&counts));
        let (address, records, seed) = (broker.address(), arguments.records, arguments.seed);
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || {
            let produced = broker::produce(&address, records, seed, &generated, &counts);
            if produced.is_err() {
                stop.stop();
            }
            produced
        })
    };
    let pipeline = tokio::spawn(async move {
        let executor = Executor::Threads(tokio::runtime::Handle::current());
        pipeline.run(&executor).await
    });
    let signals = tokio::spawn(end_on_signals(
        Signals::new()?,
        Arc::clone(&generated),
        stop.clone(),
    ));
    let watcher = tokio::spawn(stop_when_all_is_taken(
        Arc::clone(&generated),
        counts.clone(),
        stop,
    ));
    let table =
        (!arguments.json).then(|| tokio::spawn(table::show(Arc::clone(&generated), counts)));

    let ended = pipeline.await;
    // Also when it failed: the producer must not wait for a reader that is gone.
    generated.ended.store(true, Ordering::Release);
    let summary = ended??;
    producer.await??;
    signals.abort();
    watcher.abort();
    if let Some(table) = table {
        table.abort();
    }
    report(arguments, &folder, &generated, &summary, started.elapsed())
}

fn folder(arguments: &DemoArguments) -> Result<PathBuf> {
    let temporary = || std::env::temp_dir().join(format!("tamis-demo-{}", std::process::id()));
    let folder = arguments.folder.clone().unwrap_or_else(temporary);
    std::fs::create_dir_all(&folder).with_context(|| format!("no folder {}", folder.display()))?;
    let empty = std::fs::read_dir(&folder)?.next().is_none();
    ensure!(
        empty,
        "{} is not empty: name another --folder",
        folder.display()
    );
    Ok(folder.canonicalize()?)
}

/// The demo's configuration is one like any other, and stays in its folder for whoever wants to go on from it.
fn spec(folder: &Path, plugins: &Path, broker: &str) -> Result<tamis_config::PipelineSpec> {
    let plugins = plugins.canonicalize().with_context(|| {
        format!(
            "no plugins in {}: build them with `make plugins`",
            plugins.display()
        )
    })?;
    let text = include_str!("demo/pipeline.yaml")
        .replace("@BROKER@", broker)
        .replace("@FOLDER@", &folder.display().to_string())
        .replace("@PLUGINS@", &plugins.display().to_string());
    let file = folder.join("pipeline.yaml");
    std::fs::write(&file, &text)?;
    tamis_config::load_text(&text, &file, &run::environment(), PluginFiles::MustExist)
        .map_err(|problems| anyhow!("{problems}"))
}

/// The first signal ends the flow of new records; the second one ends everything.
async fn end_on_signals(mut signals: Signals, generated: Arc<Generated>, stop: Stop) {
    signals.next().await;
    generated.ended.store(true, Ordering::Release);
    signals.next().await;
    stop.give_up();
}

async fn stop_when_all_is_taken(generated: Arc<Generated>, counts: Arc<Counts>, stop: Stop) {
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let ended = generated.ended.load(Ordering::Acquire);
        if ended && counts.totals().taken >= generated.records.load(Ordering::Acquire) {
            return stop.stop();
        }
    }
}

fn report(
    arguments: &DemoArguments,
    folder: &Path,
    generated: &Generated,
    summary: &Summary,
    took: Duration,
) -> Result<Exit> {
    let generated = generated.records.load(Ordering::Acquire);
    let totals = &summary.totals;
    let written: u64 = totals.written.iter().map(|(_, written)| written).sum();
    let (dropped, dead) = (totals.dropped, totals.dead);
    let seconds = (took.as_secs_f64() * 1000.0).round() / 1000.0;
    if arguments.json {
        let line = json!({
            "generated": generated, "written": written, "dropped": dropped, "dead": dead,
            "seconds": seconds, "folder": folder,
        });
        crate::print(&line.to_string());
    } else {
        eprintln!();
        eprintln!(
            "{generated} generated = {written} written + {dropped} dropped + {dead} dead letters"
        );
        eprintln!("in {seconds:.1} s; look into {}", folder.display());
    }
    if summary.unsettled > 0 {
        eprintln!("stopped at once: what was in flight is in none of the three");
        return Ok(Exit::Unsettled);
    }
    ensure!(
        generated == written + dropped + dead,
        "the summary does not add up; this is a bug in tamis"
    );
    Ok(Exit::Done)
}
