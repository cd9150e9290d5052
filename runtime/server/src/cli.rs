//! The command line.

pub(crate) mod dead;
pub(crate) mod graph;
pub(crate) mod hold;
pub(crate) mod plugin;
pub(crate) mod status;
pub(crate) mod tap;
pub(crate) mod telemetry;
pub(crate) mod top;

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Reads logs from Kafka, passes them through WebAssembly plugins, writes them to the stores you chose.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to log on the standard error: error, warn, info, debug, or by module (tamis_connect=debug);
    /// info unless given, warn for the demo
    #[arg(long, global = true, env = "TAMIS_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,

    /// How it is logged: for people, or as a JSON object on each line
    #[arg(
        long,
        global = true,
        env = "TAMIS_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "human",
        hide_default_value = true
    )]
    pub(crate) log_format: LogFormat,

    /// Let a crash leave a core dump, and debuggers look in: both hold passwords and records
    #[arg(long, global = true, hide_short_help = true, env = "TAMIS_CORE_DUMPS", value_parser = FalseyValueParser::new())]
    pub(crate) core_dumps: bool,

    #[command(flatten, next_help_heading = "Compilation of plugins")]
    pub(crate) compiler: CompilerOptions,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether this is the process of the compiler, which this program starts itself.
    pub(crate) fn compiles(&self) -> bool {
        matches!(
            self.command,
            Command::Plugin(plugin::PluginCommand::Compile)
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Human,
    /// A JSON object on each line
    Json,
}

// No comment of documentation: it would be what the command is about.
#[derive(Debug, Args)]
pub(crate) struct CompilerOptions {
    /// Where compiled plugins are kept for the next start; a folder of your own, or `off`
    /// [default: ~/.cache/tamis/plugins]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        env = "TAMIS_PLUGIN_CACHE",
        value_name = "DIR"
    )]
    pub(crate) plugin_cache: Option<PathBuf>,
    /// Time on the processor that the compilation of one plugin may take
    #[arg(long, global = true, hide_short_help = true, env = "TAMIS_COMPILE_CPU_S", value_name = "SECONDS",
        default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) compile_cpu_s: u64,
    /// Memory that the compilation of one plugin may take
    #[arg(long, global = true, hide_short_help = true, env = "TAMIS_COMPILE_MEMORY_MIB", value_name = "MIB",
        default_value_t = 4096, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub(crate) compile_memory_mib: u64,
}

const AFTER_HELP: &str = "\
Examples:
  tamis demo                               see it work: no service needed
  tamis check pipeline.yaml                find all problems of a configuration
  tamis run pipeline.yaml                  run it; Ctrl-C drains and stops
  tamis top                                what runs here, live
  tamis plugin new my-plugin               begin a plugin of your own
  tamis dead list pipeline.yaml            what was refused, by whom and why

Exit codes:
  0  all is well
  1  a pipeline or a command failed; the last lines say why and what to do
  2  the command line or the configuration is wrong; nothing was started
  3  stopped before all records in flight were settled; they will be read again";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run pipelines until their input ends, or Ctrl-C
    Run(RunArguments),
    /// Find all problems of configurations without touching the world
    Check(CheckArguments),
    /// Say how a pipeline that runs is: whether it does its work, how far it is, what it did
    Status(status::StatusArguments),
    /// Look at pipelines that run: rates, lag, where records wait, what plugins and sinks take
    Top(top::TopArguments),
    /// Look at records as they pass a plugin: in front of it and behind it, side by side
    Tap(tap::TapArguments),
    /// Have a pipeline take no more records, without losing its place
    #[command(after_help = hold::AFTER_PAUSE)]
    Pause(hold::HoldArguments),
    /// Have a paused pipeline take records again
    #[command(after_help = hold::AFTER_RESUME)]
    Resume(hold::HoldArguments),
    /// Pause a pipeline, and wait until all that it took is settled and committed
    Drain(hold::DrainArguments),
    /// Draw the way of records through a pipeline, for Mermaid or Graphviz
    Graph(graph::GraphArguments),
    /// Print the JSON schema of configuration files, for editors
    #[command(after_help = "Example:\n  tamis schema > tamis.schema.json")]
    Schema,
    /// Run the main job on generated records and an in-process Kafka
    Demo(DemoArguments),
    /// Write, build, test and measure plugins
    #[command(subcommand, after_help = plugin::AFTER_HELP)]
    Plugin(plugin::PluginCommand),
    /// Look at dead letters, and send them again
    #[command(subcommand, after_help = dead::AFTER_HELP)]
    Dead(dead::DeadCommand),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  tamis completions bash > /etc/bash_completion.d/tamis")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis run msproject.yaml
  tamis run team-a.yaml team-b.yaml        several pipelines, each with its own fate
  tamis run --json files.yaml | jq .       the summary for a script
  tamis run --telemetry 127.0.0.1:9598 msproject.yaml
  TAMIS__SOURCE__KAFKA__GROUP=test tamis run msproject.yaml

The first Ctrl-C (or SIGTERM) takes no more records, settles those in flight and commits. The second
one stops at once: what was not settled is read again at the next start.")]
pub(crate) struct RunArguments {
    /// Configuration files, one pipeline each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print the summary as one JSON object for each pipeline
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) state: StateOption,
    #[command(flatten, next_help_heading = "Telemetry")]
    pub(crate) telemetry: telemetry::TelemetryOptions,
}

// No comment of documentation: it would be what the command is about.
#[derive(Debug, Args)]
pub(crate) struct StateOption {
    /// Where a process keeps the history of its pipelines' plugins and takes orders: a folder of your own, one for each
    /// process that runs the same pipeline, or `off` [default: ~/.local/state/tamis]
    #[arg(long, env = "TAMIS_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
}

impl StateOption {
    /// The folder that is given, or `off`.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.state.as_deref()
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis check pipeline.yaml
  tamis check --no-plugins *.yaml          where the plugins are not built")]
pub(crate) struct CheckArguments {
    /// Configuration files, one pipeline each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Do not load the plugins and try them on a sample
    #[arg(long)]
    pub(crate) no_plugins: bool,
    #[command(flatten, next_help_heading = "Telemetry")]
    pub(crate) telemetry: telemetry::TelemetryOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tamis demo                               until Ctrl-C
  tamis demo --records 200000 --json       ends by itself; the last line is the summary")]
pub(crate) struct DemoArguments {
    /// End after this many records; without it, after Ctrl-C
    #[arg(long)]
    pub(crate) records: Option<u64>,
    /// Print the summary as one JSON object, and no table
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the files go; a new folder for temporary files unless given
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Where the built plugins are: DIR/level-filter/level-filter.wasm and so on
    #[arg(long, value_name = "DIR", default_value = "plugins")]
    pub(crate) plugins: PathBuf,
    /// The same seed makes the same records
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
}

/// The completion script for `shell`.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tamis", &mut script);
    String::from_utf8(script).expect("completion scripts are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
