//! A real MariaDB server, and databases of a test's own on it. It is looked into by its own client, which shares nothing with
//! what Tamis writes by.

use std::env;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::broker::free_ports;
use crate::place::root;

/// A server of a test's own, not started yet. What it was goes with the test.
#[derive(Debug)]
pub struct MariaDb {
    folder: TempDir,
    port: u16,
    settings: String,
}

/// A database on a server.
#[derive(Debug, Clone)]
pub struct Database {
    /// `host:port` of the server.
    pub address: String,
    /// Its name.
    pub name: String,
}

/// Who reaches the databases, and by which password.
const USER: &str = "logs";
const PASSWORD: &str = "logs";

impl MariaDb {
    /// A server with these further lines in its settings.
    #[must_use]
    pub fn with(settings: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("there is room for temporary files"),
            port: free_ports(1),
            settings: settings.to_owned(),
        }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self) {
        assert!(self.service("start"), "the server does not start");
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
        self.folder.path().join("mariadb/log")
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A database on it that has nothing in it.
    #[must_use]
    pub fn fresh(&self) -> Database {
        Database::fresh(&self.address())
    }

    /// Runs statements as one who may do everything; returns the lines of what they give.
    ///
    /// # Panics
    /// Where one of them fails.
    #[must_use]
    pub fn administer(&self, sql: &str) -> Vec<String> {
        let socket = self.folder.path().join("mariadb/socket");
        let mut client = Command::new("mariadb");
        client.arg("--no-defaults").arg("--socket").arg(socket);
        lines(client.arg("--user").arg(account()), sql)
    }

    fn service(&self, what: &str) -> bool {
        let status = Command::new(root().join("tests/services/mariadb.sh"))
            .arg(what)
            .env("MARIADB_PORT", self.port.to_string())
            .env("MARIADB_DIR", self.folder.path().join("mariadb"))
            .env("MARIADB_SETTINGS", &self.settings)
            .env_remove("MARIADB_DATABASE")
            .env_remove("MARIADB_USER")
            .env_remove("MARIADB_PASSWORD")
            .stdout(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and its folder goes in any case.
        let _cleaned = self.service("clean");
    }
}

impl Database {
    /// One that has nothing in it, on the server that all tests share: `TAMIS_MARIADB`.
    ///
    /// # Panics
    /// Where the variable is not set, or the server does not answer.
    #[must_use]
    pub fn shared() -> Self {
        let url = env::var("TAMIS_MARIADB");
        let url = url.expect("TAMIS_MARIADB=$(tests/services/mariadb.sh start) or `make test`");
        let (_, place) = url.rsplit_once('@').expect("it names a user");
        let (address, _) = place.split_once('/').expect("it names a database");
        Self::fresh(address)
    }

    fn fresh(address: &str) -> Self {
        let name = format!("{USER}_{:08x}", fastrand::u32(..));
        let database = Self {
            address: address.to_owned(),
            name: USER.to_owned(),
        };
        let _made = database.sql(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        Self { name, ..database }
    }

    /// The URL of it for a sink.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(&self.address)
    }

    /// The same where the server is reached at another `address`.
    #[must_use]
    pub fn url_at(&self, address: &str) -> String {
        format!("mysql://{USER}:{PASSWORD}@{address}/{}", self.name)
    }

    /// Runs statements; returns the lines of what they give, with a tab between columns.
    ///
    /// # Panics
    /// Where one of them fails.
    #[must_use]
    pub fn sql(&self, sql: &str) -> Vec<String> {
        lines(&mut self.client(), sql)
    }

    /// Runs statements that give nothing.
    ///
    /// # Panics
    /// Where one of them fails.
    pub fn run(&self, sql: &str) {
        assert_eq!(self.sql(sql), [""; 0], "{sql}");
    }

    /// A client that runs statements as they come on its standard input.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn client(&self) -> Command {
        let (host, port) = self.address.split_once(':').expect("host:port");
        let mut client = Command::new("mariadb");
        client
            .arg("--no-defaults")
            .args(["--host", host, "--port", port, "--user", USER])
            .env("MYSQL_PWD", PASSWORD)
            .args(["--database", &self.name]);
        client
    }
}

/// The lines of what `sql` gives when it is run by `client`.
fn lines(client: &mut Command, sql: &str) -> Vec<String> {
    let input = tempfile::tempdir().expect("there is room for temporary files");
    let script: PathBuf = input.path().join("sql");
    std::fs::write(&script, sql).expect("there is room for temporary files");
    let script = File::open(script).expect("it was just written");
    client.args([
        "--batch",
        "--raw",
        "--skip-column-names",
        "--default-character-set=utf8mb4",
    ]);
    let output = client.stdin(script).output().expect("there is a client");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{sql}: {said}");
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Whose process this is: the server knows that one without a password.
fn account() -> String {
    let output = Command::new("id").arg("-un").output().expect("there is id");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
