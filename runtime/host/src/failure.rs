//! Why a call into a plugin came to nothing.

use std::fmt;
use std::time::Duration;

use tamis_core::transform::Why;
use wasmtime::Trap;

use crate::limits::{Refused, TABLE_ELEMENTS_MAX};

/// A call that ended the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What ended it.
    pub cause: Cause,
    /// The plugin's last words.
    pub message: Option<String>,
}

/// What ended an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It took longer than its limit.
    Time(Duration),
    /// It ended after memory was refused to it beyond this many bytes.
    Memory(usize),
    /// It ended after a table was refused to it beyond this many elements.
    Table(usize),
    /// Its answer was larger than this many bytes.
    Output(usize),
    /// It made more than this many records of one.
    Outputs(u32),
    /// Its answer breaks the contract.
    Malformed(String),
    /// The trap, as WebAssembly names it.
    Trap(String),
}

impl Cause {
    /// The kind of reason that it is for refusing a record.
    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Time(_) => Why::Time,
            Self::Memory(_) | Self::Table(_) => Why::Memory,
            Self::Output(_) | Self::Outputs(_) | Self::Malformed(_) => Why::Answer,
            Self::Trap(_) => Why::Trap,
        }
    }

    /// A cause in its own words, for what WebAssembly reports beside traps.
    pub(crate) fn of(error: &wasmtime::Error, refused: Option<Refused>, limits: Limits) -> Self {
        match (error.downcast_ref::<Trap>(), refused) {
            (Some(Trap::Interrupt), _) => Self::Time(limits.time),
            // A language runtime that is refused something gives up by `unreachable`.
            (Some(Trap::UnreachableCodeReached) | None, Some(Refused::Memory)) => {
                Self::Memory(limits.memory_bytes)
            }
            (Some(Trap::UnreachableCodeReached) | None, Some(Refused::Table)) => {
                Self::Table(TABLE_ELEMENTS_MAX)
            }
            (Some(trap), _) => Self::Trap(trap.to_string().replace("wasm trap: ", "")),
            // wasmtime keeps the type of this error to itself.
            (None, None) if format!("{error:#}").contains("fuel allocated for hostcalls") => {
                Self::Output(limits.output_bytes)
            }
            // Without the places in the code that are around it where the host was called.
            (None, None) => Self::Trap(error.root_cause().to_string()),
        }
    }
}

/// The limits that held when a call failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) memory_bytes: usize,
    pub(crate) output_bytes: usize,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            message: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.cause),
            None => write!(f, "{}", self.cause),
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "time limit of {} ms", time.as_millis()),
            Self::Memory(bytes) => write!(f, "memory limit of {}", Size(*bytes)),
            Self::Table(elements) => write!(f, "table limit of {elements} elements"),
            Self::Output(bytes) => write!(f, "output limit of {}", Size(*bytes)),
            Self::Outputs(count) => write!(f, "limit of {count} outputs of one record"),
            Self::Malformed(how) => write!(f, "malformed answer: {how}"),
            Self::Trap(trap) => f.write_str(trap),
        }
    }
}

/// Bytes, in the largest unit that is exact.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes > 0 && bytes % (1 << 20) == 0 => write!(f, "{} MiB", bytes >> 20),
            bytes if bytes > 0 && bytes % (1 << 10) == 0 => write!(f, "{} KiB", bytes >> 10),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_in_the_unit_that_people_configure() {
        let check = |bytes, expected: &str| assert_eq!(Size(bytes).to_string(), expected);
        check(64 << 20, "64 MiB");
        check(1_536 << 10, "1536 KiB");
        check(1_000_000, "1000000 bytes");
        check(0, "0 bytes");
    }
}
