//! One per process: the compiler, and the clock by which a plugin that does not come back is stopped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, OptLevel};

use crate::compile::Compiler;

const TICK: Duration = Duration::from_millis(10);
/// Stack of a plugin. It is a part of the stack of the lane's thread, which has 2 MiB.
const WASM_STACK_BYTES: usize = 512 << 10;

/// What every plugin in the process shares.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    /// None where plugins are compiled in this process.
    compiler: Option<Compiler>,
    ticks: Arc<AtomicU64>,
    /// Nothing is ever sent: the ticker ends when this is dropped.
    _ticker: SyncSender<()>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The compiler does not know this processor or operating system.
    #[error("webassembly cannot run on this machine")]
    Unsupported(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The operating system gave no thread.
    #[error("the thread that limits the time of plugins did not start")]
    Ticker(#[source] std::io::Error),
}

impl Engine {
    /// Starts the engine and its ticker, which ends when the last clone and the last plugin are dropped. It compiles plugins in
    /// this process, whatever they take: for tests and tools that know their plugins.
    ///
    /// # Errors
    /// On a machine that cannot run it.
    pub fn new() -> Result<Self, EngineError> {
        Self::start(None)
    }

    /// As [`Engine::new`], with a compiler in a process of its own.
    ///
    /// # Errors
    /// On a machine that cannot run it.
    pub fn compiling_by(compiler: Compiler) -> Result<Self, EngineError> {
        Self::start(Some(compiler))
    }

    fn start(compiler: Option<Compiler>) -> Result<Self, EngineError> {
        let wasmtime = wasmtime::Engine::new(&config())
            .map_err(|error| EngineError::Unsupported(error.into()))?;
        let ticks = Arc::new(AtomicU64::new(0));
        let (ticker, stopped) = sync_channel(0);
        let engine = wasmtime.clone();
        let counter = Arc::clone(&ticks);
        thread::Builder::new()
            .name("tamis-epochs".into())
            .spawn(move || tick(&engine, &counter, &stopped))
            .map_err(EngineError::Ticker)?;
        Ok(Self {
            shared: Arc::new(Shared {
                wasmtime,
                compiler,
                ticks,
                _ticker: ticker,
            }),
        })
    }

    pub(crate) fn compiler(&self) -> Option<&Compiler> {
        self.shared.compiler.as_ref()
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.wasmtime
    }

    /// Ticks since the start. Time for plugins is counted in them, so a machine that stalls does not end anyone's time.
    pub(crate) fn ticks(&self) -> u64 {
        self.shared.ticks.load(Ordering::Relaxed)
    }

    /// How many ticks are at least `time`: one more than it takes, since the present one is under way.
    pub(crate) fn ticks_in(time: Duration) -> u64 {
        let ticks = time
            .as_millis()
            .div_ceil(TICK.as_millis())
            .saturating_add(1);
        // Far below what a deadline is added to, so that the sum stays a number of ticks.
        u64::try_from(ticks)
            .unwrap_or(u64::MAX)
            .min(u64::from(u32::MAX))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The settings that code is compiled for and runs by.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(WASM_STACK_BYTES)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false);
    config
}

fn tick(engine: &wasmtime::Engine, ticks: &AtomicU64, stopped: &Receiver<()>) {
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        engine.increment_epoch();
        ticks.fetch_add(1, Ordering::Relaxed);
    }
}
