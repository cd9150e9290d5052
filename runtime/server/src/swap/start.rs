//! With which versions a pipeline starts: those that ran last, whatever lies at their paths by now.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Error, Result, bail};
use tamis_config::{PipelineSpec, PluginSpec, SourceSpec};
use tamis_core::causes;
use tamis_host::{Engine, Plugin, PluginTransform, Trust};
use tracing::{info, warn};

use crate::plugin_file::{PluginFile, refuse_downgrade};
use crate::state::{self, Entry, Event, Past, State, StateError, Trigger};
use crate::wiring::{self, Lanes};

/// A pipeline whose plugins are there.
pub(crate) struct Started {
    pub(crate) spec: PipelineSpec,
    /// In the order of `spec.plugins`.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    pub(crate) state: Option<State>,
    /// What the history is to be told of, should the pipeline run.
    news: Vec<Entry>,
}

/// A file that a plugin may start with.
struct Choice {
    file: PluginFile,
    /// It was what ran when the process before ended.
    ran_last: bool,
}

/// The plugins of one pipeline that is about to start.
struct Loading<'a> {
    spec: &'a PipelineSpec,
    state: Option<&'a State>,
    engine: &'a Engine,
    trust: Option<Trust>,
}

impl Started {
    /// Compiles the plugins of `spec`, and gives each of its lanes an instance of each of them.
    ///
    /// # Errors
    /// Where one of them is none, is not to be run, or does not take its settings.
    pub(crate) fn load(
        spec: PipelineSpec,
        state: Option<State>,
        engine: &Engine,
    ) -> Result<(Self, Lanes)> {
        let (mut plugins, mut news) = (Vec::with_capacity(spec.plugins.len()), Vec::new());
        let mut lanes = wiring::no_plugins(&spec);
        let loading = Loading {
            spec: &spec,
            state: state.as_ref(),
            engine,
            trust: wiring::trust(&spec)?,
        };
        for plugin in &spec.plugins {
            let (choice, loaded, instances) = loading.begin(plugin)?;
            if let Some(state) = &state {
                let Choice { file, ran_last } = choice;
                let kept = state.keep(loaded.digest(), &file.bytes, file.signature.as_deref());
                kept.context("the state folder takes no file")?;
                news.extend((!ran_last).then(|| first(plugin, &loaded)));
            }
            wiring::add(&mut lanes, instances);
            plugins.push(loaded);
        }
        let started = Self {
            spec,
            plugins,
            state,
            news,
        };
        Ok((started, lanes))
    }

    /// Notes what runs now for the first time: not before the pipeline is connected, for what never ran is no version to go on with.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(crate) fn note(&mut self) -> Result<()> {
        let news = std::mem::take(&mut self.news);
        if let Some(state) = self.state.as_mut().filter(|_| !news.is_empty()) {
            state.note_all(news)?;
        }
        Ok(())
    }
}

const FROM_STATE: &str = " as it ran last; `--state off` runs the file as it is";

impl Loading<'_> {
    /// The first of its choices that can run, with an instance for each lane.
    fn begin(&self, plugin: &PluginSpec) -> Result<(Choice, Arc<Plugin>, Vec<PluginTransform>)> {
        let mut first = None::<Error>;
        for choice in self.choices(plugin)? {
            match self.load(plugin, &choice) {
                Ok((loaded, instances)) => {
                    if let Some(error) = &first {
                        let (name, error) = (&plugin.name, causes(&**error));
                        let version = &loaded.description().version;
                        warn!(plugin = name, version, error, "another file runs");
                    }
                    return Ok((choice, loaded, instances));
                }
                Err(error) => {
                    let from = if choice.ran_last { FROM_STATE } else { "" };
                    let error = error.context(format!("{}{from}", wiring::named(plugin)));
                    first.get_or_insert(error);
                }
            }
        }
        Err(first.expect("there is a choice"))
    }

    fn load(
        &self,
        plugin: &PluginSpec,
        Choice { file, ran_last }: &Choice,
    ) -> Result<(Arc<Plugin>, Vec<PluginTransform>)> {
        let trust = self.trust.as_ref();
        let loaded = file.load(self.engine, wiring::grants(plugin), trust, None)?;
        if !ran_last {
            let newest = self.state.and_then(|it| it.newest(&plugin.name));
            let version = &loaded.description().version;
            refuse_downgrade(self.spec.trust.as_ref(), version, newest)?;
        }
        let loaded = Arc::new(loaded);
        let instances = wiring::instances_of(plugin, &loaded, self.spec.limits.lanes)?;
        Ok((loaded, instances))
    }

    /// The files that `plugin` may start with, the best one first; at least one.
    fn choices(&self, plugin: &PluginSpec) -> Result<Vec<Choice>> {
        let read = PluginFile::read(&plugin.path).map_err(Error::from);
        let last = self
            .state
            .and_then(|it| Some((it, it.running(&plugin.name)?)));
        let Some((state, last)) = last else {
            return Ok(vec![Choice {
                file: read?,
                ran_last: false,
            }]);
        };
        let kept = state.kept(&last.sha256).map(|kept| Choice {
            file: PluginFile::kept(&plugin.path, kept),
            ran_last: true,
        });
        let file = match read {
            // Twice: with the signature that lies there now, and with the one that it ran with.
            Ok(file) if file.sha256() == last.sha256 => {
                let file = Choice {
                    file,
                    ran_last: true,
                };
                return Ok([file].into_iter().chain(kept).collect());
            }
            Ok(file) => Ok(file),
            Err(error) => Err(error),
        };
        let said = |file: &PluginFile| state.verdict(&plugin.name, &file.sha256());
        let is_news = file.as_ref().is_ok_and(|file| said(file).is_none());
        // Who runs a job on files runs what was built for it.
        let is_job = matches!(self.spec.source, SourceSpec::File(_) | SourceSpec::Stdin(_));
        let at_path = |file: Result<PluginFile>| {
            file.map(|file| Choice {
                file,
                ran_last: false,
            })
        };
        match kept {
            _ if is_news && is_job => Ok(vec![at_path(file)?]),
            Ok(kept) => {
                let (name, version) = (&plugin.name, &last.semver);
                info!(
                    plugin = name,
                    version, "the version that ran last runs, not the file at its path"
                );
                let other = at_path(file).ok().filter(|_| is_news);
                Ok([kept].into_iter().chain(other).collect())
            }
            Err(error @ StateError::NotKept(_)) => {
                let file = file?;
                let may_run = said(&file).is_none_or(|it| it.event == Event::Promoted);
                if !may_run {
                    bail!(gone(plugin, &error));
                }
                let (name, error) = (&plugin.name, causes(&error));
                warn!(
                    plugin = name,
                    error, "the version that ran last is gone; the file at its path runs"
                );
                Ok(vec![at_path(Ok(file))?])
            }
            Err(error) => bail!(gone(plugin, &error)),
        }
    }
}

/// Where nothing good is known of what else could run.
fn gone(plugin: &PluginSpec, error: &StateError) -> String {
    format!(
        "{}: the version that ran last cannot be had ({}), and the file at its path is not known to be good; put a good one \
         there, or run it as it is with `--state off`",
        wiring::named(plugin),
        causes(error)
    )
}

/// The entry of the first version that there is of a plugin.
fn first(spec: &PluginSpec, plugin: &Plugin) -> Entry {
    Entry {
        version: Entry::FORM,
        at_ms: super::now_ms(),
        plugin: spec.name.clone(),
        semver: plugin.description().version.clone(),
        sha256: plugin.digest().to_owned(),
        event: Event::Promoted,
        from: None,
        by: Trigger::Start,
        reason: None,
        steps: Vec::new(),
    }
}

/// The plugins of `spec` as they run, or ran last, by the state in `folder`; by their files where there is none. Nothing is noted.
///
/// # Errors
/// Where one of them is none, or is not to be run.
pub(crate) fn as_they_run(
    spec: &PipelineSpec,
    folder: Option<&Path>,
    engine: &Engine,
) -> Result<Vec<Arc<Plugin>>> {
    let trust = wiring::trust(spec)?;
    let own = folder.map(|it| state::of_pipeline(it, &spec.name));
    let history = own.as_deref().map(state::read).transpose()?;
    let history = history.unwrap_or_default();
    let load = |plugin: &PluginSpec| -> Result<Arc<Plugin>> {
        let read = PluginFile::read(&plugin.path);
        let file = match (&own, Past::of(&history, &plugin.name).running()) {
            (Some(own), Some(last))
                if !read.as_ref().is_ok_and(|it| it.sha256() == last.sha256) =>
            {
                PluginFile::kept(&plugin.path, state::kept(own, &last.sha256)?)
            }
            _ => read?,
        };
        let loaded = file.load(engine, wiring::grants(plugin), trust.as_ref(), None)?;
        Ok(Arc::new(loaded))
    };
    let plugins = spec.plugins.iter();
    plugins
        .map(|plugin| load(plugin).with_context(|| wiring::named(plugin)))
        .collect()
}
