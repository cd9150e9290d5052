//! From a file to a plugin that can be run, with a cure for whatever is wrong with the file.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::compile::{self, Origin};
use crate::contract::{Description, EXPORTS, Prepared, Version};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::file::read_file;
use crate::instance::{Instance, Settings, StartError};
use crate::limits::{Grants, PluginLimits};
use crate::log_budget::LogBudget;

/// The largest file: a plugin that brings its language along has some 20 MB.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Digits of a file's digest that tell its version from others.
const DIGEST_SHOWN: usize = 12;
/// For the instance that is asked who it is, before the settings with the limits of a stage apply.
const DESCRIBE: PluginLimits = PluginLimits {
    memory_bytes_max: 256 << 20,
    batch_time: Duration::from_secs(5),
    output_bytes_max: 1 << 20,
    outputs_per_record_max: 0,
    search_time: Duration::ZERO,
};

/// A plugin compiled and linked; immutable, shared by all lanes.
pub struct Plugin {
    engine: Engine,
    prepared: Prepared,
    contract: Version,
    description: Description,
    memory_bytes: usize,
    origin: Origin,
    digest: String,
    log_budget: LogBudget,
}

/// A file that is no plugin.
#[derive(Debug, thiserror::Error)]
#[error("{file} {problem}")]
pub struct LoadError {
    /// Which.
    pub file: String,
    /// What is wrong with it, and what to do.
    pub problem: LoadProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum LoadProblem {
    /// It is not there, may not be read, or is no file.
    #[error("cannot be read: {0}; check its path and who may read it")]
    Unreadable(std::io::Error),
    /// It is larger than any plugin.
    #[error("is larger than {} MiB; a plugin is a .wasm file", FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// It is something else.
    #[error("is not WebAssembly; name the .wasm file that `tamis plugin build` wrote")]
    NotWasm,
    /// It is cut short, broken, or uses what is switched off.
    #[error("is not valid WebAssembly, or was cut short: {0}; build it again")]
    Broken(String),
    /// Its compilation spent what it may.
    #[error("cannot be compiled within {0}; make it smaller, or allow more, see `tamis --help`")]
    CompileLimit(String),
    /// The compiler failed on it.
    #[error("cannot be compiled: {0}; build it with another version of its toolchain")]
    Compiler(String),
    /// The compiler could not work, whatever the file is.
    #[error("cannot be compiled here: {0}")]
    NoCompiler(String),
    /// It does not export what a plugin does.
    #[error(
        "is not a Tamis plugin: it does not export {}; it has to implement the world \
         tamis:plugin/plugin@{}, which the SDK does for it", .0.join(", "), Version::ALL[0]
    )]
    Exports(Vec<&'static str>),
    /// An import or export has the right name, but not the right type.
    #[error(
        "does not fit the world tamis:plugin/plugin@{version}: {how}; build it with the SDK of this version"
    )]
    Types {
        /// That it was made for.
        version: Version,
        /// What does not fit.
        how: String,
    },
    /// It was made for another version of the contract.
    #[error(
        "was made for version {} of the contract, and this Tamis knows {}; build it with an SDK of that",
        .0, Version::ALL.map(|it| it.to_string()).join(" and ")
    )]
    Version(String),
    /// Its parts were made for different versions of the contract.
    #[error(
        "was made for version {0} of the contract beside another one, and only one can hold; build it with one SDK"
    )]
    Mixed(String),
    /// It wants to reach the operating system.
    #[error(
        "imports `{0}` of WASI, and plugins get none of it; build it for wasm32-unknown-unknown, \
         or have its toolchain stub WASI"
    )]
    Wasi(String),
    /// It wants what is only given when the configuration says so.
    #[error("imports `{0}`, which is denied; grant it with grants: [{0}]")]
    Ungranted(&'static str),
    /// It wants something that no plugin gets.
    #[error(
        "imports `{0}`, which no plugin gets; plugins get panic, and clock where it is granted"
    )]
    Import(String),
    /// It failed as soon as it was started.
    #[error("failed when asked to describe itself: {0}; try its tests")]
    Describe(Failure),
    /// Dead letters, stamps of records and logs could not show who it is.
    #[error(
        "calls itself {name:?} with the version {version:?}: a name has 1 to {NAME_BYTES_MAX} characters and a version up to \
         {VERSION_BYTES_MAX}, letters, digits and `.`, `_`, `-`, `+`"
    )]
    Unnamable {
        /// The beginning of it.
        name: String,
        /// Likewise.
        version: String,
    },
}

/// The longest name that a plugin may give itself,
const NAME_BYTES_MAX: usize = 100;
/// and the longest version.
const VERSION_BYTES_MAX: usize = 64;

impl Plugin {
    /// Reads, checks, compiles and links the file at `path`, and asks it who it is.
    ///
    /// # Errors
    /// When it is no plugin that can run here.
    pub fn load(engine: &Engine, path: &Path, grants: Grants) -> Result<Self, LoadError> {
        let bytes = Self::read(path)?;
        Self::from_bytes(engine, &path.display().to_string(), &bytes, grants)
    }

    /// The bytes of the file at `path`, for [`Plugin::from_bytes`].
    ///
    /// # Errors
    /// When it cannot be read, or is larger than any plugin.
    pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
        read(path).map_err(|problem| LoadError {
            file: path.display().to_string(),
            problem,
        })
    }

    /// As [`Plugin::load`], for a file called `name` that was read already.
    ///
    /// # Errors
    /// When it is no plugin that can run here.
    pub fn from_bytes(
        engine: &Engine,
        name: &str,
        bytes: &[u8],
        grants: Grants,
    ) -> Result<Self, LoadError> {
        build(engine, bytes, grants).map_err(|problem| LoadError {
            file: name.to_owned(),
            problem,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Which version of the contract it was made for.
    #[must_use]
    pub fn contract(&self) -> Version {
        self.contract
    }

    /// Bytes of memory that an instance has before its settings: less cannot be its limit.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// SHA-256 of its file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The version that it says it has, with the begin of the digest of its file as build metadata: two files are never one version.
    #[must_use]
    pub fn version(&self) -> String {
        let (version, digest) = (&self.description.version, &self.digest[..DIGEST_SHOWN]);
        let joint = if version.contains('+') { '.' } else { '+' };
        format!("{version}{joint}{digest}")
    }

    /// Where its code came from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn log_budget(&self) -> &LogBudget {
        &self.log_budget
    }

    /// An instance with `limits` that has no settings yet, to see whether there can be one.
    ///
    /// # Errors
    /// How it fails.
    pub fn probe(&self, limits: &PluginLimits) -> Result<Probe, StartError> {
        self.instantiate(limits)
            .map(Probe)
            .map_err(StartError::Failed)
    }

    pub(crate) fn instantiate(&self, limits: &PluginLimits) -> Result<Instance, Failure> {
        Instance::new(&self.engine, &self.prepared, limits)
    }
}

/// An instance that never gets a record.
pub struct Probe(Instance);

impl Probe {
    /// Hands `settings` over.
    ///
    /// # Errors
    /// Where they are refused, or the plugin fails on them.
    pub fn configure(mut self, settings: &Settings) -> Result<(), StartError> {
        self.0.configure(settings)
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

/// SHA-256 of the bytes of a file, in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn read(path: &Path) -> Result<Vec<u8>, LoadProblem> {
    read_file(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => LoadProblem::TooLarge,
        _ => LoadProblem::Unreadable(error),
    })
}

fn build(engine: &Engine, bytes: &[u8], grants: Grants) -> Result<Plugin, LoadProblem> {
    let (component, origin) = compile::component(engine, bytes)?;
    let version = check_imports(&component, grants)?;
    check_exports(&component)?;
    let prepared = version.prepare(&component, grants).map_err(|error| {
        let how = format!("{error:#}");
        LoadProblem::Types { version, how }
    })?;
    let instance = Instance::new(engine, &prepared, &DESCRIBE).map_err(LoadProblem::Describe)?;
    let description = instance.description().clone();
    check_names(&description)?;
    Ok(Plugin {
        engine: engine.clone(),
        prepared,
        contract: version,
        description,
        memory_bytes: instance.memory_bytes(),
        origin,
        digest: digest(bytes),
        log_budget: LogBudget::new(engine),
    })
}

/// Whether a plugin says who it is in words that fit wherever they are shown.
fn check_names(Description { name, version, .. }: &Description) -> Result<(), LoadProblem> {
    let is_legal = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
    };
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && is_legal(name);
    if is_name && version.len() <= VERSION_BYTES_MAX && is_legal(version) {
        return Ok(());
    }
    let head = |text: &str| text.chars().take(NAME_BYTES_MAX).collect();
    Err(LoadProblem::Unnamable {
        name: head(name),
        version: head(version),
    })
}

/// The version that its imports are named with.
fn check_imports(component: &Component, grants: Grants) -> Result<Version, LoadProblem> {
    let ty = component.component_type();
    let mut found = None;
    for (name, _) in ty.imports(component.engine()) {
        let ours = name
            .strip_prefix("tamis:plugin/")
            .and_then(|name| name.split_once('@'));
        if let Some((_, name)) = ours {
            let version = Version::of(name).ok_or_else(|| LoadProblem::Version(name.to_owned()))?;
            if *found.get_or_insert(version) != version {
                return Err(LoadProblem::Mixed(name.to_owned()));
            }
        }
        match ours {
            Some(("records" | "panic", _)) => {}
            Some(("clock", _)) if grants.clock => {}
            Some(("clock", _)) => return Err(LoadProblem::Ungranted("clock")),
            None if name.starts_with("wasi:") => return Err(LoadProblem::Wasi(name.to_owned())),
            Some(_) | None => return Err(LoadProblem::Import(name.to_owned())),
        }
    }
    // With its types inline and nothing imported it does not say; before 1.0 there was none like that.
    Ok(found.unwrap_or(Version::V1_0))
}

fn check_exports(component: &Component) -> Result<(), LoadProblem> {
    let ty = component.component_type();
    let missing: Vec<&str> = EXPORTS
        .into_iter()
        .filter(|name| ty.get_export(component.engine(), name).is_none())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(LoadProblem::Exports(missing))
    }
}
