//! `tamis plugin`: what a plugin author needs.

mod bench;
mod build;
mod fuzz;
mod guest;
mod inspect;
mod live;
mod new;
mod records;
mod test;
mod toolchain;

use std::time::Instant;

use crate::cli::CompilerOptions;
use crate::cli::plugin::PluginCommand;
use crate::compiler;
use crate::exit::Exit;

pub(crate) fn run(command: &PluginCommand, options: &CompilerOptions) -> Exit {
    match command {
        PluginCommand::New(arguments) => new::run(arguments),
        PluginCommand::Build(arguments) => build::run(arguments, options),
        PluginCommand::Inspect(arguments) => inspect::run(arguments, options),
        PluginCommand::Test(arguments) => test::run(arguments, options),
        PluginCommand::Bench(arguments) => bench::run(arguments, options),
        PluginCommand::Fuzz(arguments) => fuzz::run(arguments, options),
        PluginCommand::Deploy(arguments) => live::deploy(arguments),
        PluginCommand::Versions(arguments) => live::versions(arguments),
        PluginCommand::Promote(arguments) => live::promote(arguments),
        PluginCommand::Rollback(arguments) => live::rollback(arguments),
        PluginCommand::Compile => compiler::compile(options),
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
