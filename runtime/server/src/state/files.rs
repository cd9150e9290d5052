//! The files of versions, each under the SHA-256 of its bytes.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{StateError, folder};

const FOLDER: &str = "plugins";
const PLUGIN: &str = "wasm";
const SIGNATURE: &str = "wasm.minisig";

/// A folder of files of versions.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

/// The file of a version, as it was when it was kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Option<Vec<u8>>,
}

/// The file that the folder `own` of a pipeline, which may be in use by the process that runs it, has under `sha256`.
///
/// # Errors
/// When it is not there, or was altered.
pub(crate) fn kept(own: &Path, sha256: &str) -> Result<Kept, StateError> {
    let folder = own.join(FOLDER);
    Files { folder }.kept(sha256)
}

impl Files {
    /// Those in the folder `own` of a pipeline, whose folder of files is made where it is not there.
    pub(super) fn open(own: &Path) -> Result<Self, StateError> {
        let folder = own.join(FOLDER);
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        let opened = made.and_then(|()| folder::remove_unfinished(&folder));
        match opened {
            Ok(()) => Ok(Self { folder }),
            Err(error) => Err(StateError::Unusable(folder, error)),
        }
    }

    pub(super) fn keep(
        &self,
        sha256: &str,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> io::Result<()> {
        if digest(bytes) != sha256 {
            let reason = format!("{sha256} is not the SHA-256 of the file that is to be kept");
            return Err(io::Error::new(ErrorKind::InvalidInput, reason));
        }
        // Before the file that it is for: one that must be signed is never seen without.
        if let Some(signature) = signature {
            self.put(sha256, SIGNATURE, signature)?;
        }
        self.put(sha256, PLUGIN, bytes)
    }

    pub(super) fn kept(&self, sha256: &str) -> Result<Kept, StateError> {
        let path = self.path(sha256, PLUGIN);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => StateError::NotKept(path.clone()),
            _ => StateError::Unusable(path.clone(), error),
        })?;
        if digest(&bytes) != sha256 {
            return Err(StateError::Altered(path));
        }
        let path = self.path(sha256, SIGNATURE);
        let signature = match fs::read(&path) {
            Ok(signature) => Some(signature),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(StateError::Unusable(path, error)),
        };
        Ok(Kept { bytes, signature })
    }

    /// Removes all versions but those that are to `stay`.
    pub(super) fn sweep(&self, stay: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let parts = name.and_then(|name| name.split_once('.'));
            if let Some((sha256, PLUGIN | SIGNATURE)) = parts
                && !stay(sha256)
            {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Writes `content`, unless it is there.
    fn put(&self, sha256: &str, ending: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path(sha256, ending);
        match fs::read(&path) {
            Ok(found) if found == content => Ok(()),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => folder::write(&path, content),
        }
    }

    /// A digest that is none leads out of this folder no more than any other does.
    fn path(&self, sha256: &str, ending: &str) -> PathBuf {
        let name: String = sha256.chars().filter(char::is_ascii_hexdigit).collect();
        self.folder.join(format!("{name}.{ending}"))
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
