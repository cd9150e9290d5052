//! A real Elasticsearch as its users see it, by curl: it shares nothing with the client of the sink.

use std::env;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::place::root;

/// Documents that are fetched at once.
const PAGE: usize = 10_000;
/// No test makes indexes that end so, and no server of the tests makes them by itself.
pub const NEVER_MADE: &str = "-missing";

/// A cluster.
#[derive(Debug, Clone)]
pub struct Elasticsearch {
    /// `host:port`.
    pub address: String,
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The index that it was found in.
    pub index: String,
    /// Its id.
    pub id: String,
    /// What was written.
    pub source: Value,
}

impl Elasticsearch {
    /// The server that all tests share: `TAMIS_ELASTICSEARCH`.
    ///
    /// # Panics
    /// Where the variable is not set.
    #[must_use]
    pub fn shared() -> Self {
        static SET_UP: OnceLock<()> = OnceLock::new();
        let address = env::var("TAMIS_ELASTICSEARCH");
        let address = address
            .expect("TAMIS_ELASTICSEARCH=$(tests/services/elasticsearch.sh start) or `make test`");
        let shared = Self { address };
        SET_UP.get_or_init(|| shared.set_up());
        shared
    }

    /// Keeps the server from making the indexes that tests want to be missing.
    fn set_up(&self) {
        let rule = format!("-*{NEVER_MADE},+*");
        let settings = json!({ "persistent": { "action.auto_create_index": rule } });
        self.put("_cluster/settings", &settings);
    }

    /// What it answers, with its status.
    ///
    /// # Panics
    /// Where it does not answer in JSON.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, body) = self.say(method, path, body);
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        (status, body)
    }

    /// The same, with the answer as it stands.
    fn say(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-m", "120", "-X", method, "-w", "\n%{http_code}"])
            .args(["-H", "content-type: application/json", "-d", "@-"])
            .arg(format!("http://{}/{path}", self.address))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = curl.spawn().expect("there is curl");
        let mut stdin = child.stdin.take().expect("it is piped");
        if let Some(body) = body {
            let body = body.to_string();
            stdin.write_all(body.as_bytes()).expect("curl reads it");
        }
        drop(stdin);
        let output = child.wait_with_output().expect("curl ends");
        let text = String::from_utf8(output.stdout).expect("an answer is text");
        let (body, status) = text.rsplit_once('\n').expect("curl says the status");
        (
            status.parse().expect("a status is a number"),
            body.to_owned(),
        )
    }

    /// What it answers, as it stands.
    ///
    /// # Panics
    /// Where it does not answer.
    #[must_use]
    pub fn text(&self, path: &str) -> String {
        self.say("GET", path, None).1
    }

    /// Asks for something that must be granted.
    ///
    /// # Panics
    /// Where it is not.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        self.must("GET", path, None)
    }

    /// Puts something that must be taken.
    ///
    /// # Panics
    /// Where it is not.
    pub fn put(&self, path: &str, body: &Value) {
        let _said = self.must("PUT", path, Some(body));
    }

    fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, said) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {said}"
        );
        said
    }

    /// Every document in the indexes that fit `pattern`, whatever was last written included.
    ///
    /// # Panics
    /// Where the server does not give them.
    #[must_use]
    pub fn documents(&self, pattern: &str) -> Vec<Document> {
        let document = |hit: String| {
            let hit: Value = serde_json::from_str(&hit).expect("a hit is JSON");
            Document::of(&hit)
        };
        self.hits(pattern).into_iter().map(document).collect()
    }

    /// The id of every document in the indexes that fit `pattern`, and the text that was written.
    ///
    /// # Panics
    /// Where the server does not give them.
    #[must_use]
    pub fn texts(&self, pattern: &str) -> Vec<(String, String)> {
        let text = |hit: String| {
            let parts = hit.split_once(r#","_source":"#).and_then(|(head, rest)| {
                let (source, _sort) = rest.rsplit_once(r#","sort":["#)?;
                let head: Value = serde_json::from_str(&format!("{head}}}")).ok()?;
                Some((head["_id"].as_str()?.to_owned(), source.to_owned()))
            });
            parts.unwrap_or_else(|| panic!("no document: {hit}"))
        };
        self.hits(pattern).into_iter().map(text).collect()
    }

    /// Every hit of a search for all that is there, as the server wrote it.
    fn hits(&self, pattern: &str) -> Vec<String> {
        let _refreshed = self.must("POST", &format!("{pattern}/_refresh"), None);
        let first = json!({ "size": PAGE, "sort": ["_doc"] });
        let mut path = format!("{pattern}/_search?scroll=2m");
        let (mut asked, mut all) = (first, Vec::new());
        loop {
            let (status, page) = self.say("POST", &path, Some(&asked));
            assert_eq!(status, 200, "{path}: {page}");
            let (head, hits) = page.split_once(r#""hits":["#).expect("a search finds hits");
            let hits = elements(hits);
            let (_, id) = head.split_once(r#""_scroll_id":""#).expect("it scrolls");
            let (id, _) = id.split_once('"').expect("an id ends");
            if hits.len() < PAGE {
                let _closed = self.ask(
                    "DELETE",
                    "_search/scroll",
                    Some(&json!({ "scroll_id": id })),
                );
                all.extend(hits);
                return all;
            }
            asked = json!({ "scroll_id": id, "scroll": "2m" });
            path = "_search/scroll".to_owned();
            all.extend(hits);
        }
    }

    /// The indexes whose names begin so.
    #[must_use]
    pub fn indexes(&self, start: &str) -> Vec<String> {
        let found = self.get(&format!(
            "_cat/indices/{start}*?format=json&h=index&expand_wildcards=all"
        ));
        let name = |row: &Value| {
            row["index"]
                .as_str()
                .expect("an index has a name")
                .to_owned()
        };
        let mut names: Vec<_> = found.as_array().expect("a list").iter().map(name).collect();
        names.sort();
        names
    }

    /// Removes all indexes whose names begin so: a server takes only so many of them.
    pub fn remove(&self, start: &str) {
        for name in self.indexes(start) {
            let _removed = self.ask("DELETE", &name, None);
        }
    }
}

impl Document {
    fn of(hit: &Value) -> Self {
        let text = |name: &str| hit[name].as_str().expect("it is a text").to_owned();
        Self {
            index: text("_index"),
            id: text("_id"),
            source: hit["_source"].clone(),
        }
    }
}

/// The elements of a JSON array of objects, each as it stands: a document may be deeper than a parser goes. `text` begins behind the
/// array's bracket.
fn elements(text: &str) -> Vec<String> {
    let (mut elements, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' | b']' if depth == 0 => break,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    elements.push(text[start..=at].to_owned());
                }
            }
            _ => {}
        }
    }
    elements
}

/// A node of a test's own, to be killed. What it was goes with the test.
#[derive(Debug)]
pub struct Node {
    folder: TempDir,
    port: u16,
    settings: String,
}

impl Default for Node {
    fn default() -> Self {
        Self::with_settings("")
    }
}

impl Node {
    /// A node with these settings (`name=value name=value`), not started yet.
    ///
    /// # Panics
    /// Where there is no room for it.
    #[must_use]
    pub fn with_settings(settings: &str) -> Self {
        Self {
            folder: tempfile::tempdir().expect("there is room for temporary files"),
            port: free_ports(),
            settings: settings.to_owned(),
        }
    }

    /// How to reach it.
    #[must_use]
    pub fn elasticsearch(&self) -> Elasticsearch {
        Elasticsearch {
            address: format!("127.0.0.1:{}", self.port),
        }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(&self) {
        assert!(self.service("start"), "the node does not start");
    }

    /// Kills it; what it has acknowledged stays.
    ///
    /// # Panics
    /// Where that fails.
    pub fn kill(&self) {
        assert!(self.service("kill"), "the node cannot be killed");
    }

    /// What it says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("elasticsearch/log")
    }

    fn service(&self, what: &str) -> bool {
        let status = Command::new(root().join("tests/services/elasticsearch.sh"))
            .arg(what)
            .env("ES_PORT", self.port.to_string())
            .env("ES_DIR", self.folder.path().join("elasticsearch"))
            .env("ES_HEAP", "256m")
            .env("ES_SETTINGS", &self.settings)
            .stdout(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and its folder goes in any case.
        let _cleaned = self.service("clean");
    }
}

/// The first one of two ports in a row that no one listens on.
fn free_ports() -> u16 {
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    // Below those that the system gives to clients, and beside those of the brokers.
    let candidates = std::iter::repeat_with(|| fastrand::u16(10_000..19_000)).take(100);
    let found = candidates
        .into_iter()
        .find(|port| (*port..port + 2).all(is_free));
    found.expect("few of the ports are taken")
}
