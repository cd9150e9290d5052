//! A plugin in Rust: a folder with a Cargo.toml.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Made;
use super::toolchain::{self, TARGET, Toolchain};

pub(super) fn build(manifest: &Path) -> Result<Made> {
    let toolchain = toolchain::find()?;
    let target_folder = shared_folder(&toolchain, manifest)?;
    let artifact = compile(&toolchain, manifest, &target_folder)?;
    let name = artifact
        .file_stem()
        .context("a wasm file has a name")?
        .to_string_lossy();
    Ok(Made {
        name: name.replace('_', "-"),
        wasm: std::fs::read(&artifact)?,
    })
}

/// Where cargo writes what it makes of the plugin with this manifest.
pub(super) fn target_folder(manifest: &Path) -> Result<PathBuf> {
    shared_folder(&toolchain::find()?, manifest)
}

/// A folder of its own below the workspace's: all plugins share their dependencies, and native builds are left alone.
fn shared_folder(toolchain: &Toolchain, manifest: &Path) -> Result<PathBuf> {
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
