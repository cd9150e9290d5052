//! `tamis plugin build`: from a folder with a Cargo.toml to a wasm file that was loaded once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tamis_host::{Engine, Grants, Plugin};

use super::replace;
use super::toolchain::{self, TARGET, Toolchain};
use crate::cli::CompilerOptions;
use crate::cli::plugin::BuildArguments;
use crate::compiler;
use crate::exit::{self, Exit};

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
    toolchain: Toolchain,
    /// Where cargo makes what it makes.
    pub(super) target_folder: PathBuf,
    output: Option<PathBuf>,
}

/// A plugin that was compiled and loaded, and lies nowhere yet but among what cargo made.
pub(super) struct Built {
    pub(super) plugin: Arc<Plugin>,
    bytes: Vec<u8>,
    /// Where it is to lie.
    pub(super) output: PathBuf,
}

impl Project {
    /// The one in `folder`, which is to be written to `output` or beside its manifest.
    pub(super) fn find(folder: &Path, output: Option<&Path>) -> Result<Self> {
        let manifest = folder.join("Cargo.toml");
        ensure!(
            manifest.is_file(),
            "{} does not exist: name the plugin's folder",
            manifest.display()
        );
        let manifest = manifest.canonicalize()?;
        let toolchain = toolchain::find()?;
        Ok(Self {
            folder: folder.to_owned(),
            target_folder: target_folder(&toolchain, &manifest)?,
            manifest,
            toolchain,
            output: output.map(Path::to_owned),
        })
    }

    /// Compiles it, and loads it once on an `engine`.
    pub(super) fn build(&self, engine: impl FnOnce() -> Result<Engine>) -> Result<Built> {
        let artifact = compile(&self.toolchain, &self.manifest, &self.target_folder)?;
        let name = artifact
            .file_stem()
            .context("a wasm file has a name")?
            .to_string_lossy();
        let file = format!("{}.wasm", name.replace('_', "-"));
        let output = self.output.clone();
        let output = output.unwrap_or_else(|| self.folder.join(file));
        let bytes = std::fs::read(&artifact)?;
        // All capabilities: whether a pipeline grants them is its own affair.
        let plugin = Plugin::load(&engine()?, &artifact, Grants { clock: true })?;
        Ok(Built {
            plugin: Arc::new(plugin),
            bytes,
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

/// A folder of its own below the workspace's: all plugins share their dependencies, and native builds are left alone.
fn target_folder(toolchain: &Toolchain, manifest: &Path) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo();
    cargo
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(manifest);
    let metadata: Value = serde_json::from_slice(&output(&mut cargo)?)?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo names no target folder")?;
    Ok(Path::new(folder).join("wasm"))
}

/// The wasm file that cargo made of the package.
fn compile(toolchain: &Toolchain, manifest: &Path, target_folder: &Path) -> Result<PathBuf> {
    let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    flags.push_str(" -C target-feature=+simd128");
    let mut cargo = toolchain.cargo();
    cargo
        .args(["build", "--release", "--target", TARGET])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target_folder)
        .args(toolchain.build_arguments())
        .env("RUSTFLAGS", flags.trim_start())
        // Plugins are small and run for long.
        .env("CARGO_PROFILE_RELEASE_LTO", "true")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    let messages = output(&mut cargo)?;
    let wasm_of = |message: Value| {
        let ours = message["manifest_path"].as_str().map(Path::new) == Some(manifest);
        let files = message["filenames"].as_array().filter(|_| ours)?.clone();
        let files = files
            .into_iter()
            .filter_map(|file| file.as_str().map(PathBuf::from));
        files
            .into_iter()
            .find(|file| file.extension().is_some_and(|it| it == "wasm"))
    };
    let messages = serde_json::Deserializer::from_slice(&messages).into_iter::<Value>();
    messages.filter_map(Result::ok).filter_map(wasm_of).last().context(
        "cargo made no wasm file: put crate-type = [\"cdylib\", \"rlib\"] under [lib] in Cargo.toml",
    )
}

/// The standard output of a cargo that succeeded; what it says for people goes where ours does.
fn output(cargo: &mut Command) -> Result<Vec<u8>> {
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo failed ({})", output.status);
    }
    Ok(output.stdout)
}
