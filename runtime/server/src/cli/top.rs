//! The command line of `tamis top`.

use clap::Args;

use super::StateOption;
use super::plugin::live::pipeline;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis top                                all pipelines that run with the usual state folder
  tamis top msproject --state /var/lib/tamis
  tamis top --once                         one table, for a script or a mail

Keys:
  up, down   choose a pipeline             s  sort by name, rate or lag
  p          pause it, or resume it        q  quit; the pipelines go on

Rates are those between two looks. docs/terminal.md says what each column is.

Exit codes:
  0  it was ended
  1  the terminal cannot be used
  2  the command line is wrong, this is no terminal, or no such pipeline runs")]
pub(crate) struct TopArguments {
    /// The names of pipelines; all of them unless given
    #[arg(value_name = "PIPELINE", value_parser = pipeline)]
    pub(crate) pipelines: Vec<String>,
    #[command(flatten)]
    pub(crate) state: StateOption,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) interval: u64,
    /// Print one table, after one such time
    #[arg(long)]
    pub(crate) once: bool,
}
