//! Compiled plugins, kept in a folder by what they were made of. Whoever can write there runs code in this process, so the folder
//! and the files in it have to be its user's own, and closed to everyone else.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use tracing::warn;
use wasmtime::component::Component;

use super::code;

/// What a file begins with. Its number is that of the form: a digest of the code, then the code.
const MAGIC: &[u8; 17] = b"tamis-compiled/1\n";
const DIGEST_BYTES: usize = 32;
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
        let component = read(&path).and_then(|code| {
            let load = |code: Vec<u8>| code::load(engine, &code);
            let component = code.map(load).transpose();
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
            // Written beside and renamed, so that nobody sees half of it. What a crash cuts short has a wrong digest.
            let beside = path.with_extension(format!("{}.new", std::process::id()));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            for part in [&MAGIC[..], &Sha256::digest(code)[..], code] {
                file.write_all(part)?;
            }
            fs::rename(&beside, &path)?;
            self.sweep()
        };
        write().map_err(|error| CacheError::Unusable(path.clone(), error))
    }

    /// Removes the oldest files where there are too many.
    fn sweep(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            match entry.metadata().and_then(|metadata| metadata.modified()) {
                Ok(modified) => files.push((modified, entry.path())),
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
        Self(format!("{:x}.tamis", digest.finalize()))
    }
}

/// The code in the file at `path`; `None` where there is no file.
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
    let code = content
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.split_at_checked(DIGEST_BYTES))
        .filter(|(digest, code)| Sha256::digest(code)[..] == **digest)
        .map(|(_, code)| code.len());
    let Some(len) = code else {
        return Err(CacheError::Broken(path.to_owned()));
    };
    Ok(Some(content.split_off(content.len() - len)))
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
