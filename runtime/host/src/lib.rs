//! The sandbox of Tamis: loads plugins, runs them within their limits, and finds the records that they cannot bear.
//!
//! [`Engine`] is one per process, [`Plugin`] one per file, [`PluginTransform`] one per lane and stage. A plugin can spend
//! its budget of time and memory and nothing else: no WASI is linked, and every answer is checked as if it were hostile.

mod compile;
mod contract;
mod empty;
mod engine;
mod failure;
mod file;
mod instance;
mod limits;
mod load;
mod log_budget;
mod transform;
mod trust;

pub use compile::{Cache, CacheError, CompileLimits, Compiler, Origin, compile_apart};
pub use contract::{Description, Version, Wants};
pub use engine::{Engine, EngineError};
pub use failure::{Cause, Failure};
pub use file::{open_file, read_file};
pub use instance::{Settings, StartError};
pub use limits::{Grants, OnQuarantine, PluginLimits};
pub use load::{LoadError, LoadProblem, Plugin, Probe, digest};
pub use transform::PluginTransform;
pub use trust::{Signed, Trust, TrustError, is_downgrade};
