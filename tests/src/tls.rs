//! TLS before a server that has none: Python's, so that it shares nothing with the client.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::place::root;

/// A port that speaks TLS and leads to a server. It is closed when the test is over.
#[derive(Debug)]
pub struct TlsServer {
    child: Child,
    port: u16,
}

impl TlsServer {
    /// One before the server at `address`, with the key and certificate in the file `key`.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn before(address: &str, key: &Path) -> Self {
        use std::io::{BufRead as _, BufReader};

        let mut child = Command::new("python3")
            .arg("-B")
            .arg(root().join("tests/services/tls.py"))
            .arg(key)
            .arg(address)
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a python3");
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it prints its port");
        let port = line.trim().parse().expect("a port is a number");
        Self { child, port }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}
