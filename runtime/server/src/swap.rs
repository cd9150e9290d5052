//! The plugins of a pipeline that runs, and how others take their place: when a file changes, or when someone asks for it.
//!
//! | step | what it shows |
//! |---|---|
//! | compile | the file is a plugin; signed, where it has to be |
//! | instantiate, configure | it starts, and takes its settings |
//! | shadow | what it would make of the last records otherwise, and what it costs |
//! | switch | each lane goes on with it, between two batches |
//! | probation | it bears live records; if not, the version before decides the batch that it failed on, and all that follow |
//!
//! Whatever fails before the switch changes nothing. For operators: `docs/swap.md`.

mod candidate;
mod change;
mod deploy;
mod handler;
mod note;
mod probation;
mod shadow;
mod sinks;
mod start;
mod tell;
mod telling;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Error, Result, bail};
use tamis_config::{PipelineSpec, PluginFiles, Promote};
use tamis_core::{Swapper, causes};
use tamis_host::Engine;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::control::{self, Ended, Policy, Request};
use crate::plugin_file::{PluginFile, ReadError};
use crate::state::{Event, State, Trigger};
use crate::telemetry::Watched;

use candidate::{Running, Wanted};
use deploy::Waiting;
use handler::{Answer, Ask, Asked};
use probation::Probation;
use telling::{Telling, apart};
use watch::Watch;

pub(crate) use handler::Orders;
pub(crate) use start::{Started, as_they_run};

/// Orders that wait until the one before is done.
const ORDERS_MAX: usize = 16;

/// Swaps the plugins of one pipeline, one candidate at a time.
pub(crate) struct Deployer {
    /// The file with its configuration.
    file: PathBuf,
    /// What runs; while something is on probation, what ran before.
    running: Arc<Running>,
    state: Option<State>,
    engine: Engine,
    swapper: Swapper,
    orders: mpsc::Receiver<Ask>,
    watch: Watch,
    /// Files that are to be looked at, whatever is seen of them, and why.
    doubtful: VecDeque<(PathBuf, Look)>,
    /// By plugin, the last file that was tried: its SHA-256, and that of its signature.
    tried: BTreeMap<String, (String, Option<String>)>,
    /// What waits for a person to promote it.
    waiting: Option<Waiting>,
    on_probation: Option<Probation>,
    /// Whoever looks at the pipeline is told how its plugins stand.
    watched: Arc<Watched>,
}

/// Why a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The process has started.
    Start,
    /// It has changed.
    Change,
    /// A signal, or someone at the socket, asked for it.
    Order,
}

impl Look {
    /// Whether a file of which this was said last is tried once more.
    fn tries_again(self, said: Event) -> bool {
        match said {
            Event::OnProbation => true,
            Event::Promoted | Event::Removed => self != Self::Start,
            // What waited does so no more after a restart.
            Event::Shadowed => self != Self::Change,
            // The cause may have been another than the file.
            Event::Refused => self == Self::Order,
            Event::RolledBack => false,
        }
    }

    fn trigger(self) -> Trigger {
        match self {
            Self::Start | Self::Change => Trigger::File,
            Self::Order => Trigger::Signal,
        }
    }
}

impl Deployer {
    /// One for the pipeline of `file` that was started as `started`, whose lanes `swapper` reaches; and where it takes orders.
    pub(crate) fn new(
        file: PathBuf,
        started: Started,
        engine: Engine,
        swapper: Swapper,
        watched: Arc<Watched>,
    ) -> (Self, Orders) {
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        let orders = Orders::new(orders, Arc::clone(&watched), &swapper);
        let Started {
            spec,
            plugins,
            state,
            ..
        } = started;
        let mut deployer = Self {
            file,
            running: Arc::new(Running { spec, plugins }),
            state,
            engine,
            swapper,
            orders: asked,
            watch: Watch::default(),
            doubtful: VecDeque::new(),
            tried: BTreeMap::new(),
            waiting: None,
            on_probation: None,
            watched,
        };
        deployer.watch.set(deployer.files().collect::<Vec<_>>());
        // What became something else while no one was there to see it.
        if deployer.running.spec.swap.watch && deployer.state.is_some() {
            let plugins = deployer.files().skip(1);
            deployer.doubtful = plugins.map(|it| (it, Look::Start)).collect();
        }
        (deployer, orders)
    }

    /// Swaps what is to be swapped, for as long as it is waited for.
    pub(crate) async fn attend(self) -> Infallible {
        let _still_its_own = self.run().await;
        future::pending().await
    }

    /// Takes `orders` from outside the process, where there is a state folder, for as long as it is waited for: also once the pipeline
    /// has ended, for whoever asks how it is.
    pub(crate) fn serve(&self, orders: Orders) -> impl Future<Output = ()> + use<> {
        let socket = self.state.as_ref().map(State::socket);
        let pipeline = self.running.spec.name.clone();
        async move {
            let Some(socket) = socket else {
                return;
            };
            let Err(error) = control::serve(socket.clone(), Arc::new(orders)).await;
            let socket = socket.display();
            warn!(pipeline, %socket, %error, "there is no control socket");
        }
    }

    /// Until the pipeline takes no more records; then the state folder is still this process's own. What is on probation then did not
    /// pass.
    async fn run(mut self) -> Self {
        loop {
            self.show();
            // One candidate after the other: what changes meanwhile stays changed.
            let is_free = self.on_probation.is_none();
            if is_free && let Some((path, look)) = self.doubtful.pop_front() {
                self.changed(&path, look).await;
                continue;
            }
            let watches = is_free && self.running.spec.swap.watch;
            tokio::select! {
                biased;
                () = self.swapper.stopping() => return self,
                moment = Probation::next(self.on_probation.as_mut()) => self.go_on(moment).await,
                Some(ask) = self.orders.recv() => self.obey(ask).await,
                path = self.watch.changed(), if watches => self.changed(&path, Look::Change).await,
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let plugins = self
            .running
            .spec
            .plugins
            .iter()
            .map(|plugin| plugin.path.clone());
        [self.file.clone()].into_iter().chain(plugins)
    }

    /// Takes what became of the file at `path`.
    async fn changed(&mut self, path: &Path, look: Look) {
        if path == self.file {
            let telling = Telling::new(&self.running.spec.name, None);
            self.reconfigure(telling).await;
            return;
        }
        let named =
            |plugin: &tamis_config::PluginSpec| (plugin.path == path).then(|| plugin.name.clone());
        let names: Vec<String> = self.running.spec.plugins.iter().filter_map(named).collect();
        for name in names {
            let file = match PluginFile::read(path) {
                Ok(file) => file,
                // Gone again: there will be another event.
                Err(ReadError::Missing(_)) => return,
                Err(error) => {
                    let (plugin, error) = (&name, causes(&error));
                    warn!(plugin, error, "the file is not taken");
                    return;
                }
            };
            let said = self.state.as_ref();
            let said = said.and_then(|state| state.verdict(&name, &file.sha256()));
            let last = self
                .tried
                .get(&name)
                .filter(|(tried, _)| *tried == file.sha256());
            let is_signed_anew = last.is_some_and(|(_, by)| *by != file.signature_sha256());
            let tries_again =
                |said: Event| look.tries_again(said) || (said == Event::Refused && is_signed_anew);
            if let Some(said) = said.filter(|it| !tries_again(it.event)) {
                if look != Look::Start {
                    let (plugin, event) = (&name, said.event);
                    info!(
                        plugin,
                        ?event,
                        "the file is what it was before, which is not tried again by itself; \
                         `tamis plugin deploy` does"
                    );
                }
                continue;
            }
            let telling = Telling::new(&self.running.spec.name, None);
            self.take(&name, file, look.trigger(), telling, Asked::default())
                .await;
        }
    }

    /// Puts `file` in the place of the code of `plugin`, as far as it is good enough.
    async fn take(
        &mut self,
        plugin: &str,
        file: PluginFile,
        by: Trigger,
        telling: Telling,
        asked: Asked,
    ) {
        let index = self
            .running
            .spec
            .plugins
            .iter()
            .position(|it| it.name == plugin);
        let Some(index) = index else {
            return Answer::give(asked.answer, Ended::failed(self.no_plugin(plugin)));
        };
        if self.running.plugins[index].digest() == file.sha256() {
            return Answer::give(asked.answer, Ended::done("this very file runs already"));
        }
        let tried = (file.sha256(), file.signature_sha256());
        self.tried.insert(plugin.to_owned(), tried);
        let mut wanted: Vec<_> = (0..self.running.plugins.len()).map(Wanted::Kept).collect();
        wanted[index] = Wanted::Other(self.running.spec.plugins[index].clone(), Arc::new(file));
        let spec = self.running.spec.clone();
        self.deploy(spec, wanted, by, telling, asked).await;
    }

    fn no_plugin(&self, plugin: &str) -> String {
        let names: Vec<&str> = self
            .running
            .spec
            .plugins
            .iter()
            .map(|it| &*it.name)
            .collect();
        let (pipeline, names) = (&self.running.spec.name, names.join(", "));
        format!("pipeline {pipeline} has no plugin {plugin}; it has: {names}")
    }

    /// Reads the configuration again, and takes what can be taken of it.
    async fn reconfigure(&mut self, telling: Telling) {
        let taken = match self.read_again().await {
            Ok((spec, wanted)) if self.keeps_all(&wanted) => self.take_sinks(spec, telling).await,
            Ok((spec, _)) if spec.sinks != self.running.spec.sinks => Err(Error::msg(
                "plugins and sinks cannot change at once while the pipeline runs; change one, then the other",
            )),
            Ok((spec, wanted)) => {
                let (by, asked) = (Trigger::Config, Asked::default());
                self.deploy(spec, wanted, by, telling, asked).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            let (pipeline, error) = (&self.running.spec.name, causes(&*error));
            warn!(pipeline, error, "the configuration was not taken");
        }
    }

    async fn read_again(&mut self) -> Result<(PipelineSpec, Vec<Wanted>)> {
        let (file, running) = (self.file.clone(), Arc::clone(&self.running));
        let read = move || {
            let environment = crate::run::environment();
            let spec = tamis_config::load(&file, &environment, PluginFiles::MustExist)?;
            if let Some(refusal) = change::refusal(&running.spec, &spec) {
                bail!("{}: {refusal}", file.display());
            }
            let wanted = change::wanted(&running.spec, &spec, |index, file| {
                running.plugins[index].digest() == file.sha256()
            })?;
            Ok((spec, wanted))
        };
        apart(read).await
    }

    /// Whether that is the plugins that run, in their places.
    fn keeps_all(&self, wanted: &[Wanted]) -> bool {
        let kept =
            |(index, wanted): (usize, &Wanted)| matches!(wanted, Wanted::Kept(at) if *at == index);
        wanted.len() == self.running.plugins.len() && wanted.iter().enumerate().all(kept)
    }

    /// Takes what of `spec` is no plugin: how swaps go, and the settings of sinks.
    async fn take_sinks(&mut self, spec: PipelineSpec, mut telling: Telling) -> Result<()> {
        if spec.sinks != self.running.spec.sinks {
            let work = sinks::exchange(&self.swapper, spec.clone());
            telling.step("sinks", work).await?;
        }
        if let Some(waiting) = &mut self.waiting {
            // What it came with is the configuration of before.
            waiting.candidate.is_of_config = false;
        }
        let plugins = self.running.plugins.clone();
        self.running = Arc::new(Running { spec, plugins });
        Ok(())
    }

    /// Why nothing else can be swapped now.
    fn is_busy(&self) -> Option<Ended> {
        let versions = self.on_probation.as_ref()?.versions().join(", ");
        let pipeline = &self.running.spec.name;
        Some(Ended::failed(format!(
            "{versions} is on its way or on probation; wait for its end, or bring it about with \
             `tamis plugin promote {pipeline} PLUGIN` or `tamis plugin rollback {pipeline} PLUGIN`"
        )))
    }

    /// Does what someone asks for.
    async fn obey(
        &mut self,
        Ask {
            request,
            events,
            answer,
        }: Ask,
    ) {
        let telling = |events| Telling::new(&self.running.spec.name, events);
        match request {
            Request::Deploy {
                plugin,
                file,
                promote,
            } => match PluginFile::read(&file) {
                Ok(file) => {
                    let telling = telling(events);
                    let asked = Asked {
                        promote: promote.map(policy),
                        answer: Some(answer),
                    };
                    self.take(&plugin, file, Trigger::Deploy, telling, asked)
                        .await;
                }
                Err(error) => answer.end(Ended::failed(error.to_string())),
            },
            Request::Promote { plugin } => self.promote(&plugin, answer).await,
            Request::Rollback { plugin } => {
                let telling = telling(events);
                self.roll_back(&plugin, telling, answer).await;
            }
            Request::Reload => {
                self.doubtful = self.files().map(|it| (it, Look::Order)).collect();
                answer.end(Ended::done(
                    "files are looked at; the log says what comes of it",
                ));
            }
            Request::Versions { plugin } => {
                let ended = self.tell_versions(plugin.as_deref(), events).await;
                answer.end(ended);
            }
            // They are answered at the door.
            Request::Status
            | Request::Pause
            | Request::Resume
            | Request::Drain { .. }
            | Request::Tap(_) => answer.end(Ended::done(String::new())),
        }
    }
}

fn policy(policy: Policy) -> Promote {
    match policy {
        Policy::Auto => Promote::Auto,
        Policy::IfSame => Promote::IfSame,
        Policy::Manual => Promote::Manual,
    }
}

/// Milliseconds since 1970-01-01 UTC, by the clock of the wall: for people who read the history.
fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
