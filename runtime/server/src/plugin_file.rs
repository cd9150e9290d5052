//! The file of a plugin and its signature, read once: what is verified is what is compiled.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tamis_config::{Downgrade, TrustSpec};
use tamis_host::{
    Engine, Grants, LoadError, LoadProblem, Plugin, Trust, TrustError, is_downgrade, read_file,
};

use crate::state::Kept;

/// Four lines, of which comments may be long.
const SIGNATURE_BYTES_MAX: u64 = 64 << 10;

/// What was in it.
#[derive(Debug)]
pub(crate) struct PluginFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// What lay beside it in `FILE.minisig`.
    pub(crate) signature: Option<Vec<u8>>,
}

/// Why a plugin's file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// There is none: it may be on its way.
    #[error(transparent)]
    Missing(LoadError),
    /// What is there cannot be read, or is no plugin's file: a person must act.
    #[error(transparent)]
    Unreadable(LoadError),
    /// There is something in the place of its signature that cannot be read: a person must act.
    #[error("{} cannot be read: {}; lay a file there that its user may read, or nothing", .0.display(), .1)]
    Signature(PathBuf, io::Error),
    /// What is in the place of its signature is none.
    #[error("{} is larger than any signature; `tamis plugin sign` makes a new one", .0.display())]
    SignatureTooLarge(PathBuf),
}

impl PluginFile {
    /// Reads the file at `path`, and its signature if it has one. Waits for nothing: what is no file is not read.
    ///
    /// # Errors
    /// When there is no such file, or one of the two cannot be read or is too large to be what it should.
    pub(crate) fn read(path: &Path) -> Result<Self, ReadError> {
        // First: who replaces both lays the signature down before the file that it is for.
        let signature = signature(signature_path(path))?;
        let bytes = Plugin::read(path).map_err(|error| match &error.problem {
            LoadProblem::Unreadable(why) if why.kind() == ErrorKind::NotFound => {
                ReadError::Missing(error)
            }
            _ => ReadError::Unreadable(error),
        })?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            signature,
        })
    }

    /// A version that the state folder has of what lay at `path`.
    pub(crate) fn kept(path: &Path, kept: Kept) -> Self {
        let Kept { bytes, signature } = kept;
        Self {
            path: path.to_owned(),
            bytes,
            signature,
        }
    }

    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        tamis_host::digest(&self.bytes)
    }

    /// SHA-256 of its signature, in hexadecimal: with another one, a file that was refused may be as good as any.
    pub(crate) fn signature_sha256(&self) -> Option<String> {
        self.signature.as_deref().map(tamis_host::digest)
    }

    /// Compiles it. With `trust`, not before its signature is verified; it must be the plugin that its signature names, too, and the
    /// one called `expected_name`, where it is to take the place of that one.
    ///
    /// # Errors
    /// When it is not trusted, or no plugin that can run here.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        grants: Grants,
        trust: Option<&Trust>,
        expected_name: Option<&str>,
    ) -> Result<Plugin> {
        let name = self.path.display().to_string();
        let signed = trust.map(|trust| trust.verify(&self.bytes, self.signature.as_deref()));
        let signed = signed.transpose().map_err(|error| self.refusal(&error))?;
        let plugin = Plugin::from_bytes(engine, &name, &self.bytes, grants)?;
        if let Some(signed) = signed {
            let checked = signed.check(plugin.description(), expected_name);
            checked.map_err(|error| self.refusal(&error))?;
        }
        Ok(plugin)
    }

    fn refusal(&self, error: &TrustError) -> anyhow::Error {
        anyhow::Error::msg(format!("{} {error}", self.path.display()))
    }
}

/// Where the signature of the plugin at `path` lies.
pub(crate) fn signature_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".minisig");
    name.into()
}

fn signature(path: PathBuf) -> Result<Option<Vec<u8>>, ReadError> {
    match read_file(&path, SIGNATURE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(None),
            ErrorKind::FileTooLarge => Err(ReadError::SignatureTooLarge(path)),
            _ => Err(ReadError::Signature(path, error)),
        },
    }
}

/// Refuses `version` of a plugin where `trust` forbids versions older than the `newest` one that ran.
///
/// # Errors
/// When it is older, and that is not allowed.
pub(crate) fn refuse_downgrade(
    trust: Option<&TrustSpec>,
    version: &str,
    newest: Option<&str>,
) -> Result<()> {
    match (trust.map(|trust| trust.downgrade), newest) {
        (Some(Downgrade::Refuse), Some(newest)) if is_downgrade(version, newest) => bail!(
            "version {version} is older than {newest}, which ran; go back with `tamis plugin rollback`, give it a higher \
             version, or set trust.downgrade to allow"
        ),
        (Some(Downgrade::Refuse | Downgrade::Allow) | None, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
