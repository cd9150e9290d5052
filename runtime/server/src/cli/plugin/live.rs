//! The command line of what is done with the plugins of a pipeline that runs.

use std::path::PathBuf;

use clap::Args;

use crate::cli::StateOption;
use crate::control::Policy;

/// Which pipeline.
#[derive(Debug, Args)]
pub(crate) struct PipelineArguments {
    /// The name of the pipeline, as its configuration says it
    #[arg(value_name = "PIPELINE", value_parser = pipeline)]
    pub(crate) pipeline: String,
    #[command(flatten)]
    pub(crate) state: StateOption,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin deploy msproject mask mask/mask.wasm
  tamis plugin deploy msproject mask mask.wasm --promote manual     stop before it runs, for a person
  tamis plugin deploy msproject mask mask.wasm --state /var/lib/tamis --json

The process that runs the pipeline reads the file, and its signature FILE.minisig where there is one. Each step is shown as
it ends. Ctrl-C ends the waiting alone: what was begun goes on, and `tamis plugin versions` says how it ended.

Exit codes:
  0  it runs, or waits for a person as was asked for
  1  it was refused or taken back; the last lines say why, and what ran goes on
  2  the command line is wrong, or no such pipeline runs; nothing was changed
  3  not waited for")]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// The name of the plugin in the pipeline
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// The wasm file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// When it takes the place of the one that runs; as the configuration says unless given
    #[arg(long, value_name = "WHEN")]
    pub(crate) promote: Option<Policy>,
    /// Print what comes of it as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin versions msproject
  tamis plugin versions msproject mask
  tamis plugin versions msproject --json | jq -r 'select(.event == \"refused\").reason'

They are read from the history in the state folder, be it that the pipeline runs or not. Exit code 2 says that there is none.")]
pub(crate) struct VersionsArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// Only those of this plugin
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: Option<String>,
    /// Print each entry of the history as one JSON object, oldest first
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tamis plugin promote msproject mask      the version that `tamis plugin versions` says waits for a person

Exit codes are those of `tamis plugin deploy`.")]
pub(crate) struct PromoteArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// The name of the plugin in the pipeline
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tamis plugin rollback msproject mask     to the version that `tamis plugin versions` says ran before

Exit codes are those of `tamis plugin deploy`.")]
pub(crate) struct RollbackArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// The name of the plugin in the pipeline
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
}

/// The name of a folder in the state folder, and nothing that leads elsewhere.
pub(crate) fn pipeline(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.starts_with('.') || text.contains('/') {
        return Err("expected the name that the configuration gives it at `pipeline:`, not a file");
    }
    Ok(text.to_owned())
}
