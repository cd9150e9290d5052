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

/// Entries in all tables: function pointers, of which large language runtimes have some ten thousands.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;
/// Core instances, tables and memories: a component of one module has a handful, of a language runtime some dozens.
const PARTS_MAX: usize = 128;

/// Keeps the memories and tables of one instance within their limits and remembers whether they ever hit one.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes: Quota,
    table_elements: Quota,
    refused: Option<Refused>,
}

/// What an instance was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// More memory.
    Memory,
    /// A larger table.
    Table,
}

impl Limiter {
    pub(crate) fn new(memory_bytes_max: usize) -> Self {
        Self {
            memory_bytes: Quota::new(memory_bytes_max),
            table_elements: Quota::new(TABLE_ELEMENTS_MAX),
            refused: None,
        }
    }

    /// Bytes in all memories.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes.used
    }

    /// What was refused since this was last asked.
    pub(crate) fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = self.memory_bytes.grow(current, desired);
        if !allowed {
            self.refused = Some(Refused::Memory);
        }
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = self.table_elements.grow(current, desired);
        if !allowed {
            self.refused = Some(Refused::Table);
        }
        Ok(allowed)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements.undo();
        Ok(())
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

/// What several parts share.
#[derive(Debug)]
struct Quota {
    max: usize,
    used: usize,
    /// The last step.
    growth: usize,
}

impl Quota {
    fn new(max: usize) -> Self {
        Self {
            max,
            used: 0,
            growth: 0,
        }
    }

    /// Counts the growth of one part, if there is room for it.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let growth = desired.saturating_sub(current);
        let allowed = growth <= self.max.saturating_sub(self.used);
        self.growth = if allowed { growth } else { 0 };
        self.used += self.growth;
        allowed
    }

    /// Takes the last step back: it can still fail, at the part's own maximum or in the operating system.
    fn undo(&mut self) {
        self.used -= std::mem::take(&mut self.growth);
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
        assert_eq!(limiter.take_refused(), Some(Refused::Memory));
        assert_eq!(limiter.take_refused(), None);
        assert!(limiter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
        assert_eq!(limiter.memory_bytes(), 3 * PAGE);
    }

    #[test]
    fn tables_share_one_limit() {
        let mut limiter = Limiter::new(PAGE);
        let most = TABLE_ELEMENTS_MAX - 1;
        assert!(limiter.table_growing(0, most, None).unwrap());
        assert!(!limiter.table_growing(0, 2, None).unwrap());
        assert_eq!(limiter.take_refused(), Some(Refused::Table));
        assert!(limiter.table_growing(0, 1, None).unwrap());
        assert!(!limiter.table_growing(1, 2, None).unwrap());
        let error = wasmtime::Error::msg("refused");
        limiter.table_grow_failed(error).unwrap();
        assert!(!limiter.table_growing(0, 1, None).unwrap());
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
