//! The plugins of a replay: those that all records pass, and the two ways from there on.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use tamis_config::{OnQuarantine, PipelineSpec, PluginSpec};
use tamis_core::batch::Batch;
use tamis_core::shadow::Comparison;
use tamis_core::transform::Transform;
use tamis_host::{Engine, Plugin};

use super::measured::Measured;
use crate::cli::CompilerOptions;
use crate::cli::plugin::replay::ReplayArguments;
use crate::plugin::guest;
use crate::plugin_file::PluginFile;
use crate::{compiler, state, swap, wiring};

/// Fresh instances, apart from any that run.
pub(super) struct Chains {
    before: Vec<Measured>,
    /// The plugin as it is, and those behind it.
    old: Vec<Measured>,
    /// The new version, and those behind it.
    new: Vec<Measured>,
}

impl Chains {
    /// Compiles and starts the plugins of `spec`, of which the one at `index` is the one in question.
    ///
    /// # Errors
    /// Where one of them is none, is not to be trusted, or refuses its settings.
    pub(super) fn load(
        arguments: &ReplayArguments,
        options: &CompilerOptions,
        spec: &PipelineSpec,
        index: usize,
    ) -> Result<Self> {
        let engine = compiler::engine(options)?;
        let trust = wiring::trust(spec)?;
        let load = |spec: &PluginSpec, path: &Path| -> Result<Arc<Plugin>> {
            let file = PluginFile::read(path)?;
            let loaded = file.load(&engine, wiring::grants(spec), trust.as_ref(), None);
            Ok(Arc::new(
                loaded.with_context(|| format!("plugin {}", spec.name))?,
            ))
        };
        let plugin = &spec.plugins[index];
        let plugins = match &arguments.old {
            None => as_they_run(arguments, spec, &engine)?,
            Some(old) => {
                // What runs in its place does not matter.
                let mut others = spec.clone();
                others.plugins.remove(index);
                let mut plugins = as_they_run(arguments, &others, &engine)?;
                plugins.insert(index, load(plugin, old)?);
                plugins
            }
        };
        let running: Vec<_> = spec.plugins.iter().zip(plugins).collect();
        let mut candidate = plugin.clone();
        if let Some(settings) = &arguments.settings {
            let settings = guest::settings(Some(settings))?;
            candidate.settings = Value::Object(settings.expanded);
            candidate.secrets = settings.secrets;
        }
        let new = load(&candidate, &arguments.new)?;
        let others = running[index + 1..].iter().cloned();
        let changed: Vec<_> = [(&candidate, new)].into_iter().chain(others).collect();
        Ok(Self {
            before: start(&running[..index])?,
            old: start(&running[index..])?,
            new: start(&changed).context("the new version")?,
        })
    }

    /// Takes `batch` both ways.
    pub(super) fn take(&mut self, comparison: &mut Comparison, batch: Batch) {
        let Self { before, old, new } = self;
        comparison.add(&mut each(before), &mut each(old), &mut each(new), batch);
    }

    /// The version that is compared with, and the one in question.
    pub(super) fn versions(&self) -> [&Measured; 2] {
        [&self.old[0], &self.new[0]]
    }

    /// Which plugin can go on no longer, and why.
    pub(super) fn given_up(&self) -> Option<String> {
        let sides = [("", &self.before), ("", &self.old), ("the new ", &self.new)];
        sides.into_iter().find_map(|(side, stages)| {
            let mut given_up = stages.iter().filter_map(|stage| {
                let (reason, of) = (stage.given_up.as_ref()?, stage.stage());
                Some(format!("{side}{} {}: {reason}", of.name, of.version))
            });
            given_up.next()
        })
    }
}

/// The plugins of `spec`: those that run, as far as that is known.
fn as_they_run(
    arguments: &ReplayArguments,
    spec: &PipelineSpec,
    engine: &Engine,
) -> Result<Vec<Arc<Plugin>>> {
    let folder = state::chosen(arguments.state.folder(), |name| std::env::var_os(name));
    swap::as_they_run(spec, folder.as_deref(), engine)
}

fn start(plugins: &[(&PluginSpec, Arc<Plugin>)]) -> Result<Vec<Measured>> {
    let start = |(spec, plugin): &(&PluginSpec, Arc<Plugin>)| {
        let spec = PluginSpec {
            // One that is given up is what a person wants to know, whatever the pipeline does then.
            on_quarantine: OnQuarantine::Stop,
            ..(*spec).clone()
        };
        let stage = wiring::transform(&spec, plugin);
        let stage = stage.with_context(|| format!("plugin {} {}", spec.name, plugin.version()))?;
        Ok(Measured::new(stage, Arc::clone(plugin)))
    };
    plugins.iter().map(start).collect()
}

fn each(stages: &mut [Measured]) -> Vec<&mut dyn Transform> {
    let each = stages.iter_mut();
    each.map(|stage| stage as &mut dyn Transform).collect()
}
