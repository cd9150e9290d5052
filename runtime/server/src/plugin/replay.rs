//! `tamis plugin replay`: what another version of a plugin makes of records that lie in the pipeline's source.

mod chains;
mod measured;
mod progress;
mod report;

use std::ops::ControlFlow;

use anyhow::{Context, Error, Result};
use tamis_config::{PipelineSpec, PluginFiles};
use tamis_connect::excerpt::{Excerpt, ExcerptError, Wanted};
use tamis_connect::halt::Halt;
use tamis_core::shadow::Comparison;
use tamis_core::source::SourceError;
use tokio::runtime::Runtime;

use crate::cli::CompilerOptions;
use crate::cli::plugin::replay::ReplayArguments;
use crate::exit::{self, Exit, Misuse};
use crate::run::{self, Signals, runtime};

use self::chains::Chains;
use self::progress::Progress;
use self::report::{End, Report};

/// Records that are read where nothing says how many.
const RECORDS: u64 = 10_000;

pub(super) fn run(arguments: &ReplayArguments, options: &CompilerOptions) -> Exit {
    let files = [arguments.config.clone()];
    // Those that run may lie in the state folder.
    let loaded = run::load(&files, PluginFiles::MayBeMissing);
    let Some(spec) = loaded.and_then(|mut specs| specs.pop()) else {
        return Exit::Usage;
    };
    exit::of(replay(arguments, options, &spec))
}

fn replay(
    arguments: &ReplayArguments,
    options: &CompilerOptions,
    spec: &PipelineSpec,
) -> Result<Exit> {
    let index = index(spec, &arguments.plugin)?;
    let mut chains = Chains::load(arguments, options, spec, index)
        .map_err(|error| Error::new(Misuse(format!("{error:#}"))))?;
    let (runtime, halt) = (runtime()?, Halt::default());
    listen(&runtime, &halt)?;
    let wanted = wanted(arguments);
    let excerpt = match Excerpt::open(&spec.source, &spec.limits, &wanted, &halt) {
        Ok(excerpt) => excerpt,
        Err(ExcerptError::Halted) => return Ok(Exit::Unsettled),
        Err(error) => return Err(explain(error)),
    };
    let ranges = excerpt.ranges();
    let mut progress = Progress::new(&ranges, wanted.records_max, &spec.source);
    let mut comparison = Comparison::new(arguments.differences.into());
    let read = excerpt.read(|batch| {
        progress.read += batch.rows().len() as u64;
        chains.take(&mut comparison, batch);
        progress.show(&comparison);
        if chains.given_up().is_some() || halt.is_set() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let read_all = match read {
        Ok(()) => Ok(()),
        Err(ExcerptError::Halted) => Ok(()),
        Err(error) => Err(explain(error)),
    };
    let end = match (&read_all, chains.given_up()) {
        (_, Some(reason)) => End::GivenUp(reason),
        (Err(_), None) => End::Failed,
        (Ok(()), None) if halt.is_set() => End::Interrupted,
        (Ok(()), None) => End::Reached,
    };
    let [old, new] = chains.versions();
    let report = Report {
        pipeline: &spec.name,
        plugin: &arguments.plugin,
        ranges: &ranges,
        read: progress.read,
        comparison: &comparison,
        old,
        new,
        end,
    };
    let printed = if arguments.json {
        crate::print(&report.json().to_string())
    } else {
        crate::print(&report.to_string())
    };
    read_all.context("not all was read")?;
    Ok(report.exit()?.max(printed))
}

/// Where the plugin stands.
fn index(spec: &PipelineSpec, name: &str) -> Result<usize> {
    let mut plugins = spec.plugins.iter();
    plugins.position(|it| it.name == name).ok_or_else(|| {
        let names: Vec<&str> = spec.plugins.iter().map(|it| &*it.name).collect();
        let (pipeline, names) = (&spec.name, names.join(", "));
        Misuse(format!(
            "pipeline {pipeline} has no plugin {name}; it has: {names}"
        ))
        .into()
    })
}

fn wanted(arguments: &ReplayArguments) -> Wanted {
    let ReplayArguments {
        topic,
        partition,
        from,
        to,
        records,
        ..
    } = arguments;
    let usual = from.is_none().then_some(RECORDS);
    Wanted {
        topic: topic.clone(),
        partition: *partition,
        from: *from,
        to: *to,
        records_max: records.or(usual),
    }
}

/// The first signal ends reading, the second one all.
fn listen(runtime: &Runtime, halt: &Halt) -> Result<()> {
    let _within = runtime.enter();
    let (mut signals, halt) = (Signals::new()?, halt.clone());
    runtime.spawn(async move {
        signals.next().await;
        eprintln!("ending with what was seen so far; once more to stop at once");
        halt.set();
        signals.next().await;
        std::process::exit(Exit::Unsettled.code().into());
    });
    Ok(())
}

fn explain(error: ExcerptError) -> Error {
    match error {
        ExcerptError::Misconfigured(reason)
        | ExcerptError::Source(SourceError::Misconfigured(reason)) => Misuse(reason).into(),
        other @ (ExcerptError::Source(_) | ExcerptError::Halted) => other.into(),
    }
}
