//! The broker of the tests: started when it is not up, and stopped only then.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::data::Place;

/// A broker that is up.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) address: String,
    script: PathBuf,
    is_ours: bool,
}

impl Broker {
    /// The one at `KAFKA_PORT`.
    pub(super) fn find(place: &Place) -> Result<Self> {
        let script = place.file("tests/services/kafka.sh");
        let call = |what: &str| {
            let mut command = Command::new(&script);
            command
                .arg(what)
                .stderr(Stdio::inherit())
                .output()
                .context("kafka.sh")
        };
        let up = call("status")?;
        let is_ours = !up.status.success();
        let output = if is_ours { call("start")? } else { up };
        ensure!(output.status.success(), "there is no broker");
        let address = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self {
            address,
            script,
            is_ours,
        })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = Command::new(&self.script).arg("stop").status()
        {
            eprintln!("the broker may be left running: {error}");
        }
    }
}
