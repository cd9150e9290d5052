//! `tamis`, the program: command line, wiring, and what a person sees.

mod check;
mod cli;
mod demo;
mod exit;
mod plugin;
mod run;
mod summary;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, PluginCommand};
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logs(&cli);
    let exit = match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Schema => print(&tamis_config::schema()),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Plugin(PluginCommand::Build(arguments)) => plugin::build::run(&arguments),
        Command::Plugin(PluginCommand::Inspect(arguments)) => plugin::inspect::run(&arguments),
        Command::Completions { shell } => print(&cli::completions(shell)),
    };
    exit.into()
}

/// Logs go to the standard error, so that the standard output stays for results.
fn start_logs(cli: &Cli) {
    use tracing_subscriber::EnvFilter;

    // A line of the log would tear the demo's table.
    let usual = if matches!(cli.command, Command::Demo(_)) {
        "warn"
    } else {
        "info"
    };
    let wanted = cli.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        eprintln!("--log {wanted}: {error}; taking {usual}");
        EnvFilter::new(usual)
    });
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(filter)
        .with_target(false)
        .init();
}

/// Writes a result to the standard output. A reader that went away early (`| head`) is no failure.
fn print(text: &str) -> Exit {
    use std::io::Write;

    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => exit::failed(&error.into()),
    }
}
