//! Looks after files: says which of them have become something else, once they are whole.
//!
//! Files are looked at by their names every half second, through whatever links lead to them: whether one is written anew, renamed
//! over, or a link on the way (as in a mounted `ConfigMap`) was turned, it is another file or has another time then. An event of the
//! file system would tell of some of that, on some file systems.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::stamp::Stamp;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// For so long a file must have been left alone.
const QUIET: Duration = Duration::from_millis(900);
/// After so long it is taken even if it seems to be cut short: whoever writes it has given up.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// The files that a pipeline is made of.
#[derive(Debug, Default)]
pub(super) struct Watch {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    seen: Option<Stamp>,
    /// When it became as it is, if nothing was said of that yet.
    changed: Option<Instant>,
}

impl Watch {
    /// Looks after `paths` from now on. What is known of those that stay is kept; the others count as seen.
    pub(super) fn set(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        let mut known = std::mem::take(&mut self.files);
        for path in paths {
            let index = known.iter().position(|file| file.path == path);
            let file = match index {
                Some(index) => known.swap_remove(index),
                None => File {
                    seen: Stamp::of(&path),
                    path,
                    changed: None,
                },
            };
            self.files.push(file);
        }
    }

    /// Returns when one of them has become something else, with its path.
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
            if let Some(stamp) = Stamp::of(&file.path)
                && file.seen != Some(stamp)
            {
                file.seen = Some(stamp);
                file.changed = Some(now);
            }
        }
        self.files.iter_mut().find_map(|file| {
            let quiet = now.duration_since(file.changed?);
            let is_whole = quiet >= GIVEN_UP || (quiet >= QUIET && is_whole(&file.path));
            is_whole.then(|| {
                file.changed = None;
                file.path.clone()
            })
        })
    }
}

/// Whether the file at `path` is not obviously cut short. Only WebAssembly can tell.
fn is_whole(path: &Path) -> bool {
    match std::fs::read(path) {
        Ok(bytes) if bytes.starts_with(b"\0asm") => has_whole_sections(&bytes),
        Ok(bytes) => !bytes.is_empty(),
        Err(_) => false,
    }
}

/// Whether the sections of a module or component end where the file does: each is a number, its length in LEB128, and so many bytes
/// (WebAssembly core specification, Binary Format, Modules).
fn has_whole_sections(bytes: &[u8]) -> bool {
    const HEADER_BYTES: usize = 8;
    let Some(mut rest) = bytes.get(HEADER_BYTES..) else {
        return false;
    };
    while let Some((_, behind)) = rest.split_first() {
        let section = length(behind).and_then(|(length, behind)| behind.get(length..));
        let Some(behind) = section else {
            return false;
        };
        rest = behind;
    }
    true
}

/// An unsigned number of at most 32 bits in LEB128, and what lies behind it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(number).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests;
