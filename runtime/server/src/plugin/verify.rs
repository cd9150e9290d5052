//! `tamis plugin verify`: whether a pipeline that trusts a key would load a plugin.

use anyhow::{Context, Error, Result};
use tamis_host::{Grants, Trust};

use crate::cli::CompilerOptions;
use crate::cli::plugin::trust::VerifyArguments;
use crate::compiler;
use crate::exit::{self, Exit, Misuse};
use crate::plugin_file::PluginFile;

pub(super) fn run(arguments: &VerifyArguments, options: &CompilerOptions) -> Exit {
    exit::of(verify(arguments, options))
}

fn verify(arguments: &VerifyArguments, options: &CompilerOptions) -> Result<Exit> {
    let trust = trust(arguments)?;
    let engine = compiler::engine(options)?;
    let mut exit = Exit::Done;
    for path in &arguments.files {
        let loaded = PluginFile::read(path)
            .map_err(Error::from)
            .and_then(|file| file.load(&engine, Grants { clock: true }, Some(&trust), None));
        match loaded {
            Ok(plugin) => {
                let description = plugin.description();
                let (name, version) = (&description.name, &description.version);
                eprintln!("{}: {name} {version}, signed", path.display());
            }
            Err(error) => exit = exit::failed(&error),
        }
    }
    Ok(exit)
}

fn trust(arguments: &VerifyArguments) -> Result<Trust> {
    let text = match (&arguments.key, &arguments.key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| path.display().to_string())
            .map_err(|error| Misuse(format!("{error:#}")))?,
        (None, None) => unreachable!("the command line has one of them"),
    };
    // The file has a comment before it.
    let key = text.lines().last().unwrap_or_default().trim();
    Trust::new(&[key]).map_err(|error| Misuse(error.to_string()).into())
}
