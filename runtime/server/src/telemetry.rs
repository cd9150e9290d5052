//! What this process says of its pipelines while they run: at the control socket, as metrics, and to whoever asks whether it is well.
//!
//! For operators: `docs/telemetry.md`.

pub(crate) mod http;
pub(crate) mod options;
pub(crate) mod status;

mod exposition;
mod health;
mod metrics;
mod watched;

pub(crate) use options::Listen;
pub(crate) use status::{Deployed, Status};
pub(crate) use watched::Watched;
