//! The folder of one test, and the pipelines that run in it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that vanishes with the test. Pipelines of these tests write to `out` in it, and their dead letters to `dead`.
#[derive(Debug)]
pub struct Place(TempDir);

/// What differs from one test's pipeline to the other's, in the words of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Pipeline<'a> {
    /// Its name, and that of its file.
    pub name: &'a str,
    /// The folder of a record below [`Place::out`], as a template.
    pub path: &'a str,
    /// How its files are compressed.
    pub compression: &'a str,
    /// When a run ends.
    pub run: &'a str,
    /// Its limits.
    pub limits: &'a str,
    /// Where dead letters go; the folder of [`Place::dead`] unless given.
    pub dead_letters: Option<&'a str>,
    /// The sink `archive`; files in [`Place::out`] unless given.
    pub sink: Option<&'a str>,
    /// All sinks, by their names; `archive` alone unless given.
    pub sinks: Option<&'a str>,
}

impl Default for Pipeline<'_> {
    fn default() -> Self {
        Self {
            name: "main-job",
            path: "all",
            compression: "zstd",
            run: "{ records_max: 10000, age_ms_max: 500 }",
            limits: "{ commit_interval_ms: 200 }",
            dead_letters: None,
            sink: None,
            sinks: None,
        }
    }
}

/// The folder of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate is a folder of it")
}

impl Default for Place {
    fn default() -> Self {
        let folder = tempfile::Builder::new().prefix("tamis-").tempdir();
        Self(folder.expect("there is room for temporary files"))
    }
}

impl Place {
    /// Leaves the folder where it is for whoever looks into it.
    pub fn keep(&mut self) -> &Path {
        self.0.disable_cleanup(true);
        self.0.path()
    }

    /// A path in this folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("a file in a temporary folder can be written");
        path
    }

    /// Where sinks write to.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// Where dead letters go.
    #[must_use]
    pub fn dead(&self) -> PathBuf {
        self.path("dead")
    }

    /// Writes the configuration of a pipeline that copies `source`.
    pub fn copy(&self, source: &str, job: Pipeline<'_>) -> PathBuf {
        self.pipeline(source, "[]", job)
    }

    /// Writes the configuration of the main job: both reference plugins over `source`, with the settings of
    /// `tests/expected/main_job.py`.
    pub fn main_job(&self, source: &str, job: Pipeline<'_>) -> PathBuf {
        let root = root().display();
        let plugins = format!(
            r#"
  - name: level
    path: {root}/plugins/level-filter/level-filter.wasm
    settings: {{ minimum: info, check: true }}
  - name: enrich
    path: {root}/plugins/enrich/enrich.wasm
    settings:
      set: {{ env: prod }}
      level: {{ from: /Type, to: /level }}
      timestamp: {{ from: /Time, zone: Asia/Shanghai, to: "/@timestamp" }}"#
        );
        self.pipeline(source, &plugins, job)
    }

    fn pipeline(&self, source: &str, plugins: &str, job: Pipeline<'_>) -> PathBuf {
        let Pipeline {
            name,
            path,
            compression,
            run,
            limits,
            dead_letters,
            sink,
            sinks,
        } = job;
        let (out, dead) = (self.out(), self.dead());
        let folder = format!("{{ folder: {{ path: {} }} }}", dead.display());
        let dead_letters = dead_letters.unwrap_or(&folder);
        let files = format!(
            r#"{{ file: {{ url: "file://{}", path: "{path}", format: ndjson, compression: {compression}, run: {run} }} }}"#,
            out.display()
        );
        let archive = format!("{{ archive: {} }}", sink.unwrap_or(&files));
        let sinks = sinks.unwrap_or(&archive);
        let text = format!(
            "pipeline: {name}
source: {source}
plugins: {plugins}
sinks: {sinks}
dead_letters: {dead_letters}
limits: {limits}
"
        );
        self.write(&format!("{name}.yaml"), text)
    }
}
