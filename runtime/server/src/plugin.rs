//! `tamis plugin`: what a plugin author needs.

mod bench;
mod build;
mod dev;
mod fuzz;
mod guest;
mod inspect;
mod keygen;
pub(crate) mod live;
mod new;
mod records;
mod replay;
mod sign;
mod test;
mod verify;

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use crate::cli::CompilerOptions;
use crate::cli::plugin::PluginCommand;
use crate::compiler;
use crate::exit::Exit;

pub(crate) fn run(command: &PluginCommand, options: &CompilerOptions) -> Exit {
    match command {
        PluginCommand::New(arguments) => new::run(arguments),
        PluginCommand::Build(arguments) => build::run(arguments, options),
        PluginCommand::Dev(arguments) => dev::run(arguments, options),
        PluginCommand::Inspect(arguments) => inspect::run(arguments, options),
        PluginCommand::Test(arguments) => test::run(arguments, options),
        PluginCommand::Bench(arguments) => bench::run(arguments, options),
        PluginCommand::Fuzz(arguments) => fuzz::run(arguments, options),
        PluginCommand::Keygen(arguments) => keygen::run(arguments),
        PluginCommand::Sign(arguments) => sign::run(arguments, options),
        PluginCommand::Verify(arguments) => verify::run(arguments, options),
        PluginCommand::Replay(arguments) => replay::run(arguments, options),
        PluginCommand::Deploy(arguments) => live::deploy(arguments),
        PluginCommand::Versions(arguments) => live::versions(arguments),
        PluginCommand::Promote(arguments) => live::promote(arguments),
        PluginCommand::Rollback(arguments) => live::rollback(arguments),
        PluginCommand::Compile => compiler::compile(options),
    }
}

/// Writes beside and renames, so that a running pipeline never sees half a plugin or signature.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = OsString::from(path);
    beside.push(".new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}

/// For how long something takes.
#[expect(
    clippy::disallowed_methods,
    reason = "authors are told what really passes, and no test can own that"
)]
fn now() -> Instant {
    Instant::now()
}
