//! What is said of one pipeline: the answer to `status` at the control socket.

use serde::{Deserialize, Serialize};
use tamis_core::snapshot::Snapshot;

/// One pipeline, with its name and its plugins' files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) pipeline: String,
    #[serde(flatten)]
    pub(crate) snapshot: Snapshot,
    /// Whether it has ended because it had done all that there was to do.
    #[serde(default)]
    pub(crate) is_complete: bool,
    /// The plugins that it has, in order.
    #[serde(default)]
    pub(crate) deployed: Vec<Deployed>,
    /// Versions that have the records and are watched.
    #[serde(default)]
    pub(crate) on_probation: Option<Vec<String>>,
    /// Versions that wait for a person.
    #[serde(default)]
    pub(crate) waiting: Option<Vec<String>>,
}

/// One plugin that a pipeline has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deployed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) path: String,
}
