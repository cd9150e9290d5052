//! What a lane passes its batches through.

use std::fmt;

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

    /// As [`apply`](Self::apply), but gives up at its first failure, and leaves `batch` as it was: for one that is on trial, beside
    /// another that is known.
    ///
    /// # Errors
    /// What failed, in words for a person.
    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String>;
}

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The name in the pipeline.
    pub name: String,
    /// The version of the code, with the digest of its file as what semantic versioning calls build metadata
    /// (`1.2.0+0f3a5c7b9d1e`); empty where it has none.
    pub version: String,
}

/// What happened to the rows that do not go on.
#[derive(Debug, Default)]
pub struct Applied {
    /// Inputs that were filtered out on purpose.
    pub dropped: u64,
    /// Outputs that the stage made; all else that goes on is as it was.
    pub emitted: u64,
    /// Inputs that were refused: they become dead letters.
    pub rejected: Vec<Rejection>,
    /// How many of those were refused because the stage failed on them.
    pub trapped: u64,
    /// What the stage counted by names of its own.
    pub counted: Vec<(String, u64)>,
    /// What the stage has to say about it.
    pub said: Said,
    /// Bytes of memory that the stage has now.
    pub memory_bytes: u64,
}

type Say = Box<dyn FnOnce(&Batch) + Send>;

/// Words of a stage for the log, which are not said unless what it decided is taken.
#[derive(Default)]
pub struct Said(Option<Say>);

impl Said {
    /// Words that `say` writes to the log, with the batch that they are about.
    #[must_use]
    pub fn new(say: impl FnOnce(&Batch) + Send + 'static) -> Self {
        Self(Some(Box::new(say)))
    }

    /// Says them.
    pub fn say(self, batch: &Batch) {
        if let Some(say) = self.0 {
            say(batch);
        }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Said").field(&self.0.is_some()).finish()
    }
}

/// One refused input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The offset of the record.
    pub offset: u64,
    /// Which output of it was refused.
    pub number: u32,
    /// What kind of reason there is.
    pub why: Why,
    /// Why, in words for a person.
    pub reason: String,
}

/// Kinds of reasons for which a record is refused: few, so that they can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The plugin or the store said so.
    Refused,
    /// The plugin took too long for it.
    Time,
    /// The plugin wanted too much memory for it.
    Memory,
    /// What the plugin made of it is too large, too much, or not in the form.
    Answer,
    /// The plugin gave up on it in another way.
    Trap,
    /// The plugin gets no records any more.
    Quarantined,
    /// No sink takes it.
    Unclaimed,
}

impl Why {
    /// Its name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Answer => "answer",
            Self::Trap => "trap",
            Self::Quarantined => "quarantined",
            Self::Unclaimed => "unclaimed",
        }
    }
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
