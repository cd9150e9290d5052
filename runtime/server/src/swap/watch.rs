//! Looks after files: says which of them have become something else, once they are whole.
//!
//! Files are looked at by their names every half second, through whatever links lead to them: whether one is written anew, renamed
//! over, or a link on the way (as in a mounted `ConfigMap`) was turned, it is another file or has another time then. An event of the
//! file system would tell of some of that, on some file systems. A file becomes something else with its signature, too.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tamis_host::open_file;
use tokio::time::Instant;

use crate::plugin_file::signature_path;
use crate::stamp::Stamp;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// For so long a file must have been left alone.
const QUIET: Duration = Duration::from_millis(900);
/// After so long it is taken even if it seems to be cut short: whoever writes it has given up.
const GIVEN_UP: Duration = Duration::from_secs(10);
/// Of a file with more sections only the compiler says whether it is whole: plugins have some dozens.
const SECTIONS_MAX: usize = 10_000;

/// The files that a pipeline is made of.
#[derive(Debug, Default)]
pub(super) struct Watch {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    itself: Name,
    /// What lies where its signature would.
    signature: Name,
    /// When one of them became as it is, if nothing was said of that yet.
    changed: Option<Instant>,
}

/// A path, and what was seen at it last.
#[derive(Debug)]
struct Name {
    path: PathBuf,
    seen: Option<Stamp>,
}

impl Name {
    fn new(path: PathBuf) -> Self {
        let seen = Stamp::of(&path);
        Self { path, seen }
    }

    /// Whether something else is there than what was seen last. What is gone is not.
    fn has_changed(&mut self) -> bool {
        let now = Stamp::of(&self.path);
        let has_changed = now.is_some() && self.seen != now;
        self.seen = now.or(self.seen);
        has_changed
    }
}

impl File {
    fn new(path: PathBuf) -> Self {
        Self {
            signature: Name::new(signature_path(&path)),
            itself: Name::new(path),
            changed: None,
        }
    }

    /// Whether neither is obviously cut short.
    fn is_whole(&self) -> bool {
        // A file that was opened to be written begins with nothing.
        let has_signature = self.signature.seen.is_none_or(|stamp| !stamp.is_empty());
        has_signature && is_whole(&self.itself.path).unwrap_or(false)
    }
}

impl Watch {
    /// Looks after `paths` from now on. What is known of those that stay is kept; the others count as seen.
    pub(super) fn set(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut known = std::mem::take(&mut self.files);
        for path in paths {
            let index = known.iter().position(|file| file.itself.path == path);
            let file = index.map(|index| known.swap_remove(index));
            self.files.push(file.unwrap_or_else(|| File::new(path)));
        }
    }

    /// Returns when one of them, or its signature, has become something else, with the path of the file.
    pub(super) async fn changed(&mut self) -> PathBuf {
        loop {
            if let Some(path) = self.look(Instant::now()) {
                return path;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn look(&mut self, now: Instant) -> Option<PathBuf> {
        for file in &mut self.files {
            // Both are looked at: what is seen of one says nothing of the other.
            if file.itself.has_changed() | file.signature.has_changed() {
                file.changed = Some(now);
            }
        }
        self.files.iter_mut().find_map(|file| {
            let quiet = now.duration_since(file.changed?);
            let is_whole = quiet >= GIVEN_UP || (quiet >= QUIET && file.is_whole());
            is_whole.then(|| {
                file.changed = None;
                file.itself.path.clone()
            })
        })
    }
}

/// Whether the file at `path` is not obviously cut short. Only WebAssembly can tell: the sections of a module or component end where
/// the file does; each is a number, its length in LEB128, and so many bytes (WebAssembly core specification, Binary Format, Modules).
///
/// Only where they begin is read, so that a file may be as large as it likes.
fn is_whole(path: &Path) -> io::Result<bool> {
    const HEADER_BYTES: u64 = 8;
    const SECTION_BYTES: usize = 1 + LENGTH_BYTES_MAX;

    let file = open_file(path)?;
    let end = file.metadata()?.len();
    let mut magic = [0; 4];
    let read = file.read_at(&mut magic, 0)?;
    if magic[..read] != *b"\0asm" {
        return Ok(end > 0);
    }
    let mut at = HEADER_BYTES;
    for _ in 0..SECTIONS_MAX {
        if at >= end {
            return Ok(at == end);
        }
        let mut section = [0; SECTION_BYTES];
        let read = file.read_at(&mut section, at)?;
        let Some((length, bytes)) = section[..read].get(1..).and_then(length) else {
            return Ok(false);
        };
        at += 1 + bytes + length;
    }
    Ok(true)
}

/// Bytes of a number of 32 bits in LEB128.
const LENGTH_BYTES_MAX: usize = 5;

/// The unsigned number in LEB128 that `bytes` begin with, and in how many of them it is.
fn length(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut number = 0;
    for (byte, place) in bytes.iter().zip(0..).take(LENGTH_BYTES_MAX) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests;
