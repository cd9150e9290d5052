//! What a pipeline is to run next: plugins that stay, and new ones, compiled, set and ready for every lane.

use std::sync::Arc;

use anyhow::{Context, Result};
use tamis_config::{PipelineSpec, PluginSpec};
use tamis_core::transform::Transform;
use tamis_core::{Link, NextChain, Trial};
use tamis_host::{Engine, Plugin, Probe};

use crate::plugin_file::PluginFile;
use crate::state::Trigger;
use crate::wiring;

/// One plugin that a pipeline is to have.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The present one with this index, as it is.
    Kept(usize),
    /// The code of the present one with this index, with other settings or limits.
    SetAnew(usize, PluginSpec),
    /// Other code.
    Other(PluginSpec, Arc<PluginFile>),
}

/// What is to run: what a [`Wanted`] chain became once it was compiled.
pub(super) struct Candidate {
    /// The pipeline that it makes.
    pub(super) spec: PipelineSpec,
    /// In the order of `spec.plugins`.
    pub(super) plugins: Vec<Part>,
    /// What the history is told of: its new plugins.
    pub(super) news: Vec<News>,
    /// Plugins that are no more.
    pub(super) removed: Vec<News>,
    /// The files of code that did not run before.
    pub(super) files: Vec<Arc<PluginFile>>,
    pub(super) by: Trigger,
    /// Whether a new configuration asked for it.
    pub(super) is_of_config: bool,
}

/// One plugin of a candidate.
pub(super) struct Part {
    pub(super) plugin: Arc<Plugin>,
    /// Where its present instances stay: their place in the present order.
    pub(super) kept: Option<usize>,
}

/// A version that takes the place of another under the name of a plugin.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) plugin: String,
    /// Empty while no one knows.
    pub(super) semver: String,
    pub(super) sha256: String,
    pub(super) from: Option<String>,
}

/// What runs.
pub(super) struct Running {
    pub(super) spec: PipelineSpec,
    /// In the order of `spec.plugins`.
    pub(super) plugins: Vec<Arc<Plugin>>,
}

impl Running {
    fn named(&self, name: &str) -> Option<&Arc<Plugin>> {
        let index = self.spec.plugins.iter().position(|it| it.name == name)?;
        Some(&self.plugins[index])
    }

    /// What the plugin calls itself that runs as `plugin`; `None` where the configuration now names another file for it, and so says
    /// what is to run there.
    fn own_name(&self, plugin: &PluginSpec) -> Option<&str> {
        let mut present = self.spec.plugins.iter().zip(&self.plugins);
        let is_it = |it: &PluginSpec| it.name == plugin.name && it.path == plugin.path;
        let (_, present) = present.find(|(it, _)| is_it(it))?;
        Some(&present.description().name)
    }

    /// The version that a plugin says it has; empty where there is none.
    pub(super) fn version_of(&self, name: &str) -> String {
        let plugin = self.named(name);
        plugin.map_or_else(String::new, |it| it.description().version.clone())
    }
}

impl News {
    /// What is new in `wanted`, as far as that is known before it is compiled.
    pub(super) fn of(running: &Running, wanted: &[Wanted]) -> Vec<Self> {
        let digest = |name: &str| running.named(name).map(|it| it.digest().to_owned());
        let new = wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Kept(_) => None,
            Wanted::SetAnew(index, spec) => {
                let sha256 = running.plugins[*index].digest().to_owned();
                Some((&spec.name, sha256))
            }
            Wanted::Other(spec, file) => Some((&spec.name, file.sha256())),
        });
        new.map(|(name, sha256)| Self {
            plugin: name.clone(),
            semver: String::new(),
            sha256,
            from: digest(name),
        })
        .collect()
    }
}

impl Candidate {
    /// Compiles what of `wanted` is new.
    pub(super) fn compile(
        running: &Running,
        spec: PipelineSpec,
        wanted: Vec<Wanted>,
        by: Trigger,
        engine: &Engine,
    ) -> Result<Self> {
        let trust = wiring::trust(&spec)?;
        let mut news = News::of(running, &wanted);
        let (mut parts, mut files) = (Vec::with_capacity(wanted.len()), Vec::new());
        for wanted in wanted {
            let (plugin, kept) = match wanted {
                Wanted::Kept(index) => (Arc::clone(&running.plugins[index]), Some(index)),
                Wanted::SetAnew(index, _) => (Arc::clone(&running.plugins[index]), None),
                Wanted::Other(plugin, file) => {
                    let grants = wiring::grants(&plugin);
                    // A person may go back to whatever ran.
                    let may_be_any = by == Trigger::Rollback;
                    let expected_name = running.own_name(&plugin).filter(|_| !may_be_any);
                    let loaded = file.load(engine, grants, trust.as_ref(), expected_name);
                    let loaded = loaded.with_context(|| format!("plugin {}", plugin.name))?;
                    files.push(file);
                    (Arc::new(loaded), None)
                }
            };
            parts.push(Part { plugin, kept });
        }
        let new = parts.iter().filter(|part| part.kept.is_none());
        for (news, part) in news.iter_mut().zip(new) {
            news.semver.clone_from(&part.plugin.description().version);
        }
        let is_gone = |name: &str| spec.plugins.iter().all(|it| it.name != name);
        let old = running.spec.plugins.iter().zip(&running.plugins);
        let removed = old.filter(|(old, _)| is_gone(&old.name));
        let removed = removed.map(|(old, plugin)| News {
            plugin: old.name.clone(),
            semver: plugin.description().version.clone(),
            sha256: plugin.digest().to_owned(),
            from: None,
        });
        Ok(Self {
            removed: removed.collect(),
            plugins: parts,
            news,
            files,
            by,
            is_of_config: by == Trigger::Config,
            spec,
        })
    }

    /// The names of the plugins that it is about, where `running` runs: those that are new or gone, or all where only their order is
    /// another.
    pub(super) fn names<'a>(&'a self, running: &'a Running) -> Vec<&'a str> {
        let changed = self.news.iter().chain(&self.removed);
        let changed: Vec<&str> = changed.map(|news| &*news.plugin).collect();
        match changed.is_empty() {
            true => running.spec.plugins.iter().map(|it| &*it.name).collect(),
            false => changed,
        }
    }

    /// Whether it is about `plugin`.
    pub(super) fn is_about(&self, running: &Running, plugin: &str) -> bool {
        self.names(running).contains(&plugin)
    }

    /// All its plugins, with their versions.
    pub(super) fn versions(&self) -> Vec<String> {
        let plugins = self.spec.plugins.iter().zip(&self.plugins);
        plugins
            .map(|(spec, part)| format!("{} {}", spec.name, part.plugin.version()))
            .collect()
    }

    /// How many of the first plugins are those that run, in their places.
    pub(super) fn first_new(&self) -> usize {
        let kept = self.plugins.iter().zip(0..);
        kept.take_while(|(part, index)| part.kept == Some(*index))
            .count()
    }

    /// An instance of each of the new plugins, with no settings yet.
    pub(super) fn instantiate(&self) -> Result<Vec<Probe>> {
        let probe = |(spec, plugin): (&PluginSpec, &Arc<Plugin>)| {
            let probe = plugin.probe(&wiring::limits(spec.limits));
            probe.with_context(|| format!("plugin {}", spec.name))
        };
        self.new_plugins().map(probe).collect()
    }

    /// Has `probes` take the settings of the plugins that they are of.
    pub(super) fn configure(&self, probes: Vec<Probe>) -> Result<()> {
        for ((spec, _), probe) in self.new_plugins().zip(probes) {
            let taken = probe.configure(&wiring::settings(spec));
            taken.with_context(|| format!("plugin {}", spec.name))?;
        }
        Ok(())
    }

    fn new_plugins(&self) -> impl Iterator<Item = (&PluginSpec, &Arc<Plugin>)> {
        let parts = self.spec.plugins.iter().zip(&self.plugins);
        let new = parts.filter(|(_, part)| part.kept.is_none());
        new.map(|(spec, part)| (spec, &part.plugin))
    }

    /// For each lane: what it goes on with. New plugins are instances that took their settings.
    pub(super) fn chains(&self, trial: Option<&Arc<Trial>>) -> Result<Vec<NextChain>> {
        let lane = |_| {
            let links = self.spec.plugins.iter().zip(&self.plugins);
            let links = links.map(|(spec, part)| match part.kept {
                Some(index) => Ok(Link::Kept(index)),
                None => instance(spec, &part.plugin).map(Link::New),
            });
            Ok(NextChain {
                links: links.collect::<Result<_>>()?,
                trial: trial.map(Arc::clone),
            })
        };
        (0..self.spec.limits.lanes).map(lane).collect()
    }

    /// What runs with it, where `present` is what ran: its sinks stay, and how swaps go, unless it came with another configuration.
    pub(super) fn into_running(self, present: &PipelineSpec) -> Running {
        let plugins = self.plugins.into_iter().map(|part| part.plugin);
        let mut spec = self.spec;
        spec.sinks.clone_from(&present.sinks);
        if !self.is_of_config {
            spec.swap = present.swap.clone();
        }
        Running {
            plugins: plugins.collect(),
            spec,
        }
    }
}

fn instance(spec: &PluginSpec, plugin: &Arc<Plugin>) -> Result<Box<dyn Transform>> {
    let instance = wiring::transform(spec, plugin);
    Ok(Box::new(
        instance.with_context(|| format!("plugin {}", spec.name))?,
    ))
}
