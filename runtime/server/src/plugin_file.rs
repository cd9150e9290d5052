//! The file of a plugin, read once: what is checked is what is compiled.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tamis_host::{Engine, Grants, Plugin};

use crate::state::Kept;

/// What was in it.
#[derive(Debug)]
pub(crate) struct PluginFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Option<Vec<u8>>,
}

impl PluginFile {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            signature: None,
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

    pub(crate) fn load(
        &self,
        engine: &Engine,
        grants: Grants,
        _trust: Option<&()>,
    ) -> Result<Plugin> {
        let name = self.path.display().to_string();
        Ok(Plugin::from_bytes(engine, &name, &self.bytes, grants)?)
    }
}
