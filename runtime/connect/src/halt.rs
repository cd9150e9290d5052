//! How reading ends early: of a store of dead letters, or of a part of a source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks whoever reads to stop.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// From now on reading ends.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it does.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails once it does.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.is_set() {
            return Err(Refusal::Halted);
        }
        Ok(())
    }
}

/// Why reading came to no end.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A person has to change something; says what.
    Misconfigured(String),
    /// A person asked for that.
    Halted,
}
