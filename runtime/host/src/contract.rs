//! What crosses the boundary, free of any version of the contract: one file beside this one for each version ever released.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use tamis_core::Mask;
use wasmtime::Result;
use wasmtime::component::{Component, Linker};

use crate::limits::Grants;

mod v0_1;
mod v1_0;

// All versions so far have the same exports.
pub(crate) use v1_0::{Exports, Prepared, configure, describe, process};

/// What a plugin must export, whatever its version.
pub(crate) const EXPORTS: [&str; 3] = ["describe", "configure", "process"];

/// A version of the contract, up to its patch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// What became 1.0.
    V0_1,
    /// The first that was released.
    V1_0,
}

impl Version {
    /// All that there are, the latest one first.
    pub const ALL: [Self; 2] = [Self::V1_0, Self::V0_1];

    /// The one whose imports are named with `name`, as in `1.0.0`.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let is = |version: &Self| {
            let patch = name.strip_prefix(version.name());
            patch.is_some_and(|patch| patch.starts_with('.'))
        };
        Self::ALL.into_iter().find(is)
    }

    fn name(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1",
            Self::V1_0 => "1.0",
        }
    }

    /// Finds the imports and exports of a component that was made for it.
    pub(crate) fn prepare(self, component: &Component, grants: Grants) -> Result<Prepared> {
        let mut linker = Linker::new(component.engine());
        match self {
            Self::V0_1 => v0_1::link(&mut linker, grants)?,
            Self::V1_0 => v1_0::link(&mut linker, grants)?,
        }
        v1_0::prepare(linker.instantiate_pre(component)?)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// The JSON schema of its settings.
    pub settings_schema: String,
    /// What it wants to know of a record beside the value.
    pub wants: Wants,
}

/// Which metadata a plugin asks for; the rest is not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wants {
    /// The keys.
    pub key: bool,
    /// The headers.
    pub headers: bool,
    /// The times.
    pub timestamp: bool,
    /// Source, topic, partition, offsets and output numbers.
    pub position: bool,
}

impl Wants {
    /// All of it.
    pub const ALL: Self = Self {
        key: true,
        headers: true,
        timestamp: true,
        position: true,
    };

    /// Whether each is wanted, by the names and in the order of the contract.
    #[must_use]
    pub fn named(self) -> [(&'static str, bool); 4] {
        let Self {
            key,
            headers,
            timestamp,
            position,
        } = self;
        [
            ("key", key),
            ("headers", headers),
            ("timestamp", timestamp),
            ("position", position),
        ]
    }
}

/// A batch as a plugin gets it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [u8],
    pub(crate) value_lengths: &'a [i32],
    pub(crate) keys: &'a [u8],
    pub(crate) key_lengths: &'a [i32],
    pub(crate) headers: &'a [u8],
    pub(crate) header_lengths: &'a [i32],
    pub(crate) timestamps: &'a [i64],
    pub(crate) source: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offsets: &'a [u64],
    pub(crate) numbers: &'a [u32],
}

/// What a plugin made of a batch. Nothing in it is to be trusted.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) fates: Vec<u8>,
    pub(crate) rows: Vec<i32>,
    pub(crate) timestamps: Vec<i64>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) words: Words,
}

/// What a plugin counted and logged over a batch.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) count_names: Vec<i32>,
    pub(crate) counts: Vec<u64>,
    pub(crate) logs: Vec<i32>,
    /// The names, then the lines.
    pub(crate) text: Vec<u8>,
}

/// A record stays as it is.
pub(crate) const KEEP: u8 = 0;
/// A record is filtered out.
pub(crate) const DROP: u8 = 1;
/// The rows that name a record take its place.
pub(crate) const EMIT: u8 = 2;
/// A record becomes a dead letter.
pub(crate) const REJECT: u8 = 3;
/// Numbers in a row: record, then the lengths of value, key, headers and route.
pub(crate) const ROW_LEN: usize = 5;
/// A length: there is none.
pub(crate) const NONE: i32 = -1;
/// A length: the same bytes as the record has.
pub(crate) const SAME: i32 = -2;

/// Why settings were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsError {
    /// JSON pointer; empty for the settings as a whole.
    pub(crate) field: String,
    pub(crate) message: String,
}

/// What an instance reaches of the host, and what the host keeps of it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) limiter: crate::limits::Limiter,
    /// Last words, before a trap.
    pub(crate) message: Option<String>,
    /// What must not be read in them.
    pub(crate) mask: Mask,
}

impl Guest {
    /// Keeps the first bytes of a plugin's last words. Half a secret would not be found.
    fn panicked(&mut self, message: String) {
        let mut message = self.mask.hide(message);
        message.truncate(message.floor_char_boundary(TEXT_BYTES_MAX));
        self.message = Some(message);
    }
}

/// How much of a plugin's words (a panic, a reason) goes into a dead letter.
pub(crate) const TEXT_BYTES_MAX: usize = 4096;

/// Milliseconds since 1970-01-01 UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "the grant gives plugins the clock of the wall"
)]
fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limiter;

    #[test]
    fn a_secret_is_hidden_before_last_words_are_cut() {
        let mut guest = Guest {
            limiter: Limiter::new(0),
            message: None,
            mask: Mask::new(["sesame4711".to_owned()]),
        };
        let before = "x".repeat(TEXT_BYTES_MAX - 6);
        guest.panicked(format!("{before}sesame4711, it is"));
        assert_eq!(guest.message, Some(format!("{before}***, i")));
    }
}
