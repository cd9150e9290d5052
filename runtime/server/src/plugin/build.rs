//! `tamis plugin build`: from the folder of a plugin, in one of several languages, to a wasm file that was loaded once.

mod javascript;
mod python;
mod rust;
mod toolchain;
mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tamis_host::{Grants, Plugin};

use super::replace;
use crate::cli::CompilerOptions;
use crate::cli::plugin::BuildArguments;
use crate::compiler;
use crate::exit::{self, Exit};

pub(super) use javascript::pins as npm_tools;

/// A plugin as its language's own tools made it.
struct Built {
    name: String,
    wasm: Vec<u8>,
}

/// What makes a plugin of the folder with a manifest.
type Build = fn(&Path) -> Result<Built>;

/// How the folder of a plugin is known, and what builds it; the first manifest that is there counts.
const LANGUAGES: [(&str, Build); 3] = [
    ("Cargo.toml", rust::build),
    ("pyproject.toml", python::build),
    ("package.json", javascript::build),
];

pub(super) fn run(arguments: &BuildArguments, options: &CompilerOptions) -> Exit {
    match build(arguments, options) {
        Ok(()) => Exit::Done,
        Err(error) => exit::failed(&error),
    }
}

fn build(arguments: &BuildArguments, options: &CompilerOptions) -> Result<()> {
    let (manifest, build) = manifest(&arguments.folder)?;
    let Built { name, wasm } = build(&manifest)?;
    let output = arguments
        .output
        .clone()
        .unwrap_or_else(|| arguments.folder.join(format!("{name}.wasm")));
    // All capabilities: whether a pipeline grants them is its own affair.
    let engine = compiler::engine(options)?;
    let file = output.display().to_string();
    let plugin = Plugin::from_bytes(&engine, &file, &wasm, Grants { clock: true })?;
    replace(&output, &wasm).with_context(|| format!("cannot write {}", output.display()))?;
    let (name, version) = (&plugin.description().name, &plugin.description().version);
    let kib = wasm.len().div_ceil(1024);
    eprintln!("{}: {name} {version}, {kib} KiB", output.display());
    Ok(())
}

fn manifest(folder: &Path) -> Result<(PathBuf, Build)> {
    for (file, build) in LANGUAGES {
        let manifest = folder.join(file);
        if manifest.is_file() {
            return Ok((manifest.canonicalize()?, build));
        }
    }
    let names = LANGUAGES.map(|(file, _)| file).join(", ");
    let folder = folder.display();
    bail!("{folder} has none of {names}: name the plugin's folder")
}

/// The name of a plugin, which becomes that of its file.
fn checked_name<'n>(manifest: &Path, name: Option<&'n str>) -> Result<&'n str> {
    let manifest = manifest.display();
    let name = name.with_context(|| format!("{manifest} has no name"))?;
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name =
        name.bytes().all(is_legal) && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    ensure!(
        is_name,
        "{manifest}: {name:?} is no name for a plugin: letters, digits, dashes, such as mask-phones"
    );
    Ok(name)
}
