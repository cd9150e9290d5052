//! `tamis run`: one or more pipelines, each with its own fate, until their input ends or a person stops them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tamis_config::{PipelineSpec, PluginFiles};
use tamis_core::{Counts, Executor, Pipeline, PipelineError, Stop, Summary};
use tamis_host::{Engine, Origin};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::cli::{CompilerOptions, RunArguments};
use crate::compiler;
use crate::exit::{self, Exit};
use crate::state::{self, State};
use crate::summary::Report;
use crate::swap::{Deployer, Orders, Started};
use crate::telemetry::{self, Listen, Watched};
use crate::wiring::{self, Lanes};

pub(crate) fn run(arguments: &RunArguments, options: &CompilerOptions) -> Exit {
    let started = runtime().and_then(|runtime| {
        // Whoever starts as process 1 of a container hears of no signal that it did not ask for.
        let signals = runtime.block_on(async { Signals::new() })?;
        Ok((runtime, signals))
    });
    let (runtime, signals) = match started {
        Ok(started) => started,
        Err(error) => return exit::failed(&error),
    };
    let loading = match prepare(arguments, options, &runtime) {
        Ok(loading) => loading,
        Err(exit) => return exit,
    };
    let ended = runtime.block_on(run_all(loading, signals, arguments.json));
    // What a disk that hangs still holds is left behind, and the compiler with whom it works for.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| exit::failed(&error))
}

/// All that is there before the first plugin is loaded; or how the program ends because it is not.
fn prepare(
    arguments: &RunArguments,
    options: &CompilerOptions,
    runtime: &Runtime,
) -> Result<Loading, Exit> {
    let listen = Listen::of(&arguments.telemetry).map_err(|reason| {
        exit::say(reason);
        Exit::Usage
    })?;
    let specs = load(&arguments.files, PluginFiles::MustExist).ok_or(Exit::Usage)?;
    let states = state::open_all(arguments.state.folder(), &specs).ok_or(Exit::Usage)?;
    let engine = compiler::engine(options).map_err(|error| exit::failed(&error))?;
    let watched: Vec<_> = specs.iter().map(|spec| Watched::new(&spec.name)).collect();
    let watched: Vec<_> = watched.into_iter().map(Arc::new).collect();
    if let Some(listen) = listen {
        let listening = telemetry::http::start(listen, watched.clone(), runtime.handle().clone());
        listening.map_err(|error| exit::failed(&error))?;
    }
    Ok(Loading {
        specs: specs.into_iter().zip(states).collect(),
        files: arguments.files.clone(),
        engine,
        watched,
    })
}

/// Pipelines whose plugins are to be loaded.
struct Loading {
    specs: Vec<(PipelineSpec, Option<State>)>,
    files: Vec<PathBuf>,
    engine: Engine,
    watched: Vec<Arc<Watched>>,
}

/// A pipeline with its plugins.
struct Ready {
    file: PathBuf,
    started: Started,
    lanes: Lanes,
    watched: Arc<Watched>,
}

/// Each pipeline with its plugins, or what is wrong with them on the standard error. Says how long they took: mostly the time
/// between a restart and its first record.
fn load_plugins(loading: Loading) -> Option<Vec<Ready>> {
    let Loading {
        specs,
        files,
        engine,
        watched,
    } = loading;
    let (mut ready, mut sound, begun) = (Vec::new(), true, Instant::now());
    for (((spec, state), file), watched) in specs.into_iter().zip(files).zip(watched) {
        let pipeline = spec.name.clone();
        match Started::load(spec, state, &engine) {
            Ok((started, lanes)) => ready.push(Ready {
                file,
                started,
                lanes,
                watched,
            }),
            Err(error) => {
                exit::say(format_args!("pipeline {pipeline}: {error:#}"));
                sound = false;
            }
        }
    }
    if !sound {
        return None;
    }
    let all = ready.iter().flat_map(|ready| &ready.started.plugins);
    let plugins = all.clone().count();
    let cached = all.filter(|it| it.origin() == Origin::Cache).count();
    let ms = begun.elapsed().as_millis();
    if plugins > 0 {
        info!(plugins, cached, ms, "plugins are ready");
    }
    Some(ready)
}

/// All configurations, or all their problems on the standard error.
pub(crate) fn load(files: &[PathBuf], plugin_files: PluginFiles) -> Option<Vec<PipelineSpec>> {
    let environment = environment();
    let (mut specs, mut sound): (Vec<PipelineSpec>, bool) = (Vec::new(), true);
    for file in files {
        match tamis_config::load(file, &environment, plugin_files) {
            Ok(spec) if specs.iter().any(|other| other.name == spec.name) => {
                let (file, name) = (file.display(), spec.name);
                exit::say(format_args!(
                    "{file}: pipeline: {name} is the name of another pipeline, too"
                ));
                sound = false;
            }
            Ok(spec) => specs.push(spec),
            Err(problems) => {
                exit::say(problems);
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

type Ended = (
    String,
    Result<Summary, PipelineError>,
    Arc<Counts>,
    Duration,
);

/// A pipeline that can run.
struct Connected {
    file: PathBuf,
    started: Started,
    pipeline: Pipeline,
    watched: Arc<Watched>,
}

async fn run_all(loading: Loading, mut signals: Signals, json: bool) -> Result<Exit> {
    let (engine, mut hangups) = (loading.engine.clone(), signal(SignalKind::hangup())?);
    let connected = tokio::select! {
        connected = start_all(loading) => connected?,
        () = signals.next() => {
            info!("told to stop before any record was taken");
            return Ok(Exit::Done);
        }
    };
    let Some(connected) = connected else {
        return Ok(Exit::Usage);
    };
    let stops: Vec<Stop> = connected
        .iter()
        .map(|connected| connected.pipeline.stop())
        .collect();
    let signals = tokio::spawn(async move { signals.stop(&stops).await });
    let (mut pipelines, begun) = (JoinSet::<Ended>::new(), Instant::now());
    // They answer until the process ends.
    let mut sockets = JoinSet::new();
    let mut all_orders = Vec::new();
    for Connected {
        file,
        mut started,
        pipeline,
        watched,
    } in connected
    {
        let name = started.spec.name.clone();
        started.note().with_context(|| format!("pipeline {name}"))?;
        watched.runs(pipeline.monitor());
        let (swapper, watch) = (pipeline.swapper(), Arc::clone(&watched));
        let (deployer, orders) = Deployer::new(file, started, engine.clone(), swapper, watch);
        sockets.spawn(deployer.serve(orders.clone()));
        all_orders.push(orders);
        info!(pipeline = name, "started");
        pipelines.spawn(async move {
            let executor = Executor::Threads(tokio::runtime::Handle::current());
            let (counts, monitor) = (pipeline.counts(), pipeline.monitor());
            let ended = tokio::select! {
                ended = pipeline.run(&executor) => ended,
                never = deployer.attend() => match never {},
            };
            watched.ended(monitor, &ended);
            (name, ended, counts, begun.elapsed())
        });
    }
    let hangups = tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            info!("reading configurations and plugins again");
            let all = all_orders.iter().cloned();
            let reloads: JoinSet<()> = all.map(Orders::reload).collect();
            reloads.join_all().await;
        }
    });
    let mut exit = Exit::Done;
    while let Some(ended) = pipelines.join_next().await {
        let (pipeline, ended, counts, took) = ended.context("a pipeline panicked")?;
        exit = exit.max(tell(&pipeline, &ended, &counts, took, json));
    }
    signals.abort();
    hangups.abort();
    Ok(exit)
}

/// Says how a pipeline ended, to a person or a script.
fn tell(
    pipeline: &str,
    ended: &Result<Summary, PipelineError>,
    counts: &Counts,
    took: Duration,
    json: bool,
) -> Exit {
    let report = Report {
        pipeline,
        ended,
        totals: counts.totals(),
        took,
    };
    if let Err(error) = ended {
        error!(target: exit::MUST_ACT, pipeline, %error, "stopped");
    }
    let exit = report.exit();
    if json {
        return exit.max(crate::print(&report.json().to_string()));
    }
    if exit::is_for_programs() {
        info!("{report}");
    } else {
        eprintln!("{report}");
    }
    exit
}

/// All pipelines, loaded and connected, before any of them runs; `None` where it was said what is wrong with their plugins.
async fn start_all(loading: Loading) -> Result<Option<Vec<Connected>>> {
    // Compilers take their time, and are waited for by those who asked.
    let loaded = spawn_blocking(move || load_plugins(loading)).await;
    match loaded.context("the loading of plugins panicked")? {
        Some(ready) => connect_all(ready).await.map(Some),
        None => Ok(None),
    }
}

/// All pipelines, connected, before any of them runs.
async fn connect_all(ready: Vec<Ready>) -> Result<Vec<Connected>> {
    let mut connected = Vec::with_capacity(ready.len());
    for Ready {
        file,
        started,
        lanes,
        watched,
    } in ready
    {
        watched.starts("its stores are being connected");
        let pipeline = wiring::connect(&started.spec, lanes).await;
        let pipeline = pipeline.with_context(|| format!("pipeline {}", started.spec.name))?;
        watched.starts("the other pipelines of its process are being connected");
        connected.push(Connected {
            file,
            started,
            pipeline,
            watched,
        });
    }
    Ok(connected)
}

/// SIGINT and SIGTERM, from the moment on that this is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self {
            interrupt,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// The first one drains all pipelines, the second one ends them.
    async fn stop(&mut self, stops: &[Stop]) {
        self.next().await;
        info!("settling records in flight; once more to stop at once");
        stops.iter().for_each(Stop::stop);
        self.next().await;
        warn!("stopping at once; records in flight will be read again");
        stops.iter().for_each(Stop::give_up);
    }
}
