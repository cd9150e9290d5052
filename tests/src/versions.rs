//! A plugin in as many versions as a test wants; see `tests/versions`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::place::root;

/// What a version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Writes its version into each record, as `/v`.
    Keep,
    /// Takes its time for it, some hundred microseconds.
    Slow,
    /// Writes `/other`, too.
    More,
    /// Panics on records with `trap` in them.
    Trap,
    /// Refuses all records.
    Deny,
    /// Refuses its settings.
    None,
}

impl Does {
    fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Slow => "slow",
            Self::More => "more",
            Self::Trap => "trap",
            Self::Deny => "deny",
            Self::None => "none",
        }
    }
}

/// The name of version `number`.
#[must_use]
pub fn name(number: u32) -> String {
    format!("1.0.{}", 1_000_000 + number)
}

/// The file of version `number`, as it is built: a module.
///
/// # Panics
/// Where the plugin was not built, or is not what it was.
#[must_use]
pub fn file(number: u32, does: Does) -> Vec<u8> {
    let path = root().join("target/hostile/versions.wasm");
    let mut bytes = fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run tests/hostile/build", path.display()));
    let versions = replace(&mut bytes, b"1.0.1000000", name(number).as_bytes());
    let deeds = replace(
        &mut bytes,
        b"does keep",
        format!("does {}", does.word()).as_bytes(),
    );
    assert_eq!((versions, deeds), (2, 1), "places in {}", path.display());
    bytes
}

/// Writes `to` over each `from`, which is as long; how many there were.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len().saturating_sub(from.len()))
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    for at in &places {
        bytes[*at..at + to.len()].copy_from_slice(to);
    }
    places.len()
}

/// Writes version `number` to `path`, at once for whoever looks.
///
/// # Panics
/// Where it cannot be written.
pub fn put(path: &Path, number: u32, does: Does) {
    let new: PathBuf = path.with_extension("new");
    fs::write(&new, file(number, does)).expect("a file in a temporary folder can be written");
    fs::rename(&new, path).expect("it can be renamed");
}
