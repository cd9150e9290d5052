//! `tamis`, the program: command line, wiring, and what a person sees.

mod check;
mod cli;
mod compiler;
mod control;
mod core_dumps;
mod dead;
mod demo;
mod difference;
mod exit;
mod failpoint;
mod fields;
mod graph;
mod hold;
mod plugin;
mod plugin_file;
mod run;
mod stamp;
mod state;
mod status;
mod summary;
mod swap;
mod table;
mod tap;
mod telemetry;
mod top;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::dead::DeadCommand;
use crate::cli::{Cli, Command, LogFormat};
use crate::exit::Exit;
use crate::failpoint::Failpoint;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The compiler has no secrets, and limits itself.
    if !cli.core_dumps
        && !cli.compiles()
        && let Err(error) = core_dumps::forbid()
    {
        eprintln!(
            "error: core dumps, which would hold secrets, cannot be turned off: {error}; --core-dumps allows them"
        );
        return Exit::Failed.into();
    }
    let failpoint = match failpoint::from_environment() {
        Ok(failpoint) => failpoint,
        Err(reason) => {
            eprintln!("{reason}");
            return Exit::Usage.into();
        }
    };
    start_logs(&cli, failpoint);
    let compiler = &cli.compiler;
    let exit = match cli.command {
        Command::Run(arguments) => run::run(&arguments, compiler),
        Command::Status(arguments) => status::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Tap(arguments) => tap::run(&arguments),
        Command::Pause(arguments) => hold::ask_pause(&arguments),
        Command::Resume(arguments) => hold::ask_resume(&arguments),
        Command::Drain(arguments) => hold::ask_drain(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Check(arguments) => check::check(&arguments, compiler),
        Command::Schema => print(&tamis_config::schema()),
        Command::Demo(arguments) => demo::run(&arguments, compiler),
        Command::Plugin(command) => plugin::run(&command, compiler),
        Command::Dead(DeadCommand::List(arguments)) => dead::list::run(&arguments),
        Command::Dead(DeadCommand::Show(arguments)) => dead::show::run(&arguments),
        Command::Dead(DeadCommand::Replay(arguments)) => dead::replay::run(&arguments, compiler),
        Command::Completions { shell } => print(&cli::completions(shell)),
    };
    exit.into()
}

/// Logs go to the standard error, so that the standard output stays for results.
fn start_logs(cli: &Cli, failpoint: Option<Failpoint>) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    use tracing_subscriber::{EnvFilter, Layer as _};

    // A line of the log would tear the demo's table.
    let usual = if matches!(cli.command, Command::Demo(_)) {
        "warn"
    } else {
        "info"
    };
    let wanted = cli.log.as_deref().unwrap_or(usual);
    let (filter, misread) = match EnvFilter::try_new(wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(usual), Some(error)),
    };
    let always = format!("{}=error", exit::MUST_ACT);
    let filter = filter.add_directive(always.parse().expect("it is a directive"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    let lines = match cli.log_format {
        LogFormat::Human => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(failpoint.map(Failpoint::layer))
        .init();
    exit::logs(cli.log_format);
    if let Some(error) = misread {
        exit::say(format_args!("--log {wanted}: {error}; taking {usual}"));
    }
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
