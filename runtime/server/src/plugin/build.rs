//! `tamis plugin build`: from the folder of a plugin, in one of several languages, to a wasm file that was loaded once.

mod javascript;
mod python;
mod rust;
mod toolchain;
mod tools;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use tamis_host::{Engine, Grants, Plugin};

use super::replace;
use crate::cli::CompilerOptions;
use crate::cli::plugin::BuildArguments;
use crate::compiler;
use crate::exit::{self, Exit};

pub(super) use javascript::pins as npm_tools;

/// A plugin as its language's own tools made it.
struct Made {
    name: String,
    wasm: Vec<u8>,
}

/// A language of plugins.
#[derive(Debug)]
struct Language {
    /// What the folder of a plugin in it has.
    manifest: &'static str,
    /// Makes a plugin of the folder with such a manifest.
    build: fn(&Path) -> Result<Made>,
    /// What is written meanwhile in that folder, or around it.
    makes: fn(&Path) -> Result<Vec<PathBuf>>,
}

/// The first one whose manifest is there counts.
const LANGUAGES: [Language; 3] = [
    Language {
        manifest: "Cargo.toml",
        build: rust::build,
        makes: |manifest| Ok(vec![rust::target_folder(manifest)?]),
    },
    Language {
        manifest: "pyproject.toml",
        build: python::build,
        makes: |_| Ok(Vec::new()),
    },
    Language {
        manifest: "package.json",
        build: javascript::build,
        makes: |_| Ok(Vec::new()),
    },
];

pub(super) fn run(arguments: &BuildArguments, options: &CompilerOptions) -> Exit {
    match build(arguments, options) {
        Ok(()) => Exit::Done,
        Err(error) => exit::failed(&error),
    }
}

fn build(arguments: &BuildArguments, options: &CompilerOptions) -> Result<()> {
    let engine = || compiler::engine(options);
    let project = Project::find(&arguments.folder, arguments.output.as_deref())?;
    let built = project.build(engine)?;
    built.put()?;
    eprintln!("{}: {built}", built.output.display());
    Ok(())
}

/// The folder of a plugin, and what is known of it before it is built.
#[derive(Debug, Clone)]
pub(super) struct Project {
    folder: PathBuf,
    manifest: PathBuf,
    language: &'static Language,
    output: Option<PathBuf>,
}

/// A plugin that was compiled and loaded, and lies nowhere yet.
pub(super) struct Built {
    pub(super) plugin: Arc<Plugin>,
    bytes: Vec<u8>,
    /// Where it is to lie.
    pub(super) output: PathBuf,
}

impl Project {
    /// The one in `folder`, which is to be written to `output` or beside its manifest.
    pub(super) fn find(folder: &Path, output: Option<&Path>) -> Result<Self> {
        let is_there = |it: &&Language| folder.join(it.manifest).is_file();
        let Some(language) = LANGUAGES.iter().find(is_there) else {
            let names = LANGUAGES.each_ref().map(|it| it.manifest).join(", ");
            let folder = folder.display();
            bail!("{folder} has none of {names}: name the plugin's folder")
        };
        Ok(Self {
            folder: folder.to_owned(),
            manifest: folder.join(language.manifest).canonicalize()?,
            language,
            output: output.map(Path::to_owned),
        })
    }

    /// Folders that change while it is built.
    pub(super) fn makes(&self) -> Result<Vec<PathBuf>> {
        (self.language.makes)(&self.manifest)
    }

    /// Compiles it, and loads it once on an `engine`.
    pub(super) fn build(&self, engine: impl FnOnce() -> Result<Engine>) -> Result<Built> {
        let Made { name, wasm } = (self.language.build)(&self.manifest)?;
        let output = self.output.clone();
        let output = output.unwrap_or_else(|| self.folder.join(format!("{name}.wasm")));
        let file = output.display().to_string();
        // All capabilities: whether a pipeline grants them is its own affair.
        let plugin = Plugin::from_bytes(&engine()?, &file, &wasm, Grants { clock: true })?;
        Ok(Built {
            plugin: Arc::new(plugin),
            bytes: wasm,
            output,
        })
    }
}

impl Built {
    /// Lays it where it is to lie.
    pub(super) fn put(&self) -> Result<()> {
        let output = &self.output;
        replace(output, &self.bytes).with_context(|| format!("cannot write {}", output.display()))
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = self.plugin.description();
        let (name, version) = (&description.name, &description.version);
        write!(
            f,
            "{name} {version}, {} KiB",
            self.bytes.len().div_ceil(1024)
        )
    }
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
