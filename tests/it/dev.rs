//! `tamis plugin dev`: from an edit to the pipeline that runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tamis_tests::files::by_partition;
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Running, STATE, output, run, tamis};
use tamis_tests::wait::{LONG, eventually};

/// A pipeline `logs` over the standard input, whose plugin is what `tamis plugin new` makes.
struct Job {
    place: Place,
    given: usize,
}

impl Job {
    fn new() -> Self {
        let job = Self {
            place: Place::default(),
            given: 0,
        };
        let (out, dead) = (job.place.out(), job.place.dead());
        let text = format!(
            "pipeline: logs
source: {{ stdin: {{}} }}
plugins:
  - {{ name: mine, path: mask/mask.wasm, settings: {{ mute: [quiet] }} }}
sinks:
  out: {{ file: {{ url: 'file://{}', path: all, format: ndjson, run: {{ age_ms_max: 100 }} }} }}
dead_letters: {{ folder: {{ path: {} }} }}
limits: {{ lanes: 1 }}
swap: {{ probation_ms: 600000 }}
",
            out.display(),
            dead.display()
        );
        job.place.write("logs.yaml", text);
        let folder = job.place.path("mask").display().to_string();
        for arguments in [
            &["new", "mask", "--folder", &folder][..],
            &["build", &folder],
        ] {
            let ended = output(&mut job.plugin(arguments));
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        job
    }

    fn plugin(&self, arguments: &[&str]) -> Command {
        let mut command = tamis(["plugin"].iter().chain(arguments));
        command
            .env(STATE, self.place.path("state"))
            // What all plugins need is built there already.
            .env("CARGO_TARGET_DIR", root().join("target"));
        command
    }

    /// The pipeline.
    fn start(&self) -> Running {
        let mut command = run(&self.place.path("logs.yaml"));
        command
            .env(STATE, self.place.path("state"))
            .stdin(Stdio::piped());
        let mut tamis = Running::start(&mut command);
        tamis.await_words("started");
        tamis
    }

    /// Gives the pipeline an error, and tells how it is marked.
    fn mark(&mut self, tamis: &mut Running) -> Value {
        self.given += 1;
        let given = self.given;
        tamis.write(b"{\"Type\":\"error\"}\n");
        let mut lines = Vec::new();
        tamis.until("the record is written", || {
            let written = by_partition(&self.place.out()).into_values().flatten();
            lines = written.collect();
            lines.iter().filter(|byte| **byte == b'\n').count() == given
        });
        let last = lines.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        serde_json::from_slice::<Value>(last.unwrap()).unwrap()["marked"].clone()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.place.path("mask").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }
}

/// Waits until `dev` has printed a line with all of `parts`, and takes it out of what is `left` to look at.
fn await_line(dev: &Running, seen: &mut usize, parts: &[&str]) {
    let mut printed = String::new();
    let found = |printed: &str, seen: usize| {
        let lines = printed.lines().enumerate().skip(seen);
        let whole = printed.matches('\n').count();
        let mut lines = lines.filter(|(index, _)| *index < whole);
        lines
            .find(|(_, line)| parts.iter().all(|part| line.contains(part)))
            .map(|(index, _)| index)
    };
    eventually(LONG, &format!("it prints {parts:?}"), || {
        printed = dev.printed();
        found(&printed, *seen).is_some()
    });
    *seen = found(&printed, *seen).unwrap() + 1;
}

const CASE: &str = "cases/drops-muted/out.ndjson";
const CODE: &str = "src/lib.rs";

#[test]
fn what_is_edited_is_built_and_tested_and_what_passes_runs() {
    let mut job = Job::new();
    let mut tamis = job.start();
    assert_eq!(job.mark(&mut tamis), true);
    let (folder, config) = (job.place.path("mask"), job.place.path("logs.yaml"));
    let [folder, config] =
        [&folder, &config].map(|path: &std::path::PathBuf| path.to_str().unwrap());
    let dev = Running::start(&mut job.plugin(&["dev", folder, "--pipeline", config]));
    let mut seen = 0;
    await_line(&dev, &mut seen, &["build ", "ok", "mask 0.1.0"]);
    await_line(&dev, &mut seen, &["test ", "ok", "2 cases, 0 failed"]);
    await_line(
        &dev,
        &mut seen,
        &["deploy ", "ok", "this very file runs already"],
    );

    // What does not pass its cases goes nowhere, though the pipeline looks after the file.
    let wasm = Path::new(folder).join("mask.wasm");
    let before = fs::read(&wasm).unwrap();
    job.edit(CODE, r#""/marked", true"#, r#""/marked", 7"#);
    await_line(&dev, &mut seen, &["test ", "failed", "2 cases, 1 failed"]);
    await_line(&dev, &mut seen, &["/marked: expected true, came 7"]);
    assert_eq!(fs::read(&wasm).unwrap(), before);
    job.edit(CASE, r#""marked":true"#, r#""marked":7"#);
    await_line(&dev, &mut seen, &["test ", "ok", "2 cases, 0 failed"]);
    await_line(&dev, &mut seen, &["deploy ", "ok", "1 decided otherwise"]);
    assert_eq!(job.mark(&mut tamis), 7);

    // Nor does what cannot be compiled. The next one does not wait for the end of a probation.
    job.edit(CODE, "Fate::Drop;", "Fate::Drip;");
    await_line(&dev, &mut seen, &["build ", "failed", "cargo failed"]);
    job.edit(CASE, r#""marked":7"#, r#""marked":8"#);
    job.edit(CODE, r#""/marked", 7"#, r#""/marked", 8"#);
    job.edit(CODE, "Fate::Drip;", "Fate::Drop;");
    await_line(
        &dev,
        &mut seen,
        &["probation ", "ok", "it gives way to the next version"],
    );
    await_line(&dev, &mut seen, &["deploy ", "ok"]);
    assert_eq!(job.mark(&mut tamis), 8);

    dev.signal("INT");
    let ended = dev.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    tamis.end_input();
    assert_eq!(tamis.wait().code, Some(0));
}

#[test]
fn what_is_not_in_order_is_said_at_once() {
    let place = Place::default();
    let check = |arguments: &[&str], words: &str| {
        let mut command = tamis(["plugin", "dev"].iter().chain(arguments));
        let ended = output(&mut command);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words} is not in {ended:?}");
    };
    let empty = place.path("").display().to_string();
    check(
        &[&empty],
        "has none of Cargo.toml, pyproject.toml, package.json: name the plugin's folder",
    );
    let folder = root().join("plugins/redact").display().to_string();
    check(
        &[&folder, "--pipeline", "no/such.yaml"],
        "there is no such file, nor is it the name of a pipeline",
    );
    let wrong = place
        .write("wrong.yaml", "pipeline: logs\ncolour: blue\n")
        .display()
        .to_string();
    check(&[&folder, "--pipeline", &wrong], "colour");
}
