//! `tamis run`: one or more pipelines, each with its own fate, until their input ends or a person stops them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tamis_config::{PipelineSpec, PluginFiles};
use tamis_core::{Executor, PipelineError, Stop, Summary};
use tamis_host::Engine;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::cli::RunArguments;
use crate::exit::{self, Exit};
use crate::summary::Report;
use crate::wiring;

pub(crate) fn run(arguments: &RunArguments) -> Exit {
    let Some(specs) = load(&arguments.files, PluginFiles::MustExist) else {
        return Exit::Usage;
    };
    match runtime().and_then(|runtime| runtime.block_on(run_all(specs, arguments.json))) {
        Ok(exit) => exit,
        Err(error) => exit::failed(&error),
    }
}

/// All configurations, or all their problems on the standard error.
pub(crate) fn load(files: &[PathBuf], plugin_files: PluginFiles) -> Option<Vec<PipelineSpec>> {
    let environment = environment();
    let (mut specs, mut sound): (Vec<PipelineSpec>, bool) = (Vec::new(), true);
    for file in files {
        match tamis_config::load(file, &environment, plugin_files) {
            Ok(spec) if specs.iter().any(|other| other.name == spec.name) => {
                let (file, name) = (file.display(), spec.name);
                eprintln!("{file}: pipeline: {name} is the name of another pipeline, too");
                sound = false;
            }
            Ok(spec) => specs.push(spec),
            Err(problems) => {
                eprintln!("{problems}");
                sound = false;
            }
        }
    }
    sound.then_some(specs)
}

/// The variables that are text; no setting could come of the others.
pub(crate) fn environment() -> tamis_config::Environment {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("tamis")
        .enable_all()
        .build()
        .context("no runtime")
}

type Ended = (String, Result<Summary, PipelineError>, Duration);

async fn run_all(specs: Vec<PipelineSpec>, json: bool) -> Result<Exit> {
    let engine = Engine::new()?;
    let (mut pipelines, mut stops) = (JoinSet::<Ended>::new(), Vec::new());
    let started = Instant::now();
    for spec in specs {
        let pipeline = wiring::connect(&spec, &engine)
            .await
            .with_context(|| format!("pipeline {}", spec.name))?;
        stops.push(pipeline.stop());
        info!(pipeline = spec.name, lanes = spec.limits.lanes, "started");
        pipelines.spawn(async move {
            let executor = Executor::Threads(tokio::runtime::Handle::current());
            let ended = pipeline.run(&executor).await;
            (spec.name, ended, started.elapsed())
        });
    }
    let signals = tokio::spawn(stop_on_signals(stops));
    let mut exit = Exit::Done;
    while let Some(ended) = pipelines.join_next().await {
        let (pipeline, ended, took) = ended.context("a pipeline panicked")?;
        let report = Report {
            pipeline: &pipeline,
            ended: &ended,
            took,
        };
        exit = exit.max(outcome(&report, pipelines.len()));
        if json {
            crate::print(&report.json().to_string());
        } else {
            eprintln!("{report}");
        }
    }
    signals.abort();
    Ok(exit)
}

fn outcome(report: &Report<'_>, others: usize) -> Exit {
    match report.ended {
        Ok(summary) if summary.unsettled > 0 => Exit::Unsettled,
        Ok(_) => Exit::Done,
        Err(error) => {
            let pipeline = report.pipeline;
            error!(pipeline, %error, still_running = others, "pipeline stopped");
            Exit::Failed
        }
    }
}

/// The first SIGINT or SIGTERM drains all pipelines, the second one ends them.
pub(crate) async fn stop_on_signals(stops: Vec<Stop>) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    for drain in [true, false] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if drain {
            info!("settling records in flight; once more to stop at once");
            stops.iter().for_each(Stop::stop);
        } else {
            warn!("stopping at once; records in flight will be read again");
            stops.iter().for_each(Stop::give_up);
        }
    }
    Ok(())
}
