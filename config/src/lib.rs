//! Reads a pipeline's configuration: one YAML file is one pipeline.
//!
//! Three steps have three types, and two of them are here. **Parse** turns YAML, `TAMIS__…`
//! variables and `${…}` secrets into a tree whose shape is that of the schema; **check** turns the
//! tree into a [`PipelineSpec`]. Each reports all of its problems at once, with file, line and key
//! path. The third, **connect**, belongs to the crates that touch the world: here nothing is opened
//! but the file itself, the files that `${file:…}` names, and the folder entries of plugins.

mod check;
mod file;
#[cfg(any(test, fuzzing))]
pub mod oracle;
mod origin;
mod overrides;
mod problem;
mod raw;
mod reference;
mod secrets;
mod shape;
pub mod spec;
pub mod template;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use check::PluginFiles;
pub use problem::{Problem, Problems};
pub use reference::{reference, schema};
pub use spec::*;
pub use template::{Part, TIME_CONVERSIONS, Template};

/// Environment variables by name: a parameter, so that a test owns it.
pub type Environment = BTreeMap<String, String>;

/// Reads and checks the pipeline that the file at `path` describes.
pub fn load(
    path: &Path,
    environment: &Environment,
    plugin_files: PluginFiles,
) -> Result<PipelineSpec, Problems> {
    let text = file::read(path, file::CONFIGURATION_BYTES_MAX)
        .map_err(|error| Problems::one(path, None, error))?;
    load_text(&text, path, environment, plugin_files)
}

/// The settings of one plugin. There is no `Debug`: it would show secrets.
#[derive(Default)]
pub struct PluginSettings {
    /// As they are written, with names in the place of secrets: what may be shown and kept.
    pub written: serde_json::Map<String, serde_json::Value>,
    /// As the plugin gets them.
    pub expanded: serde_json::Map<String, serde_json::Value>,
    /// What `${…}` brought in.
    pub secrets: Vec<Secret>,
}

/// Reads the file at `path`, which has the settings of one plugin: what stands under `settings` in a pipeline.
pub fn load_settings(path: &Path, environment: &Environment) -> Result<PluginSettings, Problems> {
    let text = file::read(path, file::CONFIGURATION_BYTES_MAX)
        .map_err(|error| Problems::one(path, None, error))?;
    let absolute = absolute(path)?;
    let (mut tree, mut report) = file::parse(&text, path)?;
    let folder = absolute.parent().unwrap_or(&absolute);
    let written = tree.clone();
    secrets::expand(&mut tree, environment, folder, &mut report);
    report.end()?;
    let secrets = report.secrets_below("");
    match (written, tree) {
        (serde_json::Value::Object(written), serde_json::Value::Object(expanded)) => {
            Ok(PluginSettings {
                written,
                expanded,
                secrets,
            })
        }
        _ => Err(Problems::one(
            path,
            None,
            "has no settings: write them as in a pipeline, `name: value` on each line".to_owned(),
        )),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Problems> {
    std::path::absolute(path)
        .map_err(|error| Problems::one(path, None, format!("has no absolute path: {error}")))
}

/// Does what [`load`] does with the `text` of a file at `path`, which need not exist.
pub fn load_text(
    text: &str,
    path: &Path,
    environment: &Environment,
    plugin_files: PluginFiles,
) -> Result<PipelineSpec, Problems> {
    let absolute = absolute(path)?;
    let folder = absolute.parent().unwrap_or(&absolute);

    let (mut tree, mut report) = file::parse(text, path)?;
    overrides::apply(&mut tree, environment, &mut report);
    // The shape is checked before secrets are put in, so that no message about it can hold one.
    shape::check(&tree, &mut report);
    secrets::expand(&mut tree, environment, folder, &mut report);
    report.end()?;

    let raw = raw::RawPipeline::deserialize(tree).map_err(|_| {
        Problems::one(
            path,
            None,
            "does not fit its own schema; this is a bug".to_owned(),
        )
    })?;
    let spec = check::check(raw, folder, plugin_files, &mut report);
    report.end()?;
    Ok(spec)
}
