//! `tamis run`, with the settings in `settings/`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::data::Place;
use crate::digest::{By, Digest};

/// A pipeline that is ready to run.
#[derive(Debug)]
pub(crate) struct Pipeline {
    config: PathBuf,
    program: PathBuf,
    output: PathBuf,
    state: PathBuf,
}

impl Pipeline {
    /// Writes the configuration `name` of `settings/`, with each `@KEY@` replaced; its output is a new folder.
    pub(crate) fn new(place: &Place, name: &str, values: &[(&str, &str)]) -> Result<Self> {
        let output = place.work(&format!("{name}-output"));
        for folder in [output.clone(), place.work(&format!("{name}-output-dead"))] {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
        }
        let text = |path: PathBuf| path.into_os_string().into_string();
        let path = |path: PathBuf| text(path).ok().context("a path that is no text");
        let fixed = [
            ("OUTPUT", path(output.clone())?),
            ("ROOT", path(place.file(""))?),
        ];
        let fixed = fixed
            .iter()
            .map(|(key, value)| (*key, value.trim_end_matches('/')));
        let mut settings = fs::read_to_string(place.file(&format!("bench/settings/{name}.yaml")))?;
        for (key, value) in fixed.chain(values.iter().copied()) {
            settings = settings.replace(&format!("@{key}@"), value);
        }
        let config = place.work(&format!("{name}.yaml"));
        fs::write(&config, settings)?;
        Ok(Self {
            config,
            program: place.file("target/release/tamis"),
            output,
            state: place.work("state"),
        })
    }

    /// The command that runs it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("run")
            .arg(&self.config)
            .env("TAMIS_LOG", "info")
            .env("TAMIS_STATE", &self.state);
        command
    }

    /// The folder where its records are seen.
    pub(crate) fn kept(&self) -> PathBuf {
        self.output.join("kept")
    }

    /// Fails unless its output is `expected`, byte for byte.
    pub(crate) fn check(&self, expected: Digest) -> Result<()> {
        let actual = Digest::of_all(&self.kept(), By::Bytes)?;
        let config = self.config.display();
        ensure!(
            actual == expected,
            "the output of {config} is {actual:?}, not {expected:?}"
        );
        Ok(())
    }
}
