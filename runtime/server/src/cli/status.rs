//! The command line of `tamis status`.

use clap::Args;

use super::StateOption;
use super::plugin::live::pipeline;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis status msproject
  tamis status msproject --json | jq '.partitions[] | select(.lag > 1000)'
  tamis status --state /var/lib/tamis      all that run, as the health of a container has it

The process that runs the pipeline is asked at its control socket; docs/telemetry.md says what each number is.

Exit codes:
  0  it does its work; of several, all of them do
  1  it does not, and the first lines say why
  2  the command line is wrong, or no such pipeline runs")]
pub(crate) struct StatusArguments {
    /// The name of the pipeline, as its configuration says it; all that run by the state folder unless given
    #[arg(value_name = "PIPELINE", value_parser = pipeline)]
    pub(crate) pipeline: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateOption,
    /// Print all there is to say as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
