//! Compiled plugins, kept in a folder by what they were made of. Whoever can write there runs code in this process, so the folder
//! and the files in it have to be its user's own, and closed to everyone else.

use std::fs::{self, DirBuilder, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use tracing::warn;
use wasmtime::component::Component;

use super::code;

/// What a file begins with. Its number is that of the form: a digest of the code, then the code.
const MAGIC: &[u8; 17] = b"tamis-compiled/1\n";
const DIGEST_BYTES: usize = 32;
/// Where the code begins.
const HEADER_BYTES: usize = MAGIC.len() + DIGEST_BYTES;
/// What the names of files end in; others in the folder are left alone.
const SUFFIX: &str = ".tamis";
/// The largest file; see what a compiler may answer.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// Beyond so many the oldest ones go.
const FILES_MAX: usize = 64;
/// Reading, writing or entering by anyone but the owner.
const OTHERS: u32 = 0o077;

/// A folder of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Why a folder or a file in it is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The system refused.
    #[error("{} cannot be used: {}", .0.display(), .1)]
    Unusable(PathBuf, io::Error),
    /// It is something else than a folder or file.
    #[error("{} is not what it should be: no folder, no file", .0.display())]
    Kind(PathBuf),
    /// It belongs to someone else.
    #[error("{} belongs to user {}, and code is only taken from the own one", .0.display(), .1)]
    Foreign(PathBuf, u32),
    /// Others may look or write.
    #[error("{} has the mode {:o}, and must be closed to all but its owner", .0.display(), .1)]
    Open(PathBuf, u32),
    /// It was cut short, or altered.
    #[error("{} is broken", .0.display())]
    Broken(PathBuf),
    /// It is whole, but not for this program or machine.
    #[error("{} does not fit: {}", .0.display(), .1)]
    Unfit(PathBuf, String),
}

impl Cache {
    /// Uses `folder`, which is made where it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or is not the user's own.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let unusable = |error| CacheError::Unusable(folder.to_owned(), error);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(unusable)?;
        // Not through a link, which someone else may turn.
        let metadata = fs::symlink_metadata(folder).map_err(unusable)?;
        if !metadata.is_dir() {
            return Err(CacheError::Kind(folder.to_owned()));
        }
        check_owner(folder, &metadata)?;
        let folder = folder.to_owned();
        Ok(Self { folder })
    }

    /// What was kept under `key`. What cannot be used is said, and is as if it were not there.
    pub(super) fn get(&self, engine: &wasmtime::Engine, key: &Key) -> Option<Component> {
        let path = self.path(key);
        let component = read(&path).and_then(|content| {
            let load = |content: Vec<u8>| code::load(engine, &content[HEADER_BYTES..]);
            let component = content.map(load).transpose();
            component.map_err(|error| CacheError::Unfit(path, format!("{error:#}")))
        });
        component.unwrap_or_else(|error| {
            warn!(%error, "a compiled plugin in the cache is passed over");
            None
        })
    }

    /// Keeps `code` under `key`.
    pub(super) fn put(&self, key: &Key, code: &[u8]) -> Result<(), CacheError> {
        let path = self.path(key);
        let write = || {
            // Written beside and renamed, so that nobody sees half of it. What a crash cuts short has a wrong digest, and is swept
            // like the others.
            let mut file = tempfile::Builder::new()
                .prefix("new-")
                .suffix(SUFFIX)
                .tempfile_in(&self.folder)?;
            for part in [&MAGIC[..], &Sha256::digest(code)[..], code] {
                file.write_all(part)?;
            }
            file.persist(&path)?;
            self.sweep()
        };
        write().map_err(|error| CacheError::Unusable(path.clone(), error))
    }

    /// Removes the oldest files where there are too many.
    fn sweep(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => {
                    files.push((metadata.modified()?, entry.path()));
                }
                Ok(_) => {}
                // Another process sweeps, too.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files.sort();
        let many = files.len().saturating_sub(FILES_MAX);
        files
            .iter()
            .take(many)
            .try_for_each(|(_, path)| match fs::remove_file(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed,
            })
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(&key.0)
    }
}

/// What code is kept under: a digest of all that it follows from.
pub(super) struct Key(String);

impl Key {
    /// Of the file as it is, the settings and version of wasmtime, and the version of what makes components.
    pub(super) fn new(engine: &wasmtime::Engine, bytes: &[u8]) -> Self {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let mut digest = Sha256::new();
        digest.update(settings.finish().to_le_bytes());
        digest.update(env!("CARGO_PKG_VERSION"));
        digest.update(Sha256::digest(bytes));
        Self(format!("{:x}{SUFFIX}", digest.finalize()))
    }
}

/// The file at `path`, which has code behind its header; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
    let unusable = |error| CacheError::Unusable(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error)),
    };
    // Of the file that is open, whatever its name leads to by now.
    let metadata = file.metadata().map_err(unusable)?;
    if !metadata.is_file() {
        return Err(CacheError::Kind(path.to_owned()));
    }
    check_owner(path, &metadata)?;
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(unusable)?;
    let parts = content
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.split_at_checked(DIGEST_BYTES));
    if parts.is_some_and(|(digest, code)| Sha256::digest(code)[..] == *digest) {
        Ok(Some(content))
    } else {
        Err(CacheError::Broken(path.to_owned()))
    }
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), CacheError> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(CacheError::Foreign(path.to_owned(), metadata.uid()));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(CacheError::Open(path.to_owned(), mode));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
