//! What a file may say of whose plugins it runs.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Downgrade;

/// Whose plugins are run: those that are signed by one of these keys, and no others.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTrust {
    /// Public keys in minisign's form: the line `RWQ…` that `tamis plugin keygen` prints, or `${file:release.pub}`. Each is
    /// enough by itself, so that a new key can be brought in before the old one goes.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) keys: Vec<String>,
    /// What becomes of a version of a plugin that is older, by semver, than one that ran. It is refused by default: its
    /// signature is as good as ever, and so are its known holes.
    #[serde(default)]
    pub(crate) downgrade: Downgrade,
}
