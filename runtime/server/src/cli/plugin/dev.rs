//! The command line of `tamis plugin dev`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::StateOption;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis plugin dev mask                                   build and test at each change
  tamis plugin dev mask --pipeline msproject              and deploy into the pipeline that runs
  tamis plugin dev mask --pipeline msproject.yaml --plugin redact

At each change of a file in the folder, beside target and what is built, the plugin is compiled and its cases are tried. What
passes is written to the wasm file, and deployed. What fails is written and deployed nowhere. A version that is still on
probation gives way to the next one: it is taken back first. Ctrl-C ends it at once; what was deployed stays, and a probation
goes on.

In the pipeline it is the plugin whose path in CONFIG is that of the wasm file, or else the one with the name that it gives itself.")]
pub(crate) struct DevArguments {
    /// The folder of the plugin
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The pipeline to deploy it into: its name, or its configuration
    #[arg(long, value_name = "NAME|CONFIG")]
    pub(crate) pipeline: Option<String>,
    /// The name of the plugin in the pipeline
    #[arg(long, value_name = "NAME", requires = "pipeline")]
    pub(crate) plugin: Option<String>,
    /// Where to write it; DIR/PACKAGE.wasm unless given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) state: StateOption,
}
