//! Plugins that are swapped while records flow, by whatever asks for it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tamis_tests::files::{by_folder, by_partition, dead_letters};
use tamis_tests::place::Place;
use tamis_tests::tamis::{Ended, Running, STATE, output, run, tamis};
use tamis_tests::versions::{self, Does, name};
use tamis_tests::wait::{LONG, eventually};

/// A pipeline `logs` with one plugin `v` over the standard input.
struct Job {
    place: Place,
    /// Records that were written to its input.
    given: usize,
}

impl Job {
    /// With version 1 of the plugin, and a `swap` section.
    fn new(swap: &str) -> Self {
        let job = Self {
            place: Place::default(),
            given: 0,
        };
        versions::put(&job.plugin(), 1, Does::Keep);
        job.configure(swap, "", "");
        job
    }

    fn plugin(&self) -> PathBuf {
        self.place.path("v.wasm")
    }

    /// Writes its configuration anew, with a note in the settings of the plugin, and more lines.
    fn configure(&self, swap: &str, note: &str, more: &str) -> PathBuf {
        self.write(swap, note, more, "path: all, run: { age_ms_max: 100 }")
    }

    /// As [`configure`](Self::configure), with these settings of the sink.
    fn write(&self, swap: &str, note: &str, more: &str, sink: &str) -> PathBuf {
        let (out, dead) = (self.place.out(), self.place.dead());
        let (out, dead) = (out.display(), dead.display());
        let text = format!(
            "pipeline: logs
source: {{ stdin: {{}} }}
plugins:
  - {{ name: v, path: v.wasm, settings: {{ note: '{note}' }} }}
sinks:
  out:
    file: {{ url: 'file://{out}', format: ndjson, {sink} }}
dead_letters: {{ folder: {{ path: {dead} }} }}
limits: {{ lanes: 2 }}
swap: {{ {swap} }}
{more}"
        );
        self.place.write("new.yaml", text);
        let file = self.place.path("logs.yaml");
        fs::rename(self.place.path("new.yaml"), &file).unwrap();
        file
    }

    fn command(&self) -> Command {
        let mut command = run(&self.place.path("logs.yaml"));
        command
            .env(STATE, self.place.path("state"))
            .stdin(Stdio::piped());
        command
    }

    fn start(&self) -> Running {
        let mut tamis = Running::start(&mut self.command());
        tamis.await_words("started");
        tamis
    }

    fn plugin_command(&self, arguments: &[&str]) -> Command {
        let mut command = tamis(["plugin"].iter().chain(arguments));
        command.env(STATE, self.place.path("state"));
        command
    }

    /// What comes of `tamis plugin …`.
    fn ask(&self, arguments: &[&str]) -> Ended {
        output(&mut self.plugin_command(arguments))
    }

    /// Begins to deploy a version from a file of its own.
    fn deploying(&self, number: u32, does: Does) -> Running {
        let file = self
            .place
            .write("deployed.wasm", versions::file(number, does));
        let file = file.to_str().unwrap();
        Running::start(&mut self.plugin_command(&["deploy", "logs", "v", file]))
    }

    /// Deploys a version, which gets one record of this text on probation.
    fn deploy(&mut self, tamis: &mut Running, number: u32, does: Does, text: &str) -> Ended {
        let switches = tamis.count(SWITCH);
        let deploying = self.deploying(number, does);
        self.await_switch(tamis, switches + 1);
        self.give(tamis, &[text]);
        deploying.wait()
    }

    fn await_switch(&self, tamis: &mut Running, count: usize) {
        eventually(LONG, "the lanes switch", || tamis.count(SWITCH) == count);
    }

    /// Gives `tamis` records of this text, one by one, and waits for what becomes of all so far.
    fn give(&mut self, tamis: &mut Running, texts: &[&str]) {
        for text in texts {
            self.given += 1;
            tamis.write(format!("{{\"n\":{},\"text\":\"{text}\"}}\n", self.given).as_bytes());
            let given = self.given;
            tamis.until("the records are written", || self.written().len() == given);
        }
    }

    /// The records in the sink, in order.
    fn written(&self) -> Vec<Value> {
        let all = by_partition(&self.place.out());
        let lines = all
            .values()
            .flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
        let lines = lines.filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// Checks which versions made the records, in order; that each record is there once, and that there are no dead letters.
    fn check(&self, made_by: &[&str]) {
        let written = self.written();
        let versions: Vec<&str> = written.iter().map(|it| it["v"].as_str().unwrap()).collect();
        assert_eq!(versions, made_by);
        let numbers: Vec<u64> = written.iter().map(|it| it["n"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=made_by.len() as u64).collect::<Vec<_>>());
        assert!(dead_letters(&self.place.dead()).is_empty());
    }

    /// The history: what became of which version, by what.
    fn history(&self) -> Vec<String> {
        let file = self.place.path("state/logs/history.jsonl");
        let text = fs::read_to_string(file).unwrap();
        let entries = text.lines().map(|line| {
            let entry: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| entry[key].as_str().unwrap().to_owned();
            let version = text("semver");
            let version = version
                .strip_prefix("1.0.1")
                .unwrap_or("?")
                .trim_start_matches('0');
            format!("{version} {} by {}", text("event"), text("by"))
        });
        entries.collect()
    }
}

/// What is said when lanes have gone on with another version.
const SWITCH: &str = "step=\"switch\"";
const PROBATION: &str = "step=\"probation\"";
/// Without a look at files, and with a short probation.
const QUICK: &str = "watch: false, probation_ms: 100";

#[test]
fn a_version_that_is_deployed_takes_over_between_two_records_and_stays_after_a_restart() {
    let mut job = Job::new(QUICK);
    let mut tamis = job.start();
    job.give(&mut tamis, &["a", "b"]);
    let ended = job.deploy(&mut tamis, 2, Does::More, "c");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let steps = [
        "compile",
        "instantiate",
        "configure",
        "shadow",
        "switch",
        "probation",
    ];
    assert!(
        steps.iter().all(|step| ended.stdout.contains(step)),
        "{ended:?}"
    );
    let difference = "/other: was nothing, is true";
    assert!(ended.stdout.contains(difference), "{ended:?}");
    tamis.end_input();
    let summary = tamis.wait().summary();
    let versions = summary["plugins"]["v"].as_object().unwrap();
    let versions: Vec<&str> = versions
        .keys()
        .map(|it| it.split('+').next().unwrap())
        .collect();
    assert_eq!(versions, [name(1), name(2)]);

    // The offsets of a new process begin at 0 again: what is there is not its own.
    fs::remove_dir_all(job.place.out()).unwrap();
    job.given = 0;
    tamis = job.start();
    job.give(&mut tamis, &["d"]);
    job.check(&[&name(2)]);
    assert_eq!(
        job.history(),
        [
            "1 promoted by start",
            "2 on_probation by deploy",
            "2 promoted by deploy"
        ]
    );
}

#[test]
fn a_version_that_fails_is_taken_back_and_the_version_before_decides_what_it_failed_on() {
    let mut job = Job::new(QUICK);
    let mut tamis = job.start();
    let one = name(1);
    job.give(&mut tamis, &["a"]);
    let ended = job.deploy(&mut tamis, 2, Does::Trap, "a trap");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("told to"), "{ended:?}");
    job.give(&mut tamis, &["b"]);
    job.check(&[&one, &one, &one]);
    // Also one that shows it before it gets a record.
    let ended = job.deploying(3, Does::Trap).wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("told to"), "{ended:?}");
    for (number, does) in [(4, Does::Deny), (5, Does::None)] {
        let ended = job.deploying(number, does).wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
    }
    let cut = &versions::file(6, Does::Keep)[..100_000];
    let cut = job.place.write("cut.wasm", cut);
    let ended = job.ask(&["deploy", "logs", "v", cut.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    job.give(&mut tamis, &["c"]);
    job.check(&[&one, &one, &one, &one]);
    let history = job.history();
    let expected = [
        "1 promoted by start",
        "2 on_probation by deploy",
        "2 rolled_back by rollback",
        "? refused by deploy",
    ];
    assert_eq!(history[..4], expected);
    assert_eq!(history[3..], vec![expected[3]; 4]);
}

#[test]
fn what_is_deployed_waits_where_a_person_decides_and_goes_where_it_came_from() {
    let mut job = Job::new("watch: false, probation_ms: 100, promote: manual");
    let mut tamis = job.start();
    let (one, two) = (name(1), name(2));
    job.give(&mut tamis, &["a"]);
    let ended = job.deploying(2, Does::Keep).wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("tamis plugin promote logs v"),
        "{ended:?}"
    );
    job.give(&mut tamis, &["b"]);
    let promoting = Running::start(&mut job.plugin_command(&["promote", "logs", "v"]));
    job.await_switch(&mut tamis, 1);
    job.give(&mut tamis, &["c"]);
    let ended = promoting.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = job.ask(&["rollback", "logs", "v"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    job.give(&mut tamis, &["d"]);
    job.check(&[&one, &one, &two, &one]);
    for arguments in [
        ["promote", "logs", "v"],
        ["rollback", "logs", "v"],
        ["rollback", "logs", "w"],
    ] {
        let ended = job.ask(&arguments);
        assert_eq!(ended.code, Some(1), "{ended:?}");
    }
    assert_eq!(job.history().last().unwrap(), "2 rolled_back by rollback");
}

#[test]
fn a_file_that_changes_is_deployed_once_it_is_whole_and_so_are_settings() {
    let mut job = Job::new("probation_ms: 100");
    let mut tamis = job.start();
    let (one, two) = (name(1), name(2));
    job.give(&mut tamis, &["a"]);
    // Written in place, in two parts.
    let whole = versions::file(2, Does::Keep);
    fs::write(job.plugin(), &whole[..150_000]).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    job.give(&mut tamis, &["b"]);
    assert!(!tamis.said().contains("step="), "half of it is no event");
    fs::write(job.plugin(), &whole).unwrap();
    job.await_switch(&mut tamis, 1);
    job.give(&mut tamis, &["c"]);
    tamis.await_words(PROBATION);
    job.configure("probation_ms: 100", "-noted", "");
    job.await_switch(&mut tamis, 2);
    job.give(&mut tamis, &["d"]);
    let noted = format!("{two}-noted");
    job.check(&[&one, &one, &two, &noted]);
    // A configuration that is broken, or asks for too much, changes nothing, and is taken once it is mended.
    job.configure("probation_ms: 100", "-more", "colour: blue");
    tamis.await_words("colour");
    job.configure("probation_ms: 100, shadow_bytes_max: 5", "-more", "");
    tamis.await_words("swap.shadow_bytes_max cannot change");
    job.give(&mut tamis, &["e"]);
    job.check(&[&one, &one, &two, &noted, &noted]);
}

#[test]
fn a_signal_has_files_and_configuration_looked_at() {
    let mut job = Job::new(QUICK);
    let mut tamis = job.start();
    job.give(&mut tamis, &["a"]);
    job.configure(QUICK, "-b", "");
    tamis.signal("HUP");
    job.await_switch(&mut tamis, 1);
    job.give(&mut tamis, &["b"]);
    tamis.await_words(PROBATION);
    versions::put(&job.plugin(), 2, Does::Keep);
    tamis.signal("HUP");
    job.await_switch(&mut tamis, 2);
    job.give(&mut tamis, &["c"]);
    let (one, two) = (name(1), name(2));
    job.check(&[&one, &format!("{one}-b"), &format!("{two}-b")]);
}

#[test]
fn settings_of_a_sink_change_while_records_flow_and_what_cannot_change_is_named() {
    let mut job = Job::new(QUICK);
    // So long that no run ends by itself.
    let by_hour = |path: &str| format!("path: {path}, run: {{ age_ms_max: 3600000 }}");
    job.write(QUICK, "", "", &by_hour("first"));
    let mut tamis = job.start();
    let give = |job: &mut Job, tamis: &mut Running, count: usize| {
        for _ in 0..count {
            job.given += 1;
            tamis.write(format!("{{\"n\":{}}}\n", job.given).as_bytes());
        }
    };
    give(&mut job, &mut tamis, 500);
    job.write(QUICK, "", "", &by_hour("second"));
    tamis.signal("HUP");
    tamis.await_words("step=\"sinks\"");
    give(&mut job, &mut tamis, 500);
    job.write(QUICK, "-noted", "", &by_hour("third"));
    tamis.signal("HUP");
    tamis.await_words("plugins and sinks cannot change at once");
    tamis.end_input();
    let ended = tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.summary()["written"]["out"], 1000);
    let one = name(1);
    job.check(&vec![&*one; 1000]);
    let folders: Vec<String> = by_folder(&job.place.out())
        .into_keys()
        .map(|(folder, _)| folder)
        .collect();
    assert_eq!(folders, ["first", "second"]);
}
