//! `tamis plugin replay`: two versions beside each other on what lies in a topic, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tamis_tests::files::by_partition;
use tamis_tests::kafka::{Kafka, Message, unique};
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Ended, Running, STATE, output, run, tamis};
use tamis_tests::versions::{self, Does, name};

use crate::groups::stop;
use crate::main_job::kafka_source;

/// Records of each partition; each is a second after the one before.
const RECORDS: u64 = 50;
const PARTITIONS: u64 = 2;
/// 2023-01-18T00:00:00Z.
const BEGIN_MS: i64 = 1_674_000_000_000;

/// A pipeline `logs` with the plugins `v` (version 1) and `level` (only errors pass), and what is in its topic.
struct Job {
    place: Place,
    kafka: Kafka,
    topic: String,
    group: String,
}

impl Job {
    fn new() -> Self {
        let kafka = Kafka::shared();
        // What a test says is of 2023 must stay.
        let topic = kafka.new_topic("replay", 2, &[("retention.ms", "-1")]);
        let job = Self {
            place: Place::default(),
            kafka,
            topic,
            group: unique("replay"),
        };
        job.put("v.wasm", 1, Does::Keep);
        job.configure(&kafka_source(&job.kafka, &job.topic, &job.group), "error");
        job
    }

    /// With [`RECORDS`] in each partition: each second one an error, and of ten the first two with `trap`.
    fn with_records() -> Self {
        let job = Self::new();
        let message = |index: u64| {
            let (offset, partition) = (index / PARTITIONS, index % PARTITIONS);
            let kind = if offset % 2 == 0 { "error" } else { "info" };
            let text = if offset % 10 < 2 { "a trap" } else { "" };
            let value = json!({"n": index, "Type": kind, "text": text}).to_string();
            Message {
                partition: i32::try_from(partition).unwrap(),
                timestamp_ms: Some(BEGIN_MS + i64::try_from(offset).unwrap() * 1_000),
                ..Message::value(value)
            }
        };
        job.kafka
            .produce(&job.topic, (0..RECORDS * PARTITIONS).map(message));
        job
    }

    fn put(&self, file: &str, number: u32, does: Does) -> PathBuf {
        let path = self.place.path(file);
        versions::put(&path, number, does);
        path
    }

    fn configure(&self, source: &str, minimum: &str) -> PathBuf {
        let (out, dead, root) = (self.place.out(), self.place.dead(), root().display());
        let text = format!(
            "pipeline: logs
source: {source}
plugins:
  - {{ name: v, path: v.wasm, limits: {{ batch_time_ms_max: 60000 }} }}
  - {{ name: level, path: {root}/plugins/level-filter/level-filter.wasm, settings: {{ minimum: {minimum} }} }}
sinks:
  out: {{ file: {{ url: 'file://{}', path: all, format: ndjson, run: {{ age_ms_max: 100 }} }} }}
dead_letters: {{ folder: {{ path: {} }} }}
limits: {{ lanes: 2, commit_interval_ms: 100 }}
swap: {{ watch: false }}
",
            out.display(),
            dead.display()
        );
        self.place.write("logs.yaml", text)
    }

    /// Writes something else into the configuration.
    fn edit(&self, from: &str, to: &str) {
        let path = self.place.path("logs.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    fn command(&self, plugin: &str, file: &Path, more: &[&str]) -> Command {
        let config = self.place.path("logs.yaml");
        let mut command = tamis(["plugin", "replay"]);
        command
            .args([&config, Path::new(plugin), file])
            .args(more)
            .env(STATE, self.place.path("state"));
        command
    }

    fn replay(&self, file: &Path, more: &[&str]) -> Ended {
        output(&mut self.command("v", file, more))
    }

    /// What a replay says that is to end with `code`.
    fn json(&self, file: &Path, code: i32, more: &[&str]) -> Value {
        let more: Vec<&str> = more.iter().copied().chain(["--json"]).collect();
        let ended = self.replay(file, &more);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        ended.summary()
    }

    /// Everything in the folder of the test, by its path, but what is being written.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.place.path("")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with(".staging") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }
}

/// How many records were read, reached the plugin and were decided otherwise.
fn counts(replay: &Value) -> [u64; 3] {
    ["read", "compared", "differing"].map(|key| replay[key].as_u64().unwrap())
}

#[test]
fn what_a_version_decides_otherwise_is_told_by_what_comes_out_at_the_end() {
    let job = Job::with_records();
    let two = job.put("two.wasm", 2, Does::Trap);
    let replay = job.json(&two, 1, &["--differences", "1000"]);
    // The filter behind it takes the others on both ways, but what the new version fails on never gets there.
    assert_eq!(counts(&replay), [100, 100, 60]);
    let changes = json!({"value": 40, "kept_to_refused": 10, "dropped_to_refused": 10});
    assert_eq!(replay["changes"], changes);
    let numbers = |side: &str, keys: [&str; 4]| keys.map(|key| replay[side][key].clone());
    let keys = ["records", "dropped", "refused", "failed"];
    assert_eq!(numbers("old", keys), [100, 0, 0, 0].map(Value::from));
    assert_eq!(numbers("new", keys), [100, 0, 20, 20].map(Value::from));
    assert_eq!(replay["old"]["version"], name(1));
    assert_eq!(replay["new"]["version"], name(2));
    for side in ["old", "new"] {
        assert!(replay[side]["ns_per_record"].as_u64() > Some(0), "{replay}");
        assert!(replay[side]["memory_bytes"].as_u64() > Some(0), "{replay}");
    }
    let differences = replay["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 60);
    let of = |partition: u64, offset: u64| {
        let same = |it: &&Value| it["partition"] == partition && it["offset"] == offset;
        differences.iter().find(same).map(|it| it["said"].clone())
    };
    let (one, two) = (name(1), name(2));
    let changed = format!("/v: was {one:?}, is {two:?}");
    assert_eq!(of(1, 2), Some(json!([changed])));
    assert_eq!(of(0, 3), None);
    let failed = of(1, 10).unwrap().to_string();
    assert!(failed.contains("was kept, is refused (trap: "), "{failed}");
    assert!(failed.contains("told to"), "{failed}");
}

#[test]
fn a_person_reads_the_same() {
    let job = Job::with_records();
    let two = job.put("two.wasm", 2, Does::More);
    let ended = job.replay(&two, &["--records", "20", "--differences", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let (one, two) = (name(1), name(2));
    let parts = [
        "20 records of replay-".to_owned(),
        "/0 [40, 50), replay-".to_owned(),
        format!("\nold  {one}+"),
        format!("\nnew  {two}+"),
        "\n10 of 20 records are decided otherwise\n        10  another value\nreplay-".to_owned(),
        format!("/40\n    /v: was \"{one}\", is \"{two}\"\n    /other: was nothing, is true\n"),
    ];
    let mut rest = &*ended.stdout;
    for part in parts {
        let Some((_, behind)) = rest.split_once(&part) else {
            panic!("{part:?} is not in {rest:?} of {ended:?}");
        };
        rest = behind;
    }
    assert_eq!(rest, "", "{ended:?}");
}

#[test]
fn it_reads_from_an_offset_or_a_time_to_another_of_all_partitions_or_one() {
    let job = Job::with_records();
    let same = job.put("same.wasm", 1, Does::Keep);
    let check = |more: &[&str], read: u64, ranges: &[(i32, u64, u64)]| {
        let replay = job.json(&same, 0, more);
        assert_eq!(counts(&replay), [read, read, 0], "{more:?}");
        let found = replay["ranges"].as_array().unwrap().iter();
        let found: Vec<_> = found
            .map(|it| {
                let number = |key: &str| it[key].as_u64().unwrap();
                assert_eq!(it["topic"], job.topic);
                let partition = i32::try_from(number("partition")).unwrap();
                (partition, number("from"), number("to"))
            })
            .collect();
        assert_eq!(found, ranges, "{more:?}");
    };
    check(&[], 100, &[(0, 0, 50), (1, 0, 50)]);
    check(&["--from", "30"], 40, &[(0, 30, 50), (1, 30, 50)]);
    check(
        &["--from", "30", "--records", "7"],
        7,
        &[(0, 30, 34), (1, 30, 33)],
    );
    check(&["--records", "7"], 7, &[(0, 46, 50), (1, 47, 50)]);
    check(
        &["--partition", "1", "--from", "5", "--to", "7"],
        2,
        &[(1, 5, 7)],
    );
    check(
        &["--from", "2023-01-18T00:00:40Z"],
        20,
        &[(0, 40, 50), (1, 40, 50)],
    );
    let until = ["--from", "2023-01-18", "--to", "2023-01-18T00:00:10.5Z"];
    check(&until, 22, &[(0, 0, 11), (1, 0, 11)]);
    // What is not there (any more) is not read, and that nothing was is no success.
    check(
        &["--from", "49", "--to", "1000"],
        2,
        &[(0, 49, 50), (1, 49, 50)],
    );
    for beyond in ["1000", "2023-01-19"] {
        let ended = job.replay(&same, &["--from", beyond]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("no record"), "{ended:?}");
    }
}

#[test]
fn a_pipeline_that_runs_is_left_alone_and_what_it_runs_is_what_is_compared_with() {
    let job = Job::with_records();
    let mut member = run(&job.place.path("logs.yaml"));
    member.env(STATE, job.place.path("state"));
    let mut member = Running::start(&mut member);
    let committed = job.kafka.group(&job.group, &job.topic);
    member.await_settled(&committed, 100);
    member.until("all errors are written", || {
        let written = by_partition(&job.place.out()).into_values().flatten();
        written.filter(|byte| *byte == b'\n').count() == 50
    });
    // Not what lies at its path by now.
    let three = job.put("v.wasm", 3, Does::More);
    let (files, assigned) = (job.files(), member.count("partitions assigned"));
    let replay = job.json(&three, 1, &["--from", "0"]);
    assert_eq!(counts(&replay), [100, 100, 50]);
    assert_eq!(replay["old"]["version"], name(1));
    let compared = job.json(&three, 0, &["--old", three.to_str().unwrap()]);
    assert_eq!(counts(&compared), [100, 100, 0]);

    assert_eq!(job.files(), files);
    assert_eq!(committed.committed().unwrap(), 100);
    assert_eq!(job.kafka.end_of(&job.topic), 100);
    assert_eq!(member.count("partitions assigned"), assigned);
    assert_eq!(member.count("partitions revoked"), 0);
    assert!(job.kafka.groups().contains(&job.group), "groups are seen");
    let summary = stop(member).summary();
    assert_eq!(summary["taken"], 100);
}

#[test]
fn a_group_that_never_was_is_not_made() {
    let job = Job::with_records();
    let two = job.put("two.wasm", 2, Does::Keep);
    assert_eq!(counts(&job.json(&two, 1, &[])), [100, 100, 50]);
    let groups = job.kafka.groups();
    assert!(!groups.contains(&job.group), "{groups:?}");
    let left: Vec<_> = job.files().into_keys().collect();
    let made = ["logs.yaml", "two.wasm", "v.wasm"].map(|name| job.place.path(name));
    assert_eq!(left, made);
}

#[test]
fn other_settings_are_tried_with_the_same_file_and_of_any_plugin_in_the_chain() {
    let job = Job::with_records();
    let settings = job.place.write("settings.yaml", "minimum: info");
    let level = root().join("plugins/level-filter/level-filter.wasm");
    let more = ["--settings", settings.to_str().unwrap(), "--json"];
    let ended = output(&mut job.command("level", &level, &more));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let replay = ended.summary();
    assert_eq!(replay["changes"], json!({"dropped_to_kept": 50}));
    assert_eq!(replay["old"]["dropped"], 50);
    assert_eq!(replay["new"]["dropped"], 0);
}

#[test]
fn files_are_read_from_a_byte_on() {
    let job = Job::new();
    let line = |number| format!("{{\"n\":{number},\"Type\":\"error\"}}\n");
    let lines: String = (10..30).map(line).collect();
    let file = job.place.write("in.ndjson", lines);
    job.configure(
        &format!("{{ file: {{ paths: [{}] }} }}", file.display()),
        "error",
    );
    let two = job.put("two.wasm", 2, Does::More);
    let bytes = line(10).len();
    let from = (5 * bytes).to_string();
    let replay = job.json(&two, 1, &["--from", &from]);
    assert_eq!(counts(&replay), [15, 15, 15]);
    assert_eq!(replay["differences"][0]["offset"], 5 * bytes);
    assert_eq!(counts(&job.json(&two, 1, &["--records", "4"])), [4, 4, 4]);
    let ended = job.replay(&two, &["--from", "2023-01-18"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("from which byte"), "{ended:?}");
    job.configure("{ stdin: {} }", "error");
    let ended = job.replay(&two, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("cannot be read again"), "{ended:?}");
}

#[test]
fn what_is_not_in_order_is_said_before_anything_is_read() {
    let job = Job::with_records();
    let none = job.put("none.wasm", 2, Does::None);
    let check = |plugin: &str, file: &Path, more: &[&str], words: &str| {
        let ended = output(&mut job.command(plugin, file, more));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words} is not in {ended:?}");
        assert_eq!(ended.stdout, "");
    };
    check(
        "w",
        &none,
        &[],
        "pipeline logs has no plugin w; it has: v, level",
    );
    check("v", &none, &[], "takes no settings at all");
    check("v", &job.place.path("no.wasm"), &[], "no.wasm");
    check("v", &job.place.path("logs.yaml"), &[], "logs.yaml");
    let same = job.put("same.wasm", 1, Does::Keep);
    check(
        "v",
        &same,
        &["--topic", "other"],
        "source.kafka.topics has no other; it has: replay-",
    );
    check(
        "v",
        &same,
        &["--partition", "7"],
        "no topic has a partition 7",
    );
    check(
        "v",
        &same,
        &["--from", "soon"],
        "expected an offset such as 42, or a time",
    );
}

#[test]
fn a_version_that_would_be_given_up_ends_it() {
    let job = Job::new();
    let file = job
        .place
        .write("in.ndjson", "{\"text\":\"trap\"}\n".repeat(5_000));
    job.configure(
        &format!("{{ file: {{ paths: [{}] }} }}", file.display()),
        "error",
    );
    job.edit("batch_time_ms_max: 60000", "search_time_ms_max: 1");
    job.edit("name: v,", "name: v, on_quarantine: bypass,");
    let two = job.put("two.wasm", 2, Does::Trap);
    let replay = job.json(&two, 1, &[]);
    assert_eq!(replay["end"], "given_up");
    let why = replay["given_up"].as_str().unwrap();
    assert!(why.starts_with(&format!("the new v {}+", name(2))), "{why}");
    assert!(why.contains("told to"), "{why}");
}

#[test]
fn nothing_is_run_here_that_the_pipeline_would_not_run() {
    let job = Job::with_records();
    let two = job.put("two.wasm", 2, Does::Keep);
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    job.edit(
        "pipeline: logs",
        &format!("trust: {{ keys: [{key}] }}\npipeline: logs"),
    );
    let ended = job.replay(&two, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("has no signature"), "{ended:?}");
}

#[test]
fn a_cluster_that_is_away_is_waited_for_until_a_person_ends_it() {
    let job = Job::new();
    job.edit(&job.kafka.address, "127.0.0.1:1");
    let two = job.put("two.wasm", 2, Does::Keep);
    let mut replay = Running::start(&mut job.command("v", &two, &["--json"]));
    replay.await_words("waiting for kafka");
    replay.signal("INT");
    let ended = replay.wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_person_who_ends_it_sees_what_was_found_so_far() {
    let job = Job::new();
    let line = |number: u64| format!("{{\"n\":{number},\"Type\":\"error\"}}\n");
    let lines: String = (0..1_000_000).map(line).collect();
    let file = job.place.write("in.ndjson", lines);
    job.configure(
        &format!("{{ file: {{ paths: [{}] }} }}", file.display()),
        "error",
    );
    let slow = job.put("slow.wasm", 2, Does::Slow);
    let mut replay = Running::start(&mut job.command("v", &slow, &["--from", "0", "--json"]));
    replay.await_words("decided otherwise so far");
    replay.signal("INT");
    let ended = replay.wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let replay = ended.summary();
    assert_eq!(replay["end"], "interrupted");
    let [read, compared, differing] = counts(&replay);
    assert!(0 < read && read < 1_000_000, "{replay}");
    assert_eq!([compared, differing], [read, read]);
}
