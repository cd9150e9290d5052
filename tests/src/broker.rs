//! A broker of a test's own, to be killed.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kafka::Kafka;
use crate::place::root;

/// A real broker, not started yet. What it was goes with the test.
#[derive(Debug)]
pub struct Broker {
    folder: TempDir,
    port: u16,
}

impl Default for Broker {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        Self {
            folder,
            port: free_port(),
        }
    }
}

impl Broker {
    /// How to reach it.
    #[must_use]
    pub fn kafka(&self) -> Kafka {
        Kafka {
            address: format!("127.0.0.1:{}", self.port),
        }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self) {
        assert!(self.service("start"), "the broker does not start");
    }

    /// Kills it; what it has written stays.
    ///
    /// # Panics
    /// Where that fails.
    pub fn kill(&self) {
        assert!(self.service("kill"), "the broker cannot be killed");
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("kafka/log")
    }

    fn service(&self, what: &str) -> bool {
        let status = Command::new(root().join("tests/services/kafka.sh"))
            .arg(what)
            .env("KAFKA_PORT", self.port.to_string())
            .env("KAFKA_DIR", self.folder.path().join("kafka"))
            .env("KAFKA_HEAP", "256m")
            .stdout(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and its folder goes in any case.
        let _cleaned = self.service("clean");
    }
}

/// A port that no one listens on, with the one after it, where the controller listens.
fn free_port() -> u16 {
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Below those that the system gives to clients.
    let candidates = std::iter::repeat_with(|| fastrand::u16(20_000..30_000)).take(100);
    let found = candidates
        .into_iter()
        .find(|port| is_free(*port) && is_free(port + 1));
    found.expect("few of the ports are taken")
}
