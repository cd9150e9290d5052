//! From the bytes of a file to machine code: in a process of its own, since they may be hostile to the compiler, too; and only
//! once, where there is a cache.

mod cache;
mod child;
mod code;
mod parent;
mod translate;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tracing::warn;
use wasmtime::component::Component;

use crate::engine::Engine;
use crate::load::LoadProblem;

pub use cache::{Cache, CacheError};
pub use child::compile_apart;

use cache::Key;

/// Compiles plugins in a process of its own for each, and keeps what came of it.
#[derive(Debug)]
pub struct Compiler {
    /// The program to start, which calls [`compile_apart`] with the same limits.
    pub program: PathBuf,
    /// What it is told.
    pub arguments: Vec<OsString>,
    /// What it may spend on one plugin.
    pub limits: CompileLimits,
    /// Where its work is kept.
    pub cache: Option<Cache>,
}

/// What the compilation of one plugin may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Bytes of memory.
    pub memory_bytes_max: u64,
    /// Time on processors, of all together; in whole seconds.
    pub cpu_time: Duration,
}

/// Where the code of a plugin came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled for this start.
    Compiled,
    /// It had been compiled before.
    Cache,
}

/// The machine code of `bytes`, a component or a module that one can be made of.
pub(crate) fn component(engine: &Engine, bytes: &[u8]) -> Result<(Component, Origin), LoadProblem> {
    match engine.compiler() {
        Some(compiler) => compiler.component(engine.wasmtime(), bytes),
        None => {
            let component = translate::component(engine.wasmtime(), bytes)?;
            let component = Component::from_binary(engine.wasmtime(), &component)
                .map_err(|error| LoadProblem::Broken(format!("{error:#}")))?;
            Ok((component, Origin::Compiled))
        }
    }
}

impl Compiler {
    fn component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
    ) -> Result<(Component, Origin), LoadProblem> {
        // No process for what is plainly something else.
        translate::kind(bytes)?;
        let kept = self
            .cache
            .as_ref()
            .map(|cache| (cache, Key::new(engine, bytes)));
        if let Some((cache, key)) = &kept
            && let Some(component) = cache.get(engine, key)
        {
            return Ok((component, Origin::Cache));
        }
        let code = parent::compile(self, bytes)?;
        let component = code::load(engine, &code)
            .map_err(|error| LoadProblem::Compiler(format!("its code: {error:#}")))?;
        if let Some((cache, key)) = &kept
            && let Err(error) = cache.put(key, &code)
        {
            warn!(%error, "a compiled plugin cannot be kept");
        }
        Ok((component, Origin::Compiled))
    }
}
