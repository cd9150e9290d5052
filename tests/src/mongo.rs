//! A server that speaks MongoDB's protocol as its users see it, by pymongo: it shares nothing with the client of the sink.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::place::root;

/// A server.
#[derive(Debug, Clone)]
pub struct Mongo {
    /// `host:port`.
    pub address: String,
}

/// A document, as canonical extended JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The collection that it was found in.
    pub collection: String,
    /// Its fields: `_id` among them.
    pub fields: Value,
}

impl Mongo {
    /// The server that all tests share: `TAMIS_MONGO`.
    ///
    /// # Panics
    /// Where the variable is not set.
    #[must_use]
    pub fn shared() -> Self {
        let address = env::var("TAMIS_MONGO");
        let address = address.expect("TAMIS_MONGO=$(tests/services/mongo.sh start) or `make test`");
        Self { address }
    }

    /// What it answers to `command` (extended JSON) on a database.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn run(&self, database: &str, command: &Value) -> Value {
        let answer = self.ask(&["run", database, &command.to_string()]);
        serde_json::from_str(&answer).expect("an answer is JSON")
    }

    /// Has a command done.
    ///
    /// # Panics
    /// Where it is not.
    pub fn must(&self, database: &str, command: &Value) {
        let answer = self.run(database, command);
        let is_done = plain(answer["ok"].clone()) == 1.0;
        let no_errors = answer.get("writeErrors").is_none();
        assert!(is_done && no_errors, "{command}: {answer}");
    }

    /// Every document of every collection of a database.
    ///
    /// # Panics
    /// Where the server does not give them.
    #[must_use]
    pub fn documents(&self, database: &str) -> Vec<Document> {
        let document = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect("each line is JSON");
            let collection = line["collection"].as_str().expect("it has a name");
            Document {
                collection: collection.to_owned(),
                fields: line["document"].take(),
            }
        };
        self.ask(&["read", database])
            .lines()
            .map(document)
            .collect()
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let mut ask = Command::new(root().join("tests/services/mongo.sh"));
        ask.arg("ask").arg(&self.address).args(arguments);
        let output = ask.output().expect("there is bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("an answer is text")
    }
}

impl Document {
    /// Its id and the fields beside it, with numbers as JSON has them.
    ///
    /// # Panics
    /// Where the id is no text.
    #[must_use]
    pub fn plain(&self) -> (String, Value) {
        let mut fields = self.fields.clone();
        let id = fields.as_object_mut().and_then(|it| it.shift_remove("_id"));
        let id = id.as_ref().and_then(Value::as_str).expect("an id is text");
        (id.to_owned(), plain(fields))
    }
}

/// Canonical extended JSON with numbers as JSON has them; all else stays.
#[must_use]
pub fn plain(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(plain).collect(),
        Value::Object(map) => number(&map).unwrap_or_else(|| {
            let fields = map.into_iter().map(|(name, value)| (name, plain(value)));
            Value::Object(fields.collect())
        }),
        other => other,
    }
}

/// The number that `map` stands for, if it is one.
fn number(map: &Map<String, Value>) -> Option<Value> {
    let mut fields = map.iter();
    let (Some((kind, Value::String(text))), None) = (fields.next(), fields.next()) else {
        return None;
    };
    match kind.as_str() {
        "$numberInt" | "$numberLong" => Some(Value::from(text.parse::<i64>().ok()?)),
        "$numberDouble" => Some(Value::from(text.parse::<f64>().ok()?)),
        _ => None,
    }
}

/// A server of a test's own, to be killed. What it was goes with the test.
#[derive(Debug)]
pub struct MongoServer {
    folder: TempDir,
    port: u16,
    flags: String,
}

impl Default for MongoServer {
    fn default() -> Self {
        Self::with_flags("")
    }
}

impl MongoServer {
    /// One with these flags, not started yet.
    ///
    /// # Panics
    /// Where there is no room for it.
    #[must_use]
    pub fn with_flags(flags: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("there is room for temporary files"),
            port: free_port(),
            flags: flags.to_owned(),
        }
    }

    /// How to reach it.
    #[must_use]
    pub fn mongo(&self) -> Mongo {
        Mongo {
            address: format!("127.0.0.1:{}", self.port),
        }
    }

    /// Changes its flags; for the next start.
    pub fn set_flags(&mut self, flags: &str) {
        flags.clone_into(&mut self.flags);
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self) {
        assert!(self.service("start"), "the server does not start");
    }

    /// Stops it in peace.
    ///
    /// # Panics
    /// Where that fails.
    pub fn stop(&self) {
        assert!(self.service("stop"), "the server cannot be stopped");
    }

    /// Kills it; what it has acknowledged stays.
    ///
    /// # Panics
    /// Where that fails.
    pub fn kill(&self) {
        assert!(self.service("kill"), "the server cannot be killed");
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("mongo/log")
    }

    fn service(&self, what: &str) -> bool {
        let status = Command::new(root().join("tests/services/mongo.sh"))
            .arg(what)
            .env("MONGO_PORT", self.port.to_string())
            .env("MONGO_DIR", self.folder.path().join("mongo"))
            .env("MONGO_ARGS", &self.flags)
            .stdout(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and its folder goes in any case.
        let _cleaned = self.service("clean");
    }
}

/// One that no one listens on.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    // Below those that the system gives to clients, and beside those of other servers.
    let candidates = std::iter::repeat_with(|| fastrand::u16(30_000..32_000)).take(100);
    let found = candidates.into_iter().find(is_free);
    found.expect("few of the ports are taken")
}
