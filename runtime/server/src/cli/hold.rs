//! The command line of `tamis pause`, `resume` and `drain`.

use clap::Args;

use super::plugin::live::PipelineArguments;

/// Examples of `tamis pause`.
pub(crate) const AFTER_PAUSE: &str = "\
Example:
  tamis pause msproject && tamis status msproject

No more records are taken; those in flight are settled and committed. A consumer keeps its partitions and stays a member of its
group, for as long as it is paused. A process that is started anew is not paused. docs/terminal.md says more.

Exit codes:
  0  done
  1  the pipeline is about to end
  2  the command line is wrong, or no such pipeline runs";

/// Examples of `tamis resume`.
pub(crate) const AFTER_RESUME: &str = "\
Example:
  tamis resume msproject                   takes records again, where it left off

Exit codes are those of `tamis pause`.";

#[derive(Debug, Args)]
pub(crate) struct HoldArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis drain msproject                    as `pause`, and waits until all is settled and committed
  tamis drain msproject --stop             then has it end, as SIGTERM does, and waits for that
  tamis drain msproject --timeout 600

It stays paused, also when it was not waited for: `tamis resume` takes records again.

Exit codes:
  0  all that was taken is settled and committed; with --stop the pipeline has ended
  1  the pipeline was resumed meanwhile, or ends
  2  the command line is wrong, or no such pipeline runs
  3  something is still in flight, or the end was not waited for; the last lines say so")]
pub(crate) struct DrainArguments {
    #[command(flatten)]
    pub(crate) of: PipelineArguments,
    /// How long to wait
    #[arg(long = "timeout", value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout_s: u64,
    /// Then end the pipeline; its process ends with its last one
    #[arg(long)]
    pub(crate) stop: bool,
}
