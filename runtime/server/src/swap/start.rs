//! With which versions a pipeline starts: those that ran last, whatever lies at their paths by now.

use std::sync::Arc;

use anyhow::{Context, Result};
use tamis_config::{PipelineSpec, PluginSpec};
use tamis_core::causes;
use tamis_host::{Engine, Plugin};
use tracing::{info, warn};

use crate::plugin_file::{PluginFile, refuse_downgrade};
use crate::state::{Entry, Event, State, Trigger};
use crate::wiring::{self, Lanes};

/// A pipeline whose plugins are there.
pub(crate) struct Started {
    pub(crate) spec: PipelineSpec,
    /// In the order of `spec.plugins`.
    pub(crate) plugins: Vec<Arc<Plugin>>,
    pub(crate) state: Option<State>,
}

impl Started {
    /// Compiles the plugins of `spec`.
    ///
    /// # Errors
    /// Where one of them is none, or is not to be run.
    pub(crate) fn load(
        spec: PipelineSpec,
        mut state: Option<State>,
        engine: &Engine,
    ) -> Result<Self> {
        let trust = wiring::trust(&spec)?;
        let mut plugins = Vec::with_capacity(spec.plugins.len());
        for plugin in &spec.plugins {
            let (file, ran_last) = file(plugin, state.as_ref())?;
            let loaded = file.load(engine, wiring::grants(plugin), trust.as_ref(), None);
            let loaded = loaded.with_context(|| {
                let from = if ran_last { FROM_STATE } else { "" };
                format!("plugin {} ({}){from}", plugin.name, plugin.path.display())
            })?;
            if let Some(state) = state.as_mut().filter(|_| !ran_last) {
                let (newest, version) = (state.newest(&plugin.name), &loaded.description().version);
                refuse_downgrade(spec.trust.as_ref(), version, newest)
                    .with_context(|| format!("plugin {}", plugin.name))?;
                keep(state, plugin, &file, &loaded)?;
            }
            plugins.push(Arc::new(loaded));
        }
        Ok(Self {
            spec,
            plugins,
            state,
        })
    }

    /// For each lane an instance of each of them.
    pub(crate) fn instances(&self) -> Result<Lanes> {
        wiring::instances(&self.spec, &self.plugins)
    }
}

const FROM_STATE: &str = " as it ran last; `--state off` runs the file as it is";

/// The file to run as `plugin`, and whether its version ran last.
fn file(plugin: &PluginSpec, state: Option<&State>) -> Result<(PluginFile, bool)> {
    let read = PluginFile::read(&plugin.path);
    let Some((state, last)) = state.and_then(|it| Some((it, it.running(&plugin.name)?))) else {
        return Ok((read?, false));
    };
    match read {
        Ok(file) if file.sha256() == last.sha256 => return Ok((file, true)),
        Ok(_) | Err(_) => {}
    }
    match state.kept(&last.sha256) {
        Ok(kept) => {
            let (name, version) = (&plugin.name, &last.semver);
            info!(
                plugin = name,
                version, "the version that ran last runs, not the file at its path"
            );
            Ok((PluginFile::kept(&plugin.path, kept), true))
        }
        Err(error) => {
            let (name, error) = (&plugin.name, causes(&error));
            warn!(
                plugin = name,
                error, "the version that ran last is gone; the file at its path runs"
            );
            Ok((read?, false))
        }
    }
}

/// Notes the first version that there is of `plugin`.
fn keep(state: &mut State, spec: &PluginSpec, file: &PluginFile, plugin: &Plugin) -> Result<()> {
    state
        .keep(plugin.digest(), &file.bytes, file.signature.as_deref())
        .context("the state folder takes no file")?;
    state.note(Entry {
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
    })?;
    Ok(())
}
