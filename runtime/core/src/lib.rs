//! The engine of Tamis: records, batches, progress, lanes and writers.
//!
//! It knows no network, no wasm and no store: sources, transforms and sinks are given to it, and a simulation runs all of
//! it with its time under control.

pub mod batch;
pub mod dead;
pub mod headers;
pub mod id;
pub mod numbers;
pub mod only;
#[cfg(any(test, fuzzing))]
pub mod oracle;
pub mod shadow;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod stamp;
pub mod tap;
pub mod transform;

mod chain;
mod contact;
mod control;
mod counts;
mod delivery;
mod error;
mod exchange;
mod executor;
mod gate;
mod gauges;
mod intake;
mod lane;
mod ledger;
mod mask;
mod monitor;
mod parking;
mod pipeline;
mod progress;
mod recent;
mod retry;
mod reveal;
mod room;
mod router;
mod run_writer;
mod runs;
mod step;
mod swap;
mod trial;
mod valve;
mod writer;

pub use chain::{Link, NextChain};
pub use contact::Contact;
pub use control::{Stop, Stopped};
pub use counts::{Counts, OTHER_COUNTS, StageTotals, Totals};
pub use error::{PipelineError, causes};
pub use exchange::ExchangeError;
pub use executor::Executor;
pub use intake::Intake;
pub use ledger::Checkpoint;
pub use mask::Mask;
pub use monitor::Monitor;
pub use pipeline::{DeadLetters, Destination, Limits, OnOutage, Outlet, Pipeline, Summary};
pub use retry::Backoff;
pub use reveal::RecoverError;
pub use router::{Condition, Routes};
pub use run_writer::RunLimits;
pub use swap::Swapper;
pub use trial::{Trial, TrialCost, TrialLimits, TrialState};
pub use valve::{Flow, Valve};
pub use writer::WriterLimits;
