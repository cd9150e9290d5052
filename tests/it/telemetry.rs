//! What a process says of its pipelines while they run: metrics, its status, and whether it is ready.

mod access;
mod counts;
mod log;
mod readiness;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tamis_tests::exposition::Metrics;
use tamis_tests::http::{self, Answer};
use tamis_tests::tamis::{self, Running};

/// A process that answers HTTP, and is told to do so at any port.
pub(crate) struct Watched {
    pub(crate) tamis: Running,
    pub(crate) address: String,
}

impl Watched {
    /// Starts `command`, which is `tamis run`.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut tamis = Running::start(command.args(["--telemetry", "127.0.0.1:0"]));
        const WORDS: &str = "telemetry is answered address=";
        tamis.await_words(WORDS);
        let said = tamis.said();
        let (_, rest) = said.split_once(WORDS).unwrap();
        let address = rest.split_whitespace().next().unwrap().to_owned();
        Self { tamis, address }
    }

    fn get(&self, path: &str) -> Answer {
        http::get(&self.address, path, None).unwrap()
    }

    fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Metrics::read(&answer.body)
    }

    /// What `/health/ready` says; `None` in the place of what is not ready.
    fn ready(&self) -> Result<(), Value> {
        let answer = self.get("/health/ready");
        let told = answer.json();
        match answer.status {
            200 => {
                assert_eq!(told["ready"], true, "{told}");
                Ok(())
            }
            503 => {
                assert_eq!(told["ready"], false, "{told}");
                Err(told)
            }
            other => panic!("{other}: {told}"),
        }
    }

    /// Waits until all is ready.
    fn await_ready(&mut self) {
        let address = self.address.clone();
        self.tamis.until("it is ready", || {
            http::get(&address, "/health/ready", None).unwrap().status == 200
        });
    }
}

/// The causes that the first pipeline of `told` has.
fn causes(told: &Value) -> Vec<&str> {
    let unready = told["pipelines"][0]["unready"].as_array().unwrap();
    unready
        .iter()
        .map(|it| it["cause"].as_str().unwrap())
        .collect()
}

/// `tamis status` of a pipeline, by whoever knows the state folder of its process.
fn status(pipeline: &str, state: &Path, more: &[&str]) -> tamis::Ended {
    let mut command = tamis::tamis(["status", pipeline]);
    command.args(more).env(tamis::STATE, state);
    tamis::output(&mut command)
}
