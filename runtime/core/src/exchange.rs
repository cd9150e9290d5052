//! Other sinks for a pipeline that runs: the intake is closed, what is in flight is settled, and lanes go on with the new ones.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::control::Stopped;
use crate::lane::LaneSinks;
use crate::pipeline::Outlet;

/// What is asked for.
pub(crate) struct Exchange {
    pub(crate) sinks: Vec<Outlet>,
    /// How long what is in flight may take to settle.
    pub(crate) patience: Duration,
    pub(crate) done: oneshot::Sender<Result<Duration, ExchangeError>>,
}

/// Why the sinks are what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The pipeline has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A store is away or slow.
    #[error("{0} batches were still in flight to the sinks before")]
    InFlight(usize),
}

/// Who starts what writes to sinks.
pub(crate) trait Start {
    /// Starts it for `sinks`; for each lane where it hands its records to then.
    fn start(&mut self, sinks: Vec<Outlet>) -> Vec<LaneSinks>;
}
