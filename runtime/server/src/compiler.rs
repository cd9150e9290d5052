//! Where plugins are compiled: in a process of its own for each, started from this very program, which keeps the code for the next
//! start.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use tamis_host::{Cache, CompileLimits, Compiler, Engine};
use tracing::warn;

use crate::cli::CompilerOptions;
use crate::exit::{self, Exit};

/// The engine of a command that loads plugins.
pub(crate) fn engine(options: &CompilerOptions) -> Result<Engine> {
    let compiler = Compiler {
        program: program()?,
        arguments: arguments(options),
        limits: limits(options),
        cache: cache(options),
    };
    Ok(Engine::compiling_by(compiler)?)
}

/// What the other process does.
pub(crate) fn compile(options: &CompilerOptions) -> Exit {
    match tamis_host::compile_apart(limits(options)) {
        Ok(()) => Exit::Done,
        Err(error) => exit::failed(&error.into()),
    }
}

fn limits(options: &CompilerOptions) -> CompileLimits {
    CompileLimits {
        memory_bytes_max: options.compile_memory_mib << 20,
        cpu_time: Duration::from_secs(options.compile_cpu_s),
    }
}

/// This program; on Linux even where its file was replaced by that of another version meanwhile.
fn program() -> Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        Ok(std::env::current_exe()?)
    }
}

fn arguments(options: &CompilerOptions) -> Vec<OsString> {
    let (seconds, mib) = (options.compile_cpu_s, options.compile_memory_mib);
    let arguments = [
        format!("--compile-cpu-s={seconds}"),
        format!("--compile-memory-mib={mib}"),
        "plugin".to_owned(),
        "compile".to_owned(),
    ];
    arguments.map(OsString::from).into()
}

/// Where code is kept, if it can be.
fn cache(options: &CompilerOptions) -> Option<Cache> {
    let folder = options.plugin_cache.clone().or_else(usual_folder)?;
    if folder.as_os_str() == "off" {
        return None;
    }
    match Cache::open(&folder) {
        Ok(cache) => Some(cache),
        Err(error) => {
            warn!(%error, "compiled plugins are not kept");
            None
        }
    }
}

/// In the user's folder for such things; a service may have neither.
fn usual_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|folder| !folder.is_empty());
    let caches = folder("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".cache")));
    Some(caches?.join("tamis/plugins"))
}
