//! Which Rust on this machine can compile for `wasm32-unknown-unknown`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The target of plugins.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// A way to compile for [`TARGET`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The cargo in the path, whose Rust has the target's standard library.
    Ready,
    /// Debian's Rust, which builds the standard library from its sources.
    FromSource {
        /// The folder of its `cargo` and `rustc`.
        bin: PathBuf,
    },
}

const NONE: &str = "no Rust here can compile for wasm32-unknown-unknown; install one of
  rustup target add wasm32-unknown-unknown
  apt-get install rustc-web cargo-web rust-web-src rust-web-llvm lld-22    (Debian)";

/// The first one that is there.
///
/// # Errors
/// Where there is none; says how to get one.
pub(super) fn find() -> Result<Toolchain> {
    if library(Path::new("rustc")).is_some_and(|library| library.join(TARGET).is_dir()) {
        return Ok(Toolchain::Ready);
    }
    let bin = PathBuf::from("/usr/bin");
    let sources = library(&bin.join("rustc")).map(|library| library.join("src/rust/library/std"));
    if sources.is_some_and(|sources| sources.is_dir()) {
        return Ok(Toolchain::FromSource { bin });
    }
    bail!(NONE)
}

/// Where a `rustc` keeps the standard libraries of its targets.
fn library(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let sysroot = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| Path::new(sysroot.trim()).join("lib/rustlib"))
}

impl Toolchain {
    /// `cargo`, ready for the name of a subcommand.
    pub(super) fn cargo(&self) -> Command {
        match self {
            Self::Ready => Command::new("cargo"),
            Self::FromSource { bin } => {
                let mut path = bin.clone().into_os_string();
                if let Some(rest) = std::env::var_os("PATH") {
                    path.push(":");
                    path.push(rest);
                }
                let mut cargo = Command::new(bin.join("cargo"));
                // `-Z build-std` is the one unstable feature that is needed.
                cargo.env("PATH", path).env("RUSTC_BOOTSTRAP", "1");
                // A cargo that was started by rustup's one would be led back to it.
                cargo.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
                cargo
            }
        }
    }

    /// What `cargo build` needs beside the target.
    pub(super) fn build_arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Ready => &[],
            Self::FromSource { .. } => &["-Z", "build-std=std,panic_abort"],
        }
    }
}
