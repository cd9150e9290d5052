//! Tools of other languages: where they are looked for, files that they work on, how they are run.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The contract, for tools that make bindings of it.
pub(super) const WIT: &str = include_str!("../../../../../sdk/wit/v1.0.0/plugin.wit");

/// Folders `tools` beside this program or above it: where the repository installs them.
pub(super) fn beside_this_program() -> Vec<PathBuf> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let program = program.unwrap_or_default();
    let folders = program.ancestors().skip(1).map(|it| it.join("tools"));
    folders.filter(|folder| folder.is_dir()).collect()
}

/// Writes files, by their paths below `folder`.
pub(super) fn write(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// Runs `command` to its end; what it says goes where our own words do.
pub(super) fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        // Of a process whose output is read by another program nothing else may get there.
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// What `command` prints, without blanks around it; none where there is no such program, or it fails.
pub(super) fn printed(command: &mut Command) -> Result<Option<String>> {
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("cannot start a tool"),
    };
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success().then_some(text))
}
