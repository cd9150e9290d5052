//! Where records come from.

use async_trait::async_trait;

use crate::intake::Intake;
use crate::sink::BoxError;

/// Hands batches to a pipeline until its input ends or it is told to stop.
#[async_trait]
pub trait Source: Send {
    /// Opens partitions at `intake`, sends it their batches in order, and commits the checkpoints that it shows.
    ///
    /// Returns at the end of the input, or soon after [`Intake::stopping`]; what was sent and can be committed has then been
    /// drained and committed. An outage is waited out, with a word about it once a minute.
    ///
    /// # Errors
    /// When waiting cannot help.
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError>;
}

/// Why a source cannot go on; says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Wrong settings or credentials, a missing topic or file, no right.
    #[error("source cannot read: {0}")]
    Misconfigured(String),
    /// What was read no longer is what it was: going on would lose records in silence.
    #[error("source lost its place: {0}")]
    Lost(String),
    /// Anything else.
    #[error("source failed")]
    Failed(#[source] BoxError),
}
