//! Dead letters, looked at and sent again: what was refused ends in the files once, whatever store it lay in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tamis_tests::broker::Broker;
use tamis_tests::data::lines;
use tamis_tests::files::{content, dead_letters, staged, visible};
use tamis_tests::kafka::{Kafka, unique};
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Ended, Running, output, run, tamis};

use crate::main_job::kafka_source;

/// A job in which both plugins and the sink refuse a record each, until it is mended.
struct Job {
    kafka: Kafka,
    place: Place,
    topic: String,
    group: String,
    dead: String,
}

/// What differs between a job and the same one later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Broken,
    Mended,
}

impl Job {
    /// `dead` says where letters go, in the words of the configuration.
    fn new(name: &str, dead: impl Fn(&Place) -> String) -> Self {
        let (kafka, place) = (Kafka::shared(), Place::default());
        let topic = kafka.new_topic(name, 1, &[("max.message.bytes", "10000000")]);
        Self {
            dead: dead(&place),
            group: unique(name),
            kafka,
            place,
            topic,
        }
    }

    fn in_folder(name: &str) -> Self {
        Self::new(name, folder)
    }

    /// The file of its configuration.
    fn file(&self, state: State, run: &str) -> PathBuf {
        let (unknown, no_time, paths) = match state {
            State::Broken => ("reject", "reject", 1),
            State::Mended => ("keep", "skip", 10),
        };
        let (root, out) = (root().display(), self.place.out().display().to_string());
        let source = kafka_source(&self.kafka, &self.topic, &self.group);
        let dead = &self.dead;
        let text = format!(
            r#"pipeline: dead-letters
source: {source}
plugins:
  - name: level
    path: {root}/plugins/level-filter/level-filter.wasm
    settings: {{ minimum: info, on_missing: {unknown} }}
  - name: enrich
    path: {root}/plugins/enrich/enrich.wasm
    settings: {{ set: {{ env: prod }}, timestamp: {{ zone: UTC, to: /at, on_error: {no_time} }} }}
sinks:
  archive:
    file: {{ url: "file://{out}", path: "{{field:/dir}}", format: ndjson, compression: none, paths_max: {paths}, run: {run} }}
dead_letters: {dead}
limits: {{ commit_interval_ms: 200 }}
"#
        );
        let name = match state {
            State::Broken => "broken.yaml",
            State::Mended => "mended.yaml",
        };
        self.place.write(name, text)
    }

    /// Runs the broken job over `values` until all is settled.
    fn refuse(&self, values: &[String]) {
        self.produce(values);
        let mut tamis = Running::start(&mut run(&self.file(State::Broken, AT_ITS_END)));
        tamis.await_settled(
            &self.kafka.group(&self.group, &self.topic),
            values.len() as u64,
        );
        tamis.signal("TERM");
        let ended = tamis.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    fn produce(&self, values: &[String]) {
        let values = values.iter().map(|value| value.as_bytes());
        self.kafka.produce_lines(&self.topic, values, 1);
    }

    fn settled(&self) -> u64 {
        let group = self.kafka.group(&self.group, &self.topic);
        group.committed().unwrap()
    }

    fn replay(&self, state: State) -> Ended {
        let file = self.file(state, AT_ITS_END);
        output(&mut dead("replay", &file, &["--yes", "--json"]))
    }

    /// What `list --json` prints, by offset.
    fn list(&self, more: &[&str]) -> Vec<Value> {
        let file = self.file(State::Mended, AT_ITS_END);
        let arguments = [&["--json"], more].concat();
        let ended = output(&mut dead("list", &file, &arguments));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let letters = ended
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut letters: Vec<Value> = letters.collect();
        letters.sort_by_key(|letter| letter["offset"].as_u64());
        letters
    }

    /// All lines of all files, sorted: a record that is there twice is seen.
    fn written(&self) -> Vec<String> {
        let files = visible(&self.place.out());
        let mut all: Vec<String> = files
            .iter()
            .flat_map(|file| {
                let text = content(file);
                let lines: Vec<_> = lines(&text).map(<[u8]>::to_vec).collect();
                lines
            })
            .map(|line| String::from_utf8(line).unwrap())
            .collect();
        all.sort();
        all
    }
}

/// One run: that of all its records.
const AT_ITS_END: &str = "{ age_ms_max: 1000 }";

fn folder(place: &Place) -> String {
    format!("{{ folder: {{ path: {} }} }}", place.dead().display())
}

fn dead(command: &str, file: &Path, more: &[&str]) -> std::process::Command {
    let file = file.to_str().unwrap();
    tamis([&["dead", command, file], more].concat())
}

/// The records: the first and the last are good ones, between them each stage in turn refuses one.
fn values(padding: &str) -> Vec<String> {
    let time = r#""Time":"2023-01-18 12:00:00""#;
    vec![
        format!(r#"{{"Type":"info",{time},"dir":"a","n":0}}"#),
        format!(r#"{{"Type":"nope",{time},"dir":"a","n":1}}"#),
        r#"{"Type":"info","dir":"a","n":2}"#.to_owned(),
        format!(r#"{{"Type":"info",{time},"dir":"b","n":3,"x":"{padding}"}}"#),
        format!(r#"{{"Type":"info",{time},"dir":"a","n":4}}"#),
    ]
}

/// What becomes of them in the end.
fn expected(padding: &str) -> Vec<String> {
    let time = r#","env":"prod","at":"2023-01-18T12:00:00+00:00"}"#;
    let enriched = values(padding).into_iter().map(|value| {
        let end = if value.contains("Time") {
            time
        } else {
            r#","env":"prod"}"#
        };
        value.strip_suffix('}').unwrap().to_owned() + end
    });
    let mut lines: Vec<_> = enriched.collect();
    lines.sort();
    lines
}

const STAGES: [&str; 3] = ["level", "enrich", "archive"];

/// Refuses, lists, mends, replays: all records are in the files once, and a second replay sends nothing.
fn check(job: &Job, padding: &str) {
    job.refuse(&values(padding));
    assert_eq!(job.written().len(), 2);
    let (letters, settled) = (job.list(&[]), job.settled());
    let stages: Vec<_> = letters
        .iter()
        .map(|letter| letter["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, STAGES);
    for (letter, value) in letters.iter().zip(&values(padding)[1..]) {
        assert_eq!(letter["value"]["text"], **value, "{letter}");
        assert_eq!(letter["replayed"], Value::Null, "{letter}");
    }

    let ended = job.replay(State::Mended);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let all = json!({
        "replayed": 3, "dropped": 0, "dead_again": 0, "left": 0, "without_stage": {}, "unreadable": 0, "stopped": false,
    });
    assert_eq!(ended.summary(), all, "{ended:?}");
    assert_eq!(job.written(), expected(padding));
    assert_eq!(staged(&job.place.out()), [""; 0]);

    assert_eq!(job.list(&[]), [] as [Value; 0]);
    let marked = job.list(&["--all"]);
    assert_eq!(marked.len(), 3);
    assert!(
        marked.iter().all(|letter| letter["replayed"].is_string()),
        "{marked:?}"
    );
    let ended = job.replay(State::Mended);
    assert_eq!(
        (ended.code, &ended.summary()["replayed"]),
        (Some(0), &json!(0)),
        "{ended:?}"
    );
    assert_eq!(job.written(), expected(padding));
    assert_eq!(
        job.settled(),
        settled,
        "a replay is no business of the group"
    );
}

#[test]
fn letters_in_a_folder_are_listed_and_replayed_once_they_are_mended() {
    check(&Job::in_folder("dead-folder"), "");
}

#[test]
fn letters_in_a_topic_are_listed_and_replayed_once_they_are_mended() {
    let topic = Kafka::shared().new_topic("dead-topic-dead", 3, &[]);
    let job = Job::new("dead-topic", |_| {
        format!("{{ kafka: {{ topic: {topic} }} }}")
    });
    check(&job, "");
    // Each letter, and the mark of each.
    assert_eq!(Kafka::shared().read_all(&topic).len(), 6);
}

#[test]
fn a_letter_too_large_for_the_topic_is_listed_and_replayed_from_the_folder() {
    let topic = Kafka::shared().new_topic("dead-both-dead", 1, &[("max.message.bytes", "2000")]);
    let job = Job::new("dead-both", |place| {
        let folder = place.dead().display().to_string();
        format!("{{ kafka: {{ topic: {topic} }}, folder: {{ path: {folder} }} }}")
    });
    check(&job, &"x".repeat(5_000));
    let [in_folder] = &dead_letters(&job.place.dead())[..] else {
        panic!("{:?}", visible(&job.place.dead()))
    };
    assert_eq!(in_folder.stage, "archive");
    assert_eq!(Kafka::shared().read_all(&topic).len(), 4);
}

#[test]
fn a_pipeline_that_runs_meanwhile_is_not_disturbed() {
    let job = Job::in_folder("dead-meanwhile");
    job.refuse(&values(""));
    // What it reads now is staged, and stays so until it ends.
    let open = "{ age_ms_max: 3600000 }";
    let mut running = Running::start(&mut run(&job.file(State::Mended, open)));
    running.await_words("started");
    // Too much for one batch: what is full of a file is written when the next one comes.
    let large = "x".repeat(300_000);
    let larger = |end: &str| -> Vec<_> {
        (5..13)
            .map(|n| format!(r#"{{"Type":"info","dir":"a","n":{n},"x":"{large}"{end}"#))
            .collect()
    };
    job.produce(&larger("}"));
    running.until("its run is on the disk", || {
        !staged(&job.place.out()).is_empty()
    });
    let before: BTreeSet<_> = staged(&job.place.out()).into_iter().collect();

    let ended = job.replay(State::Mended);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(job.written(), expected(""));
    let after: BTreeSet<_> = staged(&job.place.out()).into_iter().collect();
    assert_eq!(after, before);
    running.signal("TERM");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut all = expected("");
    all.extend(larger(r#","env":"prod"}"#));
    all.sort();
    assert_eq!(job.written(), all);
}

#[test]
fn what_is_refused_again_is_a_letter_again_and_what_has_no_stage_stays() {
    let job = Job::in_folder("dead-again");
    job.refuse(&values(""));
    let sent = |state, more: &[&str]| {
        let file = job.file(state, AT_ITS_END);
        output(&mut dead(
            "replay",
            &file,
            &[&["--yes", "--json"], more].concat(),
        ))
    };
    let ended = sent(State::Broken, &["--stage", "level"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(
        (&ended.summary()["replayed"], &ended.summary()["dead_again"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(job.list(&[]).len(), 3);
    assert_eq!(job.list(&["--all"]).len(), 4);

    // A stage in front of the one that refused it refuses it now: the letter stays what it is.
    let file = job.file(State::Mended, AT_ITS_END);
    let stricter = fs::read_to_string(&file)
        .unwrap()
        .replace("minimum: info", "minimum: info, field: /Level");
    let stricter = stricter.replace("on_missing: keep", "on_missing: reject");
    let stricter = job.place.write("stricter.yaml", stricter);
    let ended = output(&mut dead(
        "replay",
        &stricter,
        &["--yes", "--json", "--stage", "archive"],
    ));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(
        (&ended.summary()["replayed"], &ended.summary()["left"]),
        (&json!(0), &json!(1)),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("level: no known level at /Level"),
        "{}",
        ended.stderr
    );
    assert_eq!(job.list(&[]).len(), 3);

    let renamed = fs::read_to_string(&file)
        .unwrap()
        .replace("  archive:", "  other:");
    let renamed = job.place.write("renamed.yaml", renamed);
    for more in [&["--dry-run"][..], &["--yes"], &["--yes"]] {
        let ended = output(&mut dead(
            "replay",
            &renamed,
            &[more, &["--stage", "archive"]].concat(),
        ));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stderr.contains("no plugin or sink archive"),
            "{}",
            ended.stderr
        );
    }

    let ended = job.replay(State::Mended);
    assert_eq!(
        (ended.code, &ended.summary()["replayed"]),
        (Some(0), &json!(3)),
        "{ended:?}"
    );
    assert_eq!(job.written(), expected(""));
}

#[test]
fn letters_are_shown_whole_and_what_cannot_be_read_hides_none_of_them() {
    let job = Job::in_folder("dead-shown");
    job.refuse(&values(""));
    let file = job.file(State::Mended, AT_ITS_END);
    let letters = job.list(&[]);
    let id = letters[1]["id"].as_str().unwrap();

    let ended = output(&mut dead("show", &file, &[id]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        id,
        "enrich 0.1.0",
        "no time like",
        "\n  \"n\": 2\n",
        "line 2",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let ended = output(&mut dead("show", &file, &[id, "--raw"]));
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), &*values("")[2]),
        "{ended:?}"
    );
    let ended = output(&mut dead("show", &file, &["none/of/0/0/0"]));
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");

    let ended = output(&mut dead("list", &file, &["--reason", "NO TIME"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let [head, line] = ended.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{ended:?}")
    };
    assert!(head.starts_with("ID ") && line.starts_with(id), "{ended:?}");
    let ended = output(&mut dead("list", &file, &["--summary"]));
    assert_eq!(ended.stdout.lines().count(), 6, "{ended:?}");
    assert_eq!(job.list(&["--limit", "2"]).len(), 2);
    assert_eq!(job.list(&["--since", "2100-01-01"]).len(), 0);
    assert_eq!(job.list(&["--until", "2100-01-01"]).len(), 3);

    let broken = job.place.dead().join("dead-0.ndjson");
    fs::write(&broken, "{\"version\":9}\n").unwrap();
    let ended = output(&mut dead("list", &file, &["--json"]));
    assert_eq!(
        (ended.code, ended.stdout.lines().count()),
        (Some(1), 3),
        "{ended:?}"
    );
    let words = format!("{} line 1: version 9 is not known", broken.display());
    assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    let ended = output(&mut dead("replay", &file, &["--id", id]));
    assert_eq!(ended.code, Some(2), "there is no one to ask: {ended:?}");
    let ended = output(&mut dead("replay", &file, &["--id", id, "--yes", "--json"]));
    assert_eq!(
        (ended.code, &ended.summary()["replayed"]),
        (Some(1), &json!(1)),
        "{ended:?}"
    );
    fs::remove_file(broken).unwrap();
    assert_eq!(job.list(&[]).len(), 2);
}

#[test]
fn a_topic_of_dead_letters_that_does_not_exist_is_named() {
    let topic = unique("dead-missing");
    let job = Job::new("dead-missing", |_| {
        format!("{{ kafka: {{ topic: {topic} }} }}")
    });
    let file = job.file(State::Mended, AT_ITS_END);
    for (command, more) in [("list", &[][..]), ("replay", &["--yes"])] {
        let ended = output(&mut dead(command, &file, more));
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let advice = format!("topic {topic} does not exist: make it, or correct its name");
        assert!(ended.stderr.contains(&advice), "{}", ended.stderr);
    }
}

#[test]
fn a_store_of_dead_letters_that_is_away_is_waited_for() {
    let broker = Broker::default();
    let address = broker.kafka().address;
    let away = format!("{{ kafka: {{ brokers: [\"{address}\"], topic: dead }} }}");
    let job = Job::new("dead-away", |_| away.clone());
    let waiting = "waiting for kafka";
    // A broker that is there without its topic is another matter.
    broker.start();
    broker.kafka().create_topic("dead", 2, &[]);
    broker.kill();

    // Letters that no one takes hold up the commit, and are there once the store is.
    job.produce(&values(""));
    let mut running = Running::start(&mut run(&job.file(State::Broken, AT_ITS_END)));
    running.await_words("dead letters");
    assert_eq!(job.settled(), 0);
    broker.start();
    running.await_settled(&job.kafka.group(&job.group, &job.topic), 5);
    running.signal("TERM");
    assert_eq!(running.wait().code, Some(0));
    assert_eq!(job.list(&[]).len(), 3);

    broker.kill();
    let file = job.file(State::Mended, AT_ITS_END);
    let mut stopped = Running::start(&mut dead("replay", &file, &["--yes", "--json"]));
    stopped.await_words(waiting);
    stopped.signal("INT");
    let ended = stopped.wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let mut replay = Running::start(&mut dead("replay", &file, &["--yes", "--json"]));
    replay.await_words(waiting);
    broker.start();
    let ended = replay.wait();
    assert_eq!(
        (ended.code, &ended.summary()["replayed"]),
        (Some(0), &json!(3)),
        "{ended:?}"
    );
    assert_eq!(job.written(), expected(""));
    assert_eq!(job.list(&[]).len(), 0);
}
