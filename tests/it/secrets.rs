//! Where secrets must not be: in nothing that is said, kept or left behind, whatever goes wrong. They are put in in every way
//! that the configuration has, and then everything is searched for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tamis_tests::broker::{Broker, Listener};
use tamis_tests::data::{self, Kind};
use tamis_tests::elasticsearch::Elasticsearch;
use tamis_tests::http;
use tamis_tests::kafka::unique;
use tamis_tests::mariadb::MariaDb;
use tamis_tests::mongo::MongoServer;
use tamis_tests::place::{Place, root};
use tamis_tests::stand_in::{Asked, StandIn};
use tamis_tests::tamis::{Ended, Running, STATE, output, tamis};
use tamis_tests::wait::{LONG, eventually};

use crate::telemetry::Watched;

mod cores;

/// Each begins with this, so that one search finds all of them.
const MARK: &str = "sesame4711";

/// The same, and what is left of it in base64 wherever it begins there: as a login is sent.
const MARKS: [&str; 4] = [MARK, "c2VzYW1lNDcxM", "Nlc2FtZTQ3MT", "zZXNhbWU0NzEx"];

/// A variable or file of a secret, and its value. The last part of its name says whether it is the right one.
fn secret(name: &str) -> String {
    format!("{MARK}{}", name.replace('_', ""))
}

/// What a process has of its own: the folder of a test, and one with its state and whatever else it leaves.
struct Case {
    place: Place,
    /// All that came out of programs.
    said: Vec<(String, String)>,
}

/// The secrets, each as the variable `NAME` and as the file `secrets/NAME`.
const NAMES: [&str; 6] = [
    "KAFKA",
    "ELASTICSEARCH",
    "MONGODB",
    "MYSQL",
    "PLUGIN",
    "WRONG",
];

impl Case {
    fn new() -> Self {
        let place = Place::default();
        for folder in ["secrets", "left"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        for name in NAMES {
            place.write(&format!("secrets/{name}"), format!("{}\n", secret(name)));
        }
        Self {
            place,
            said: Vec::new(),
        }
    }

    fn state(&self) -> PathBuf {
        self.place.path("left/state")
    }

    /// A command line of Tamis that knows the secrets, keeps all that it keeps in `left`, and says all that it can say.
    fn tamis(&self, arguments: &[&str]) -> Command {
        let mut command = tamis(arguments);
        command
            .args(["--log", "trace"])
            .envs(NAMES.map(|name| (name, secret(name))))
            .env(STATE, self.state())
            .current_dir(self.place.path("left"));
        command
    }

    /// Runs a command to its end, and remembers what it said.
    fn ends(&mut self, arguments: &[&str]) -> Ended {
        let ended = output(&mut self.tamis(arguments));
        self.heard(&arguments.join(" "), &ended);
        ended
    }

    fn heard(&mut self, what: &str, ended: &Ended) {
        let said = format!("{}\n{}", ended.stdout, ended.stderr);
        self.said.push((what.to_owned(), said));
    }

    /// Writes a pipeline: its file.
    fn pipeline(&self, name: &str, source: &str, plugins: &str, sinks: &str, dead: &str) -> String {
        let text = format!(
            "pipeline: {name}\nsource: {source}\nplugins: [{plugins}]\nsinks: {{ {sinks} }}\n\
             dead_letters: {{ {dead} }}\nlimits: {{ commit_interval_ms: 200, lanes: 1 }}\n"
        );
        let file = self.place.write(&format!("{name}.yaml"), text);
        file.to_str().unwrap().to_owned()
    }

    fn dead_folder(&self) -> String {
        format!(
            "folder: {{ path: {} }}",
            self.place.path("left/dead").display()
        )
    }

    /// Looks for the secrets in all that was said and is left.
    fn check(self) {
        assert!(!self.said.is_empty());
        for (what, said) in &self.said {
            if let Some(at) = MARKS.iter().find_map(|mark| said.find(mark)) {
                let from = said[..at].rfind('\n').map_or(0, |it| it + 1);
                let line = said[from..].lines().next().unwrap_or_default();
                panic!("{what} says a secret: {line}");
            }
        }
        let files = files(&self.place.path("left"));
        for path in &files {
            let content = fs::read(path).unwrap();
            assert!(!holds_mark(&content), "{} holds a secret", path.display());
        }
    }
}

fn holds_mark(bytes: &[u8]) -> bool {
    MARKS.iter().any(|mark| {
        let mut windows = bytes.windows(mark.len());
        windows.any(|window| window == mark.as_bytes())
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// A broker that asks for a password.
fn broker() -> Broker {
    let settings = [
        "sasl.enabled.mechanisms=SCRAM-SHA-512",
        "scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
    ];
    let listener = Listener {
        name: "password",
        protocol: "SASL_PLAINTEXT",
        settings: settings.map(str::to_owned).into(),
    };
    let user = format!("SCRAM-SHA-512=[name=tamis,password={}]", secret("KAFKA"));
    let broker = Broker::with_listeners(&[listener], Some(user));
    broker.start();
    broker
}

fn kafka_source(address: &str, topic: &str, password: &str) -> String {
    format!(
        "{{ kafka: {{ brokers: ['{address}'], topics: [{topic}], group: {}, start_at: earliest, properties: \
         {{ security.protocol: SASL_PLAINTEXT, sasl.mechanism: SCRAM-SHA-512, sasl.username: tamis, \
         sasl.password: '{password}', debug: all, session.timeout.ms: 6000 }} }} }}",
        unique("secrets")
    )
}

/// `key` is what the hashes of a field are made with.
fn redact(key: &str) -> String {
    format!(
        "{{ name: mask, path: {}/plugins/redact/redact.wasm, settings: {{ fields: [/FuncName], method: hash, key: '{key}' }} }}",
        root().display()
    )
}

fn elasticsearch(address: &str, password: &str) -> String {
    let index = unique("secrets");
    format!(
        "search: {{ elasticsearch: {{ urls: ['http://{address}'], index: {index}, user: tamis, password: '{password}', \
         timeout_ms: 2000 }} }}"
    )
}

fn mongodb(address: &str, password: &str) -> String {
    format!(
        "documents: {{ mongodb: {{ uri: 'mongodb://tamis:{password}@{address}/?directConnection=true&authSource=logs', \
         database: logs, collection: all, timeout_ms: 2000 }} }}"
    )
}

fn mysql(address: &str, password: &str) -> String {
    format!(
        "tables: {{ mysql: {{ url: 'mysql://tamis@{address}/logs', password: '{password}', table: secrets, create: true, \
         timeout_ms: 2000 }} }}"
    )
}

/// The stores, each of which asks for a password, as far as the servers at hand can.
struct Stores {
    elasticsearch: Elasticsearch,
    mongodb: MongoServer,
    mysql: MariaDb,
}

impl Stores {
    fn start() -> Self {
        let (mut mongodb, mysql) = (MongoServer::default(), MariaDb::with(""));
        mongodb.start();
        let roles = json!([{ "role": "readWrite", "db": "logs" }]);
        let user = json!({ "createUser": "tamis", "pwd": secret("MONGODB"), "roles": roles });
        mongodb.mongo().must("logs", &user);
        mongodb.stop();
        mongodb.set_flags("--auth");
        mongodb.start();
        mysql.start();
        let made = mysql.administer(&format!(
            "CREATE USER tamis@'%' IDENTIFIED BY '{}'; GRANT ALL ON logs.* TO tamis@'%';",
            secret("MYSQL")
        ));
        assert!(made.is_empty(), "{made:?}");
        Self {
            elasticsearch: Elasticsearch::shared(),
            mongodb,
            mysql,
        }
    }
}

/// Asks whoever can be asked how the pipeline is.
fn ask_all(case: &mut Case, address: &str, token: &str) {
    for token in [None, Some("wrong"), Some(token)] {
        for path in ["/metrics", "/health/ready", "/health/live"] {
            let answer = http::get(address, path, token).unwrap();
            case.said.push((path.to_owned(), format!("{answer:?}")));
        }
    }
    let status = case.ends(&["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
}

/// Gives the plugin settings that it does not take, which it says, and the history keeps.
fn refuse_settings(case: &mut Case, pipeline: &str, tamis: &mut Running) {
    const WORDS: &str = "unknown variant `***`";
    let text = fs::read_to_string(pipeline).unwrap();
    let wrong = text.replace("method: hash", "method: '${env:WRONG}'");
    fs::write(pipeline, wrong).unwrap();
    tamis.await_words(WORDS);
    // The entry is written behind the line.
    eventually(LONG, "the history has it", || {
        let versions = case.ends(&["plugin", "versions", "right"]);
        versions.stdout.contains(WORDS)
    });
}

#[test]
fn no_secret_is_said_or_kept_while_records_flow() {
    let (broker, stores, mut case) = (broker(), Stores::start(), Case::new());
    let kafka = broker.kafka();
    kafka.create_topic("logs", 2, &[]);
    kafka.create_topic("dead", 1, &[]);
    let input = data::logs(2_000, Kind::Odd);
    kafka.produce_lines("logs", data::lines(&input), 2);
    let source = kafka_source(&broker.listener(0), "logs", "${env:KAFKA}");
    let group = source
        .split("group: ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let file = |name| {
        format!(
            "${{file:{}}}",
            case.place.path("secrets").join(name).display()
        )
    };
    let sinks = [
        elasticsearch(&stores.elasticsearch.address, &file("ELASTICSEARCH")),
        mongodb(&stores.mongodb.mongo().address, "${env:MONGODB}"),
        mysql(&stores.mysql.address(), &file("MYSQL")),
        format!(
            "archive: {{ file: {{ url: 'file://{}', path: all, format: ndjson }} }}",
            case.place.path("left/out").display()
        ),
    ];
    let dead = format!("kafka: {{ topic: dead }}, {}", case.dead_folder());
    let pipeline = case.pipeline(
        "right",
        &source,
        &redact("${env:PLUGIN}"),
        &sinks.join(", "),
        &dead,
    );
    let checked = case.ends(&["check", &pipeline]);
    assert_eq!(checked.code, Some(0), "{checked:?}");

    let token = secret("TELEMETRY");
    let mut command = case.tamis(&["run", "--json", &pipeline]);
    let Watched { mut tamis, address } =
        Watched::start(command.env("TAMIS_TELEMETRY_TOKEN", &token));
    tamis.await_settled(&kafka.group(group, "logs"), 2_000);
    ask_all(&mut case, &address, &token);
    refuse_settings(&mut case, &pipeline, &mut tamis);
    tamis.signal("TERM");
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = ended.summary();
    for sink in ["search", "documents", "tables", "archive"] {
        assert!(summary["written"][sink].as_u64() > Some(1_000), "{summary}");
    }
    assert!(summary["dead"].as_u64() > Some(0), "{summary}");
    case.heard("run", &ended);
    case.ends(&["dead", "list", &pipeline, "--summary"]);
    for letter in kafka.read_all("dead") {
        case.said
            .push(("a dead letter".to_owned(), format!("{letter:?}")));
    }
    case.check();
}

/// What a server says of a login, one after the other.
const SAID: [&str; 5] = ["sent", "unpadded", "plain", "page", "cut"];

/// A login comes back, as from a proxy that says too much: as Elasticsearch says it, or not.
fn says_too_much(asked: &Asked) -> String {
    let sent = asked.authorization.clone().unwrap_or_default();
    let count = SAID.len() as u64;
    let which = SAID[usize::try_from(asked.before % count).unwrap()];
    let reason = match which {
        "unpadded" => sent.trim_end_matches('=').to_owned(),
        "plain" => format!("tamis:{} is not known", secret("WRONG")),
        "page" => return format!("<html>{sent} is not known</html>"),
        // Not all of it is shown.
        "cut" => return format!("{}{sent}", "-".repeat(170)),
        _ => sent,
    };
    json!({ "error": { "type": "security_exception", "reason": reason }, "status": 401 })
        .to_string()
}

#[test]
fn no_secret_is_said_or_kept_where_it_is_the_wrong_one() {
    let (broker, stores, mut case) = (broker(), Stores::start(), Case::new());
    broker.kafka().create_topic("logs", 1, &[]);
    let refusing = StandIn::new(|asked| (401, says_too_much(asked)));
    let wrong = "${env:WRONG}";
    let stdin = "{ stdin: {} }".to_owned();
    let file = format!(
        "archive: {{ file: {{ url: 'file://{}', path: all, format: ndjson }} }}",
        case.place.path("left/out").display()
    );
    let cases = [
        (
            "kafka",
            kafka_source(&broker.listener(0), "logs", wrong),
            String::new(),
            file.clone(),
            1,
        ),
        (
            "mongodb",
            stdin.clone(),
            String::new(),
            mongodb(&stores.mongodb.mongo().address, wrong),
            1,
        ),
        (
            "mysql",
            stdin.clone(),
            String::new(),
            mysql(&stores.mysql.address(), wrong),
            1,
        ),
        // A plugin's own words about its settings.
        ("settings", stdin.clone(), level_filter(wrong), file, 2),
    ];
    let sink = elasticsearch(&refusing.address(), wrong);
    let told = SAID.map(|name| (name, stdin.clone(), String::new(), sink.clone(), 1));
    for (name, source, plugins, sinks, code) in cases.into_iter().chain(told) {
        let pipeline = case.pipeline(name, &source, &plugins, &sinks, &case.dead_folder());
        case.ends(&["check", &pipeline]);
        let mut tamis = Running::start(
            case.tamis(&["run", "--json", &pipeline])
                .stdin(Stdio::piped()),
        );
        if code == 1 && name != "kafka" {
            tamis.write(b"{\"a\":1}\n");
        }
        let ended = tamis.wait();
        assert_eq!(ended.code, Some(code), "{name}: {ended:?}");
        case.heard(name, &ended);
    }
    case.check();
}

/// A plugin that does not take `minimum`, and says so.
fn level_filter(minimum: &str) -> String {
    format!(
        "{{ name: level, path: {}/plugins/level-filter/level-filter.wasm, settings: {{ minimum: '{minimum}' }} }}",
        root().display()
    )
}

#[test]
fn no_secret_is_said_or_kept_while_nobody_answers() {
    let mut case = Case::new();
    // Nothing listens there.
    let away = "127.0.0.1:9";
    let sinks = [
        elasticsearch(away, "${env:ELASTICSEARCH}"),
        mongodb(away, "${env:MONGODB}"),
        mysql(away, "${env:MYSQL}"),
    ];
    let pipelines = [
        case.pipeline(
            "stores",
            "{ stdin: {} }",
            "",
            &sinks.join(", "),
            &case.dead_folder(),
        ),
        case.pipeline(
            "broker",
            &kafka_source(away, "logs", "${env:KAFKA}"),
            "",
            &sinks[0],
            &case.dead_folder(),
        ),
    ];
    for (pipeline, words) in pipelines.iter().zip(["trying again", "Connection refused"]) {
        let mut tamis = Running::start(
            case.tamis(&["run", "--json", pipeline])
                .stdin(Stdio::piped()),
        );
        tamis.await_words(words);
        // One that waits for its stores at the start is not asked yet.
        case.ends(&["status", "--json"]);
        tamis.signal("TERM");
        let ended = tamis.wait();
        case.heard(pipeline, &ended);
    }
    case.check();
}
