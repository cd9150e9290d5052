//! Why a pipeline ends before its input does.

use crate::source::SourceError;
use crate::transform::TransformError;

/// Why a pipeline had to stop; says what to fix. Nothing unsettled is committed.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The source cannot go on.
    #[error("{}", causes(.0))]
    Source(SourceError),
    /// A plugin asked for it.
    #[error(transparent)]
    Transform(TransformError),
    /// A sink, or a store of dead letters, refused everything.
    #[error("sink {sink} stopped the pipeline: {reason}")]
    Sink {
        /// Its name.
        sink: String,
        /// In the store's words.
        reason: String,
    },
    /// A bug.
    #[error("{part} panicked; this is a bug in tamis")]
    Panicked {
        /// Where.
        part: String,
    },
}

/// An error with its causes, in one line.
#[must_use]
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
