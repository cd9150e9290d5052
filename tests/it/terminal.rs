//! `tamis top` and `tamis tap` as a person sees them: in a terminal, beside a pipeline on a real broker. What stands on the screen is
//! kept in `docs/screens`, where `UPDATE_EXPECT=1` writes it anew.

mod screens;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use serde_json::Value;
use tamis_tests::kafka::{Kafka, Message, unique};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, STATE, output, run, signal, tamis};
use tamis_tests::tmux::Terminal;
use tamis_tests::wait::{LONG, eventually};

use crate::main_job::kafka_source;

/// What the feed repeats.
const LINES: [&str; 4] = [
    r#"{"Type":"error","Action":"Pay","Time":"2023-01-18 12:00:00","Msg":"支付失败","Field":{"order":1},"FuncName":"pay.Charge"}"#,
    r#"{"Type":"info","Action":"Add","Time":"2023-01-18 12:00:01","Msg":"ok","Field":{},"FuncName":"cart.Add"}"#,
    r#"{"Type":"debug","Action":"Add","Time":"2023-01-18 12:00:01","Msg":"cached","Field":{},"FuncName":"cart.Add"}"#,
    "no JSON \u{1b}[31m",
];

/// The main job, which gets some records all the time.
struct Job {
    place: Place,
    topic: String,
    running: Running,
    is_over: Arc<AtomicBool>,
    feed: Option<JoinHandle<()>>,
}

impl Job {
    fn start() -> Self {
        let (kafka, place) = (Kafka::shared(), Place::default());
        let topic = kafka.new_topic("msproject_log", 2, &[]);
        let source = kafka_source(&kafka, &topic, &unique("terminal"));
        let job = Pipeline {
            name: "msproject",
            compression: "none",
            run: "{ age_ms_max: 200 }",
            limits: "{ lanes: 1, commit_interval_ms: 200 }",
            ..Pipeline::default()
        };
        let job = place.main_job(&source, job);
        let running = Running::start(run(&job).env(STATE, place.path("state")));
        let is_over = Arc::new(AtomicBool::new(false));
        let feed = feed(kafka, topic.clone(), Arc::clone(&is_over));
        let mut job = Self {
            place,
            topic,
            running,
            is_over,
            feed: Some(feed),
        };
        job.running.await_words("partitions assigned");
        job
    }

    fn terminal(&self, columns: u16, rows: u16) -> Terminal {
        Terminal::open(columns, rows, &[(STATE, &self.place.path("state"))])
    }

    fn ask(&self, arguments: &[&str]) -> Ended {
        output(tamis(arguments).env(STATE, self.place.path("state")))
    }

    /// Compares a screen with the one that is kept.
    fn check(&self, name: &str, screen: &str) {
        screens::check(name, screen, &self.topic);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(feed) = self.feed.take() {
            // A test that fails has said why by itself.
            let _ended = feed.join();
        }
    }
}

fn feed(kafka: Kafka, topic: String, is_over: Arc<AtomicBool>) -> JoinHandle<()> {
    thread::spawn(move || {
        let sender = kafka.sender(&topic);
        while !is_over.load(Ordering::Relaxed) {
            for partition in 0..2 {
                for line in LINES {
                    let message = Message::value(line);
                    sender.send(&Message {
                        partition,
                        ..message
                    });
                }
            }
            sender.flush();
            sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn top_shows_a_pipeline_that_runs_and_its_keys_do_what_they_say() {
    let job = Job::start();
    let terminal = job.terminal(80, 24);
    terminal.type_line("tamis top");
    let rate = |screen: &str| {
        let level = screen.lines().find(|line| line.starts_with("level "));
        let rate = level.and_then(|line| line.split_whitespace().nth(1));
        rate.unwrap_or("-").to_owned()
    };
    let has_rates = |screen: &str| {
        let rows = screen.lines().filter(|line| line.starts_with(&job.topic));
        screen.contains("running")
            && screen.contains("none: the lanes wait for records")
            && screen.contains("archive")
            && !["-", "0"].contains(&&*rate(screen))
            && rows.count() == 2
    };
    let screen = terminal.until("there are rates", has_rates);
    job.check("top", &screen);

    terminal.press("p");
    let screen = terminal.until("it is paused", |screen| {
        rate(screen) != "-"
            && screen.contains("it is paused, and nothing is in flight")
            && screen.contains("msproject takes no more")
    });
    job.check("top-paused", &screen);
    let status = job.ask(&["status", "msproject", "--json"]).stdout;
    assert!(status.contains("\"state\":\"paused\""), "{status}");
    terminal.press("p");
    terminal.until("it runs again", has_rates);

    terminal.press("s");
    terminal.await_text("s sort: rate");
    terminal.resize(100, 30);
    terminal.until("it fills the larger screen", |screen| {
        let lines: Vec<_> = screen.lines().collect();
        lines.len() == 30 && lines[29].contains("q quit")
    });
    terminal.resize(80, 24);

    job.running.signal("KILL");
    let screen = terminal.await_text("msproject is gone");
    assert!(screen.contains("GONE"), "{screen}");
    terminal.press("q");
    // The shell has its terminal back as it was: what is typed is seen.
    terminal.until("the shell is back", |screen| !screen.contains("q quit"));
    terminal.type_line("echo back$((1 + 1))");
    let screen = terminal.await_text("back2");
    assert!(screen.contains("echo back"), "{screen}");
}

#[test]
fn top_gives_the_terminal_back_when_it_is_told_to_end() {
    let job = Job::start();
    let terminal = job.terminal(80, 24);
    let pid = job.place.path("pid");
    let line = format!(
        "sh -c 'echo $$ > {}; exec tamis top'; stty -a | grep -o ' echo '",
        pid.display()
    );
    for end in ["C-c", "TERM"] {
        terminal.type_line(&line);
        terminal.await_text("q quit");
        if end == "TERM" {
            let pid = std::fs::read_to_string(&pid).unwrap();
            assert!(signal(pid.trim().parse().unwrap(), end));
        } else {
            terminal.press(end);
        }
        terminal.until("the shell is back", |screen| {
            !screen.contains("q quit") && screen.lines().any(|line| line == " echo")
        });
        terminal.type_line("clear");
        terminal.until("the screen is clear", |screen| screen.trim() == "$");
    }
}

#[test]
fn tap_shows_both_sides_of_a_plugin() {
    let job = Job::start();
    // Wide enough for all of it: where a line is cut depends on its numbers.
    let terminal = job.terminal(110, 24);
    let show = |name: &str, line: &str, ends: &str| {
        terminal.type_line("clear");
        terminal.until("the screen is clear", |screen| screen.trim() == "$");
        terminal.type_line(line);
        let screen = terminal.until(ends, |screen| {
            screen.contains(ends) && screen.trim_end().ends_with("\n$")
        });
        job.check(name, &screen);
    };
    show(
        "tap",
        "tamis tap msproject enrich --filter 支付 --count 1",
        "were looked at",
    );
    show(
        "tap-rejected",
        "tamis tap msproject level --fate reject,drop --filter JSON --count 1",
        "were looked at",
    );
    show(
        "tap-all",
        "tamis tap msproject --filter /FuncName=cart.Add --fate drop --count 1",
        "were looked at",
    );
}

#[test]
fn tap_is_for_scripts_too_and_off_when_no_one_looks() {
    let job = Job::start();
    let ended = job.ask(&["tap", "msproject", "level", "--count", "40", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 40);
    for line in &lines {
        let record = &line["record"];
        let before = record["before"]["value"]["text"].as_str().unwrap();
        let index = LINES.iter().position(|line| *line == before).unwrap();
        assert_eq!(
            record["fate"],
            ["keep", "keep", "drop", "reject"][index],
            "{record}"
        );
        let after = record["after"].as_array().unwrap();
        assert_eq!(after.len(), usize::from(index < 2), "{record}");
    }
    let ended = job.ask(&["tap", "msproject", "mask", "--count", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("there are: level, enrich"),
        "{ended:?}"
    );
    // Four may look at once. Whoever is killed looks no more.
    let state = job.place.path("state");
    let looks = || {
        let mut looking = Running::start(tamis(["tap", "msproject"]).env(STATE, &state));
        eventually(LONG, "it sees something, or may not look", || {
            !looking.printed().is_empty() || looking.ended().is_some()
        });
        looking.ended().is_none().then_some(looking)
    };
    let mut all = Vec::new();
    // Those before are forgotten a second after they went away.
    eventually(LONG, "four of them look", || {
        all.extend(looks());
        all.len() == 4
    });
    let one_more = || job.ask(&["tap", "msproject", "--count", "1"]);
    let refused = one_more();
    assert!(
        refused.stderr.contains("4 look at the pipeline already"),
        "{refused:?}"
    );
    all.iter().for_each(|it| it.signal("KILL"));
    eventually(LONG, "they are forgotten", || one_more().code == Some(0));
}

#[test]
fn top_prints_one_table_for_a_script() {
    let job = Job::start();
    let ended = job.ask(&["top", "--once"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for words in [
        "PIPELINE",
        "msproject",
        "running",
        "level",
        "enrich",
        "archive",
        &job.topic,
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let ended = job.ask(&["top"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--once"), "{ended:?}");
    let ended = job.ask(&["top", "other", "--once"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
