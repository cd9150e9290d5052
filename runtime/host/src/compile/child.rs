//! What the process of the compiler does, and how it says what came of it: one byte, then code or words.

use std::io::{self, Read, Write};

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
#[cfg(target_os = "linux")]
use rustix::process::{Signal, set_parent_process_death_signal};
#[cfg(target_os = "linux")]
use tracing::debug;

use super::CompileLimits;
use super::translate::{self, Unfit};
use crate::engine;

/// Below everything that someone waits for.
const NICENESS: i32 = 10;
/// Between the signal that the time is over and the one that nothing withstands.
const GRACE_S: u64 = 5;

const CODE: u8 = b'c';
const NOT_WASM: u8 = b'n';
const BROKEN: u8 = b'b';
const WASI: u8 = b'w';

/// What the process that a [`Compiler`](super::Compiler) starts has to do: puts itself under `limits`, reads a plugin from the
/// standard input until that ends, compiles it, and writes what came of it to the standard output.
///
/// # Errors
/// When there is nothing to compile with, or nobody to read it.
pub fn compile_apart(limits: CompileLimits) -> io::Result<()> {
    restrict(limits)?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let engine = wasmtime::Engine::new(&engine::config()).map_err(io::Error::other)?;
    let compiled = compile(&engine, &bytes);
    let (tag, content) = match &compiled {
        Ok(code) => (CODE, &code[..]),
        Err(Unfit::NotWasm) => (NOT_WASM, &[][..]),
        Err(Unfit::Broken(how)) => (BROKEN, how.as_bytes()),
        Err(Unfit::Wasi(import)) => (WASI, import.as_bytes()),
    };
    let mut out = io::stdout().lock();
    out.write_all(&[tag])?;
    out.write_all(content)?;
    out.flush()
}

/// What an answer says; `None` where it is none.
pub(super) fn understand(tag: u8, content: Vec<u8>) -> Option<Result<Vec<u8>, Unfit>> {
    let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
    match tag {
        CODE => Some(Ok(content)),
        NOT_WASM => Some(Err(Unfit::NotWasm)),
        BROKEN => Some(Err(Unfit::Broken(text(&content)))),
        WASI => Some(Err(Unfit::Wasi(text(&content)))),
        _ => None,
    }
}

fn compile(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Vec<u8>, Unfit> {
    let component = translate::component(engine, bytes)?;
    engine
        .precompile_component(&component)
        .map_err(|error| Unfit::Broken(format!("{error:#}")))
}

fn restrict(limits: CompileLimits) -> io::Result<()> {
    die_first();
    nice(NICENESS)?;
    let seconds = limits.cpu_time.as_secs();
    limit(Resource::Cpu, seconds, seconds + GRACE_S)?;
    // What is really used: addresses alone cost nothing, and the allocator reserves some for each thread.
    let bytes = limits.memory_bytes_max;
    limit(Resource::Data, bytes, bytes)?;
    limit(Resource::Core, 0, 0)
}

/// With the process that waits for it, and before it where memory runs out. It works without, too.
fn die_first() {
    #[cfg(target_os = "linux")]
    {
        let with_parent = set_parent_process_death_signal(Some(Signal::KILL));
        let oom = std::fs::write("/proc/self/oom_score_adj", "1000");
        if let Err(error) = with_parent.map_err(io::Error::from).and(oom) {
            debug!(%error, "the compiler may outlive the process that started it");
        }
    }
}

/// Sets a limit, or leaves one that is lower.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit {
        current: Some(soft.min(inherited)),
        maximum: Some(hard.min(inherited)),
    };
    Ok(setrlimit(resource, limit)?)
}
