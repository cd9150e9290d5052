//! Where a new plugin's SDK comes from.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::cli::plugin::Language;
use crate::exit::Misuse;

/// Where the SDK comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sdk {
    /// A folder that is there.
    Folder(PathBuf),
    /// A version, from a registry.
    Version(String),
}

impl Sdk {
    /// What `--sdk` says.
    pub(super) fn of(said: &str, language: Language) -> Result<Self> {
        if said.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(Self::Version(said.to_owned()));
        }
        let folder = Path::new(said);
        let (name, manifest) = place(language);
        if folder.join(manifest).is_file() {
            return Ok(Self::Folder(folder.canonicalize()?));
        }
        let cure = format!("name the folder {name} of the repository, or a version");
        Err(Misuse(format!(
            "--sdk {said}: there is no {manifest} in it; {cure}"
        ))
        .into())
    }

    /// That of the repository in which this program was built; else that of its version.
    pub(super) fn beside_this_program(language: Language) -> Self {
        let (name, manifest) = place(language);
        let program = std::env::current_exe().and_then(|path| path.canonicalize());
        let program = program.unwrap_or_default();
        let folders = program.ancestors().map(|folder| folder.join(name));
        let mut there = folders.filter(|sdk| sdk.join(manifest).is_file());
        there.next().map_or_else(
            || Self::Version(env!("CARGO_PKG_VERSION").to_owned()),
            Self::Folder,
        )
    }

    /// As the manifest of the language has it.
    pub(super) fn dependency(&self, language: Language) -> String {
        // A text in JSON is one in TOML.
        let text = |text: &str| Value::from(text).to_string();
        match (self, language) {
            (Self::Folder(path), Language::Js) => text(&format!("file:{}", path.display())),
            (Self::Folder(path), Language::Rust | Language::Python) => {
                format!("{{ path = {} }}", text(&path.to_string_lossy()))
            }
            (Self::Version(version), _) => text(version),
        }
    }

    /// The folders that tests import from, as Python has them.
    pub(super) fn python_paths(&self) -> String {
        match self {
            Self::Folder(path) => format!("\"src\", {}", Value::from(path.to_string_lossy())),
            Self::Version(_) => "\"src\"".to_owned(),
        }
    }

    /// The versions of crates that its repository is built with: what is on this machine already.
    pub(super) fn lock(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(path) => Some(path.join("../../Cargo.lock")).filter(|lock| lock.is_file()),
            Self::Version(_) => None,
        }
    }

    pub(super) fn described(&self) -> String {
        match self {
            Self::Folder(path) => format!("the SDK in {}", path.display()),
            Self::Version(version) => format!("version {version} of the SDK"),
        }
    }
}

/// The SDK's folder in the repository, and the file that it is known by.
fn place(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Rust => ("sdk/rust", "Cargo.toml"),
        Language::Python => ("sdk/python", "pyproject.toml"),
        Language::Js => ("sdk/js", "package.json"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_a_version_or_a_folder_that_is_there() {
        for (language, folder) in [
            (Language::Rust, "sdk/rust"),
            (Language::Python, "sdk/python"),
            (Language::Js, "sdk/js"),
        ] {
            let version = Sdk::of("0.1", language).unwrap();
            assert_eq!(version.dependency(language), "\"0.1\"");
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../..")
                .join(folder);
            let sdk = Sdk::of(path.to_str().unwrap(), language).unwrap();
            let dependency = sdk.dependency(language);
            assert!(dependency.contains(&format!("/{folder}\"")), "{dependency}");
            assert!(sdk.lock().is_some());
            assert!(Sdk::of("no/such/folder", language).is_err());
        }
    }
}
