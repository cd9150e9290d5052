//! Into which pipeline a plugin goes, and under which name.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tamis_config::{PipelineSpec, PluginFiles};

use crate::cli::plugin::dev::DevArguments;
use crate::cli::plugin::live::pipeline;
use crate::exit::Misuse;
use crate::plugin::live::Live;
use crate::run;

/// The pipeline.
pub(super) struct Destination {
    live: Live,
    /// As the command line says it.
    plugin: Option<String>,
    /// What its configuration says.
    spec: Option<PipelineSpec>,
}

/// What is to be deployed where.
pub(super) struct Order {
    pub(super) live: Live,
    pub(super) plugin: String,
    /// Absolute.
    pub(super) file: PathBuf,
}

impl Destination {
    /// The one with the name `named`, or with the configuration of this path.
    pub(super) fn find(named: &str, arguments: &DevArguments) -> Result<Self> {
        let spec = Path::new(named).is_file().then(|| {
            let environment = run::environment();
            // It may not have been built yet.
            let loaded =
                tamis_config::load(Path::new(named), &environment, PluginFiles::MayBeMissing);
            loaded.map_err(|problems| Misuse(problems.to_string()))
        });
        let spec = spec.transpose()?;
        let name = match &spec {
            Some(spec) => spec.name.clone(),
            None => pipeline(named).map_err(|_| {
                Misuse(format!(
                    "--pipeline {named}: there is no such file, nor is it the name of a pipeline"
                ))
            })?,
        };
        let plugin = arguments.plugin.clone();
        let destination = Self {
            live: Live::of(&name, &arguments.state)?,
            plugin,
            spec,
        };
        if let (Some(plugin), Some(spec)) = (&destination.plugin, &destination.spec)
            && spec.plugins.iter().all(|it| it.name != *plugin)
        {
            return Err(destination.no_plugin(spec, plugin));
        }
        Ok(destination)
    }

    /// What is to be done with `file`, a plugin that calls itself `name`.
    pub(super) fn order(&self, name: &str, file: PathBuf) -> Result<Order> {
        let plugin = match (&self.plugin, &self.spec) {
            (Some(plugin), _) => plugin.clone(),
            (None, None) => name.to_owned(),
            (None, Some(spec)) => {
                let same = |path: &Path| {
                    let real = |path: &Path| path.canonicalize().ok();
                    real(path).is_some_and(|path| real(&file) == Some(path))
                };
                let mut plugins = spec.plugins.iter();
                let found = plugins.clone().find(|plugin| same(&plugin.path));
                let found = found.or_else(|| plugins.find(|plugin| plugin.name == name));
                let found = found.ok_or_else(|| self.no_plugin(spec, name))?;
                found.name.clone()
            }
        };
        Ok(Order {
            live: self.live.clone(),
            plugin,
            file,
        })
    }

    fn no_plugin(&self, spec: &PipelineSpec, plugin: &str) -> anyhow::Error {
        let names: Vec<&str> = spec.plugins.iter().map(|it| &*it.name).collect();
        let (pipeline, names) = (&self.live.pipeline, names.join(", "));
        Misuse(format!(
            "pipeline {pipeline} has no plugin {plugin}; name one of its own with --plugin: {names}"
        ))
        .into()
    }
}
