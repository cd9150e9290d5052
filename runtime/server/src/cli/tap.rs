//! The command line of `tamis tap`.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::plugin::live::PipelineArguments;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis tap msproject                                   what comes in, and what goes to the sinks
  tamis tap msproject mask                              in front of the plugin `mask`, and behind it
  tamis tap msproject mask --fate reject,drop           only what does not go on
  tamis tap msproject mask --filter timeout             only records with this text, in front or behind
  tamis tap msproject mask --filter /Type=error         only those with this field
  tamis tap msproject --count 20 --json | jq .record.before

Between the two sides stands what is different: `~` another value, `+` what is new, `-` what is gone. It shows some records a
second and passes over the others; the pipeline does not wait. It shows what records hold: the control socket is for the owner
of the process and root. Ctrl-C ends it, and then it costs nothing any more.

Exit codes:
  0  it was ended, or has shown as many as were asked for
  1  the pipeline has ended, or has no such plugin
  2  the command line is wrong, or no such pipeline runs")]
pub(crate) struct TapArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// The name of the plugin in the pipeline; all of them together unless given
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: Option<String>,
    /// Only records of which this became
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FATE")]
    pub(crate) fate: Vec<Fate>,
    /// Only records with this text, or with this field as /POINTER=VALUE, in front or behind
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// End after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// How many a second, at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rate: u32,
    /// Print each record as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It goes on as it is
    Keep,
    /// It is filtered out
    Drop,
    /// Something else goes on in its place
    Emit,
    /// It is refused, and becomes a dead letter
    Reject,
}

impl Fate {
    /// As the command line has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Emit => "emit",
            Self::Reject => "reject",
        }
    }
}
