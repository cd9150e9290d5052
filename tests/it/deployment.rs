//! The pipelines that `docker-compose.yml` mounts, as they stand: only where something is differs. What else is in that file is
//! looked at by `tests/container`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tamis_tests::data::{self, Kind};
use tamis_tests::elasticsearch::Elasticsearch;
use tamis_tests::files::by_folder;
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::mariadb::MariaDb;
use tamis_tests::mongo::MongoServer;
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Running, run};

/// The members of what comes of a record.
const FIELDS: [&str; 7] = [
    "Type",
    "Action",
    "Time",
    "Msg",
    "Field",
    "FuncName",
    "timestamp",
];

/// Those that are the same where a store has a type of its own for times.
const BUT_TIME: [&str; 6] = ["Type", "Action", "Msg", "Field", "FuncName", "timestamp"];

const PARTITIONS: i32 = 4;
const RECORDS: usize = 2_000;
const PASSWORD: &str = "0f3a5c7b9d1e486ea46224d1";

/// The time of the first thousand records, and what the pipelines make of it.
const DAY: &str = "2023-01-18";

/// What each record must become, by partition and offset.
type Records = BTreeMap<(usize, u64), Value>;

/// A pipeline of the compose file, and records that wait for it.
struct Deployed {
    kafka: Kafka,
    place: Place,
    topic: String,
    dead: String,
    group: String,
    text: String,
    sent: Records,
}

impl Deployed {
    fn new(name: &str) -> Self {
        let (kafka, place) = (Kafka::shared(), Place::default());
        let file = root().join("deploy/pipelines").join(format!("{name}.yaml"));
        let topic = kafka.new_topic(&format!("deployed-{name}"), PARTITIONS, &[]);
        let input = data::logs(RECORDS, Kind::Usual);
        kafka.produce_lines(&topic, data::lines(&input), PARTITIONS);
        let mut deployed = Self {
            dead: kafka.new_topic(&format!("deployed-{name}-dead"), 1, &[]),
            group: unique("deployed"),
            text: fs::read_to_string(file).unwrap(),
            sent: sent(&input),
            kafka,
            place,
            topic,
        };
        let plugins = root().join("plugins");
        let of_fleet = deployed.text.clone();
        let group = of_fleet.lines().find(|it| it.contains("group: tamis"));
        for (of_fleet, of_test) in [
            ("/usr/share/tamis/plugins", path(&plugins)),
            ("kafka:29092", &*deployed.kafka.address.clone()),
            (
                "topics: [msproject_log]",
                &*format!("topics: [{}]", deployed.topic),
            ),
            (
                "topic: msproject_log.dead",
                &*format!("topic: {}", deployed.dead),
            ),
            (group.unwrap(), &*format!("    group: {}", deployed.group)),
            ("/var/lib/tamis/dead", path(&deployed.place.dead())),
        ] {
            deployed.put(of_fleet, of_test);
        }
        deployed
    }

    /// Puts something of this test in the place of what a fleet has.
    fn put(&mut self, of_fleet: &str, of_test: &str) {
        let count = self.text.matches(of_fleet).count();
        assert_eq!(count, 1, "{of_fleet:?} is in the pipeline once");
        self.text = self.text.replace(of_fleet, of_test);
    }

    /// Puts the file of a test in the place of a secret that a container has.
    fn put_secret(&mut self, name: &str) {
        let file = self.place.write(name, format!("{PASSWORD}\n"));
        self.put(&format!("/run/secrets/{name}"), path(&file));
    }

    /// Runs it until `count` records are settled.
    fn run(&self, count: usize) {
        let config = self.place.write("pipeline.yaml", &self.text);
        let mut tamis = Running::start(&mut run(&config));
        let group = self.kafka.group(&self.group, &self.topic);
        tamis.await_settled(&group, u64::try_from(count).unwrap());
        tamis.signal("TERM");
        let ended = tamis.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains(PASSWORD), "the password was said");
    }

    /// The same with a record that no keyed store takes, which goes to the topic of dead letters.
    fn run_with_one_broken(&self) {
        self.kafka
            .produce_lines(&self.topic, [&b"{\"broken"[..]], 1);
        self.run(RECORDS + 1);
        let letters = self.kafka.read_all(&self.dead);
        assert_eq!(letters.len(), 1, "{letters:?}");
    }

    /// Partition and offset of the record with this id.
    fn place_of(&self, id: &str) -> (usize, u64) {
        let parts: Vec<_> = id.split('/').collect();
        let [_source, topic, partition, offset, "0"] = parts[..] else {
            panic!("no id: {id}")
        };
        assert_eq!(topic, self.topic);
        (partition.parse().unwrap(), offset.parse().unwrap())
    }

    /// Looks whether just the records that were sent are there, and each once: `found` has id and fields, of which `fields` says
    /// which are compared.
    fn check(&self, found: impl IntoIterator<Item = (String, Value)>, fields: &[&str]) {
        let mut there = Records::new();
        for (id, value) in found {
            let before = there.insert(self.place_of(&id), value);
            assert_eq!(before, None, "{id} is there twice");
        }
        let places: Vec<_> = there.keys().collect();
        assert!(
            self.sent.keys().eq(places.iter().copied()),
            "{}",
            there.len()
        );
        for (place, sent) in &self.sent {
            for field in fields {
                assert_eq!(there[place][field], sent[field], "{place:?} {field}");
            }
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Each record of `input` by its place, with the time that the pipelines put into it.
fn sent(input: &[u8]) -> Records {
    let count = usize::try_from(PARTITIONS).unwrap();
    let record = |(index, line): (usize, &[u8])| {
        let mut record: Value = serde_json::from_slice(line).unwrap();
        let time = record["Time"].as_str().unwrap().replace(' ', "T") + "+08:00";
        record["timestamp"] = json!(time);
        ((index % count, (index / count) as u64), record)
    };
    data::lines(input).enumerate().map(record).collect()
}

#[test]
fn elasticsearch_gets_each_record_into_the_index_of_its_day() {
    let (elasticsearch, start) = (Elasticsearch::shared(), unique("deployed"));
    let mut deployed = Deployed::new("elasticsearch");
    deployed.put("elasticsearch:9200", &elasticsearch.address);
    deployed.put("index: \"msproject_log-", &format!("index: \"{start}-"));
    deployed.put("name: msproject_log,", &format!("name: {start},"));
    deployed.run_with_one_broken();

    let index = format!("{start}-{}", DAY.replace('-', "."));
    assert_eq!(elasticsearch.indexes(&start), [&*index]);
    let documents = elasticsearch.documents(&index).into_iter().map(|mut it| {
        it.source["timestamp"] = it.source["@timestamp"].take();
        assert_eq!(it.source["@version"], "1");
        (it.id, it.source)
    });
    deployed.check(documents, &FIELDS);
    let template = format!("_index_template/{start}");
    let mapping = elasticsearch.get(&template);
    let mapping = &mapping["index_templates"][0]["index_template"]["template"]["mappings"];
    let message = &mapping["properties"]["Msg"];
    assert_eq!(message["analyzer"], "ik_max_word", "{message}");
    assert_eq!(message["search_analyzer"], "ik_smart", "{message}");
    elasticsearch.remove(&start);
    let _removed = elasticsearch.ask("DELETE", &template, None);
}

#[test]
fn mongodb_gets_each_record_by_the_password_in_a_file() {
    let mut server = MongoServer::default();
    server.start();
    let mongo = server.mongo();
    let roles = json!([{ "role": "readWrite", "db": "msproject" }]);
    let user = json!({ "createUser": "tamis", "pwd": PASSWORD, "roles": roles });
    mongo.must("admin", &user);
    server.stop();
    server.set_flags("--auth");
    server.start();
    let mut deployed = Deployed::new("mongodb");
    deployed.put("mongodb:27017", &mongo.address);
    deployed.put_secret("mongodb_password");
    deployed.run_with_one_broken();

    // Who looks at what is there needs no password.
    server.stop();
    server.set_flags("");
    server.start();
    let documents = mongo.documents("msproject");
    let documents = documents.into_iter().inspect(|document| {
        assert_eq!(document.collection, "log.2023-01");
        let time = &document.fields["Time"];
        assert!(time.get("$date").is_some(), "a date is one: {time}");
    });
    deployed.check(documents.map(|it| it.plain()), &BUT_TIME);
}

#[test]
fn mysql_gets_each_record_by_the_password_in_a_file() {
    let server = MariaDb::with("");
    server.start();
    let made = server.administer(&format!(
        "CREATE DATABASE msproject CHARACTER SET utf8mb4;
         CREATE USER tamis@'%' IDENTIFIED BY '{PASSWORD}';
         GRANT ALL ON msproject.* TO tamis@'%';"
    ));
    assert!(made.is_empty(), "{made:?}");
    let mut deployed = Deployed::new("mysql");
    deployed.put("mysql:3306", &server.address());
    deployed.put_secret("mysql_password");
    deployed.run_with_one_broken();

    let table = format!("msproject_log_{}", DAY.replace('-', ""));
    let rows = server.administer(&format!(
        "SELECT id, JSON_OBJECT('Type', Type, 'Action', Action, 'Msg', Msg, 'FuncName', FuncName, 'Field', JSON_EXTRACT(Field, '$'),
                'timestamp', JSON_VALUE(rest, '$.timestamp'))
         FROM msproject.{table}"
    ));
    let rows = rows.iter().map(|row| {
        let (id, value) = row.split_once('\t').unwrap();
        (id.to_owned(), serde_json::from_str(value).unwrap())
    });
    deployed.check(rows, &BUT_TIME);
}

#[test]
fn files_get_each_record_into_the_folder_of_its_day() {
    let mut deployed = Deployed::new("files");
    let out: PathBuf = deployed.place.out();
    deployed.put("/var/lib/tamis/archive", path(&out));
    deployed.run(RECORDS);

    let mut found = Vec::new();
    for ((folder, partition), content) in by_folder(&out) {
        assert_eq!(folder, format!("{}/dt={DAY}", deployed.topic));
        let (topic, partition) = partition.rsplit_once('-').unwrap();
        for (offset, line) in data::lines(&content).enumerate() {
            let id = format!("files/{topic}/{partition}/{offset}/0");
            found.push((id, serde_json::from_slice(line).unwrap()));
        }
    }
    deployed.check(found, &FIELDS);
}
