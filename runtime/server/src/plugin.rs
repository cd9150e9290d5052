//! `tamis plugin`: what a plugin author needs.

mod bench;
mod build;
mod fuzz;
mod guest;
mod inspect;
mod new;
mod records;
mod test;
mod toolchain;

use std::time::Instant;

use crate::cli::plugin::PluginCommand;
use crate::exit::Exit;

pub(crate) fn run(command: &PluginCommand) -> Exit {
    match command {
        PluginCommand::New(arguments) => new::run(arguments),
        PluginCommand::Build(arguments) => build::run(arguments),
        PluginCommand::Inspect(arguments) => inspect::run(arguments),
        PluginCommand::Test(arguments) => test::run(arguments),
        PluginCommand::Bench(arguments) => bench::run(arguments),
        PluginCommand::Fuzz(arguments) => fuzz::run(arguments),
    }
}

/// For how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "authors are told what really passes, and no test can own that"
)]
fn now() -> Instant {
    Instant::now()
}
