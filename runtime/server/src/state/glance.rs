//! What a state folder says of a pipeline's plugins, read beside the process that may have it.

use std::path::Path;

use super::files::{Files, Kept};
use super::{Entry, Past, StateError, history};

/// The folder of one pipeline, as it is at one moment. Nothing of it is changed.
pub(crate) struct Glance {
    entries: Vec<Entry>,
    files: Files,
}

/// The version of a plugin that runs, or ran last.
pub(crate) struct Last<'a> {
    entry: &'a Entry,
    files: &'a Files,
}

impl Glance {
    /// That of `own`, the folder of a pipeline; there is nothing in one that is not there.
    ///
    /// # Errors
    /// When its history cannot be read.
    pub(crate) fn at(own: &Path) -> Result<Self, StateError> {
        Ok(Self {
            entries: history::read(own)?,
            files: Files::at(own),
        })
    }

    /// The version of `plugin` that runs, or ran last.
    pub(crate) fn last(&self, plugin: &str) -> Option<Last<'_>> {
        let entry = Past::of(&self.entries, plugin).running()?;
        Some(Last::new(entry, &self.files))
    }
}

impl<'a> Last<'a> {
    pub(super) fn new(entry: &'a Entry, files: &'a Files) -> Self {
        Self { entry, files }
    }

    /// What was noted of it.
    pub(crate) fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// Its file.
    ///
    /// # Errors
    /// When it is not there, or was altered.
    pub(crate) fn kept(&self) -> Result<Kept, StateError> {
        self.files.kept(&self.entry.sha256)
    }
}
