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
    settings: String,
    /// A user that it knows, as `kafka-storage format --add-scram` takes it.
    scram: Option<String>,
}

/// A way to reach a broker beside the plain one, which it always has.
#[derive(Debug)]
pub struct Listener {
    /// In lower case.
    pub name: &'static str,
    /// `SSL` or `SASL_SSL`.
    pub protocol: &'static str,
    /// What the broker is to know about it: `ssl.keystore.location=…`.
    pub settings: Vec<String>,
}

impl Default for Broker {
    fn default() -> Self {
        Self::with_listeners(&[], None)
    }
}

impl Broker {
    /// A broker that is also reached through `listeners`, and knows a user.
    #[must_use]
    pub fn with_listeners(listeners: &[Listener], scram: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let port = free_ports(LISTENERS + count(listeners));
        Self {
            folder,
            port,
            settings: settings(port, listeners),
            scram,
        }
    }

    /// How to reach it.
    #[must_use]
    pub fn kafka(&self) -> Kafka {
        Kafka {
            address: address(self.port),
        }
    }

    /// How to reach it through the further listener of this index.
    #[must_use]
    pub fn listener(&self, index: u16) -> String {
        address(self.port + LISTENERS + index)
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
            .env("KAFKA_SETTINGS", &self.settings)
            .envs(self.scram.as_ref().map(|user| ("KAFKA_SCRAM", user)))
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

/// The plain listener and the controller's, at the port after it; further ones come behind them.
const LISTENERS: u16 = 2;

fn count(listeners: &[Listener]) -> u16 {
    u16::try_from(listeners.len()).expect("they are few")
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// What a broker at `port` is to know about its further listeners.
fn settings(port: u16, listeners: &[Listener]) -> String {
    if listeners.is_empty() {
        return String::new();
    }
    let mut reached = format!("PLAINTEXT://{}", address(port));
    let mut protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned();
    let mut lines = Vec::new();
    for (listener, port) in listeners.iter().zip(port + LISTENERS..) {
        let name = listener.name.to_uppercase();
        reached += &format!(",{name}://{}", address(port));
        protocols += &format!(",{name}:{}", listener.protocol);
        let own = |line: &String| format!("listener.name.{}.{line}", listener.name);
        lines.extend(listener.settings.iter().map(own));
    }
    lines.extend([
        format!("listeners={reached},CONTROLLER://{}", address(port + 1)),
        format!("advertised.listeners={reached}"),
        format!("listener.security.protocol.map={protocols}"),
    ]);
    lines.join("\n")
}

/// The first one of `count` ports in a row that no one listens on.
pub(crate) fn free_ports(count: u16) -> u16 {
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Below those that the system gives to clients.
    let candidates = std::iter::repeat_with(|| fastrand::u16(20_000..30_000)).take(100);
    let found = candidates
        .into_iter()
        .find(|port| (*port..*port + count).all(is_free));
    found.expect("few of the ports are taken")
}
