//! What a plugin may spend, what it may ask for, and what happens when it has spent too much.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What one instance of a plugin may spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimits {
    /// Bytes of memory, all its linear memories together.
    pub memory_bytes_max: usize,
    /// Time for one call, be it a batch, the settings or the start.
    pub batch_time: Duration,
    /// Bytes of one answer; at most 512 MiB, and what is more counts as 512 MiB.
    pub output_bytes_max: usize,
    /// Records that it may make of one.
    pub outputs_per_record_max: u32,
    /// Time for the search, in one batch, of the records that it fails on.
    pub search_time: Duration,
}

/// What the configuration lets a plugin use beside its batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grants {
    /// The clock of the wall.
    pub clock: bool,
}

/// What becomes of records once a plugin is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnQuarantine {
    /// The pipeline stops.
    Stop,
    /// Records pass as if the plugin were not there.
    Bypass,
    /// Every record becomes a dead letter.
    DeadLetter,
}

/// Entries in one table: function pointers, of which large language runtimes have some ten thousands.
const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Core instances, tables and memories: a component of one module has a handful, of a language runtime some dozens.
const PARTS_MAX: usize = 128;

/// Keeps the memories of one instance within their limit and remembers whether they ever hit it.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes_max: usize,
    memory_bytes: usize,
    growth: usize,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory_bytes_max: usize) -> Self {
        Self {
            memory_bytes_max,
            memory_bytes: 0,
            growth: 0,
            refused: false,
        }
    }

    /// Bytes in all memories.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Whether memory was refused since this was last asked.
    pub(crate) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let allowed = growth <= self.memory_bytes_max.saturating_sub(self.memory_bytes);
        self.refused |= !allowed;
        self.growth = if allowed { growth } else { 0 };
        self.memory_bytes += self.growth;
        Ok(allowed)
    }

    // It can still fail, at the memory's own maximum or in the operating system.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.growth);
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        PARTS_MAX
    }

    fn tables(&self) -> usize {
        PARTS_MAX
    }

    fn memories(&self) -> usize {
        PARTS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65_536;

    #[test]
    fn memories_share_one_limit() {
        let mut limiter = Limiter::new(3 * PAGE);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(!limiter.memory_growing(PAGE, 3 * PAGE, None).unwrap());
        assert!(limiter.take_refused());
        assert!(!limiter.take_refused());
        assert!(limiter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
        assert_eq!(limiter.memory_bytes(), 3 * PAGE);
    }

    #[test]
    fn growth_that_failed_counts_for_nothing() {
        let mut limiter = Limiter::new(3 * PAGE);
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        limiter
            .memory_grow_failed(wasmtime::Error::msg("no memory left"))
            .unwrap();
        assert_eq!(limiter.memory_bytes(), 0);
        assert!(!limiter.memory_growing(0, 4 * PAGE, None).unwrap());
        limiter
            .memory_grow_failed(wasmtime::Error::msg("refused"))
            .unwrap();
        assert_eq!(limiter.memory_bytes(), 0);
    }
}
