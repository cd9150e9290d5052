//! The command line of `tamis status`.

use clap::Args;

use super::plugin::live::PipelineArguments;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis status msproject
  tamis status msproject --json | jq '.partitions[] | select(.lag > 1000)'
  tamis status msproject --state /var/lib/tamis

The process that runs the pipeline is asked at its control socket; docs/telemetry.md says what each number is.

Exit codes:
  0  it does its work
  1  it does not, and the first lines say why
  2  the command line is wrong, or no such pipeline runs")]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// Print all there is to say as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
