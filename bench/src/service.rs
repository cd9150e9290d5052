//! The servers of the tests: each is started when it is not up, and stopped only then.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::data::Place;

/// A server that is up.
#[derive(Debug)]
pub(crate) struct Service {
    /// Where it is, as its script says it.
    pub(crate) address: String,
    script: PathBuf,
    is_ours: bool,
}

impl Service {
    /// The one that `tests/services/NAME.sh` knows.
    pub(crate) fn find(place: &Place, name: &str) -> Result<Self> {
        let script = place.file(&format!("tests/services/{name}.sh"));
        let call = |what: &str| {
            let mut command = Command::new(&script);
            // A node that is filled needs more than the few tests do: with their heap it refuses what it has no memory for.
            if std::env::var_os("ES_HEAP").is_none() {
                command.env("ES_HEAP", "2g");
            }
            command
                .arg(what)
                .stderr(Stdio::inherit())
                .output()
                .with_context(|| script.display().to_string())
        };
        let up = call("status")?;
        let is_ours = !up.status.success();
        let output = if is_ours { call("start")? } else { up };
        ensure!(output.status.success(), "{name} does not start");
        let address = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self {
            address,
            script,
            is_ours,
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = Command::new(&self.script).arg("stop").status()
        {
            let script = self.script.display();
            eprintln!("what {script} started may be left running: {error}");
        }
    }
}
