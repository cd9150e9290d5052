//! What a lane passes its batches through.

use crate::batch::Batch;

/// One step on the way of a record, with a state of its own; every lane has its own instances.
pub trait Transform: Send {
    /// Its name and version, as dead letters and counts show it.
    fn stage(&self) -> &Stage;

    /// Decides the fate of every row of `batch` and leaves in it those that go on.
    ///
    /// Offsets of rows and of rejections never fall. What is made of a row is numbered as [`Numbers`](crate::numbers::Numbers) says.
    ///
    /// # Errors
    /// When the pipeline has to stop; the batch then counts as not taken.
    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError>;
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The name in the pipeline.
    pub name: String,
    /// The version of the code; empty where it has none.
    pub version: String,
}

/// What happened to the rows that do not go on.
#[derive(Debug, Default)]
pub struct Applied {
    /// Inputs that were filtered out on purpose.
    pub dropped: u64,
    /// Inputs that were refused: they become dead letters.
    pub rejected: Vec<Rejection>,
    /// What the stage counted by names of its own.
    pub counted: Vec<(String, u64)>,
}

/// One refused input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The offset of the record.
    pub offset: u64,
    /// Which output of it was refused.
    pub number: u32,
    /// Why, in words for a person.
    pub reason: String,
}

/// Why a pipeline has to stop.
#[derive(Debug, thiserror::Error)]
#[error("{stage} {version} stopped the pipeline: {reason}", stage = stage.name, version = stage.version)]
pub struct TransformError {
    /// Who.
    pub stage: Stage,
    /// Why, and what to do.
    pub reason: String,
}
