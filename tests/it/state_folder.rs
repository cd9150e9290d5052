//! The state folder, and the commands that find a process by it.

use std::fs::{self, DirBuilder, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{Ended, Running, STATE, output, program, run, tamis};

/// A pipeline `main-job` that ends with its standard input.
fn job(place: &Place) -> PathBuf {
    place.copy("{ stdin: {} }", Pipeline::default())
}

/// The folder `state` of `place`, with that of `main-job` in it.
fn state(place: &Place) -> PathBuf {
    let state = place.path("state");
    let mut closed = DirBuilder::new();
    closed.recursive(true).mode(0o700);
    closed.create(state.join("main-job")).unwrap();
    state
}

/// What comes of `tamis plugin …` with that folder.
fn plugin(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = tamis(["plugin"].iter().chain(arguments));
    output(command.env(STATE, place.path("state")))
}

#[test]
fn a_pipeline_has_one_process_for_each_state_folder() {
    let place = Place::default();
    let (job, state) = (job(&place), place.path("state"));
    let command = || {
        let mut command = run(&job);
        command.env(STATE, &state);
        command
    };
    let mut first = Running::start(command().stdin(Stdio::piped()));
    first.await_words("started");

    let second = output(&mut command());
    assert_eq!(second.code, Some(2), "{second:?}");
    let expected = format!(
        "pipeline main-job is run by another process with the state folder {}; give this one its own with --state DIR",
        state.display()
    );
    assert!(
        second.stderr.lines().any(|line| line == expected),
        "{second:?}"
    );
    for other in [place.path("other").to_str().unwrap(), "off"] {
        let ended = output(run(&job).args(["--state", other]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    // It takes nothing along that the next one needs.
    first.signal("KILL");
    assert_eq!(first.wait().code, None);
    let next = output(&mut command());
    assert_eq!(next.code, Some(0), "{next:?}");
}

#[test]
fn the_usual_state_folder_is_below_the_home_of_the_user() {
    let place = Place::default();
    let job = job(&place);
    let run_with = |variables: &[&str]| {
        let mut command = Command::new("env");
        command
            .args(["-u", STATE, "-u", "HOME", "-u", "XDG_STATE_HOME"])
            .args(variables)
            .arg(program())
            .args([Path::new("run"), &job])
            .stdin(Stdio::null());
        let ended = output(&mut command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stderr
    };
    let home = place.path("home");
    run_with(&[&format!("HOME={}", home.display())]);
    assert!(home.join(".local/state/tamis/main-job/lock").is_file());
    let said = run_with(&[]);
    assert!(
        said.contains("neither HOME nor XDG_STATE_HOME is set"),
        "{said}"
    );
    // Nobody asked for it, so it is no reason to stop.
    File::create(place.path("file")).unwrap();
    let said = run_with(&[&format!("HOME={}", place.path("file").display())]);
    assert!(said.contains("no state of plugins is kept"), "{said}");
}

#[test]
fn a_pipeline_that_does_not_run_is_named_with_where_it_was_looked_for() {
    let place = Place::default();
    let file = place.write("mask.wasm", "");
    let file = file.to_str().unwrap();
    let socket = place.path("state/main-job/control.sock");
    let check = |arguments: &[&str], expected: &str| {
        let ended = plugin(&place, arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    let nobody = format!(
        "no process that runs pipeline main-job listens at {}",
        socket.display()
    );
    check(&["deploy", "main-job", "mask", file], &nobody);
    check(&["promote", "main-job", "mask"], &nobody);
    check(&["rollback", "main-job", "mask"], &nobody);
    check(
        &["rollback", "main-job", "mask", "--state", "off"],
        "with --state DIR",
    );
    check(
        &["deploy", "main-job", "mask", "none.wasm"],
        "none.wasm: there is no such file",
    );
    check(&["promote", "main-job.yaml/", "mask"], "expected the name");
    check(
        &["versions", "main-job"],
        "no plugin of pipeline main-job has a history in",
    );
    // One that died leaves its socket behind.
    state(&place);
    drop(UnixListener::bind(&socket).unwrap());
    check(&["promote", "main-job", "mask"], &nobody);
}

#[test]
fn versions_are_listed_whether_the_pipeline_runs_or_not() {
    let place = Place::default();
    let entry = json!({
        "version": 1, "at_ms": 1_674_000_000_000_u64, "plugin": "mask", "semver": "0.1.0", "sha256": "2cf24dba5fb0a30e",
        "event": "promoted", "by": "start",
    });
    fs::write(
        state(&place).join("main-job/history.jsonl"),
        format!("{entry}\n"),
    )
    .unwrap();
    let check = || {
        let table = plugin(&place, &["versions", "main-job"]);
        assert_eq!(table.code, Some(0), "{table:?}");
        let expected = "\
PLUGIN  VERSION  SHA-256       SINCE                 STATE
mask    0.1.0    2cf24dba5fb0  2023-01-18T00:00:00Z  runs
";
        assert_eq!(table.stdout, expected);
        assert_eq!(
            plugin(&place, &["versions", "main-job", "mask", "--json"]).summary(),
            entry
        );
        let unknown = plugin(&place, &["versions", "main-job", "level"]);
        assert_eq!(unknown.code, Some(2), "{unknown:?}");
        assert!(unknown.stderr.contains("these have: mask"), "{unknown:?}");
    };
    check();
    let mut running = Running::start(
        run(&job(&place))
            .env(STATE, place.path("state"))
            .stdin(Stdio::piped()),
    );
    running.await_words("started");
    check();
}

/// The other side of a client, in the place of a process that runs `main-job`.
struct Peer(UnixListener);

impl Peer {
    fn new(place: &Place) -> Self {
        let socket = state(place).join("main-job/control.sock");
        Self(UnixListener::bind(socket).unwrap())
    }

    /// Takes a client and its request, and answers by `lines`.
    fn answer(self, lines: &[Value]) -> (Value, UnixStream) {
        let (mut stream, _) = self.0.accept().unwrap();
        let mut request = String::new();
        BufReader::new(&stream).read_line(&mut request).unwrap();
        for line in lines {
            writeln!(stream, "{line}").unwrap();
        }
        (serde_json::from_str(&request).unwrap(), stream)
    }
}

#[test]
fn a_deployment_is_shown_step_by_step_and_ends_as_the_process_says() {
    let check = |arguments: &[&str], end: Value, code: i32, stdout: &str, stderr: &str| {
        let place = Place::default();
        let file = place.write("mask.wasm", "");
        let peer = Peer::new(&place);
        let step = json!({ "name": "compile", "ok": true, "ms": 412, "said": "from the cache" });
        let lines = [step, json!({ "end": end })];
        let peer = thread::spawn(move || peer.answer(&lines).0);
        let all = ["deploy", "main-job", "mask", file.to_str().unwrap()];
        let ended = plugin(&place, &[&all, arguments].concat());
        let said = (ended.code, &*ended.stdout, &*ended.stderr);
        assert_eq!(said, (Some(code), stdout, stderr));
        peer.join().unwrap()
    };
    let step =
        "STEP          RESULT        MS  SAID\ncompile       ok           412  from the cache\n";
    let request = check(
        &["--promote", "if-same"],
        json!({ "ok": true, "said": "mask 0.2.0 runs" }),
        0,
        &format!("{step}mask 0.2.0 runs\n"),
        "",
    );
    assert_eq!(
        (&request["request"], &request["promote"]),
        (&json!("deploy"), &json!("if-same"))
    );
    assert!(
        request["file"].as_str().unwrap().starts_with('/'),
        "{request}"
    );
    let refused = || json!({ "ok": false, "said": "refused: it traps" });
    check(&[], refused(), 1, step, "refused: it traps\n");
    let lines = "{\"name\":\"compile\",\"ok\":true,\"ms\":412,\"said\":\"from the cache\"}\n{\"end\":{\"ok\":false,\"said\":\"refused: it traps\"}}\n";
    check(&["--json"], refused(), 1, lines, "refused: it traps\n");
}

#[test]
fn who_stops_waiting_or_loses_the_process_is_told_how_to_go_on() {
    let place = Place::default();
    let peer = Peer::new(&place);
    let mut command = tamis(["plugin", "rollback", "main-job", "mask"]);
    let client = Running::start(command.env(STATE, place.path("state")));
    let (request, stream) = peer.answer(&[]);
    assert_eq!(request, json!({ "request": "rollback", "plugin": "mask" }));
    client.signal("INT");
    let ended = client.wait();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("what was begun goes on"), "{ended:?}");
    drop(stream);

    fs::remove_file(place.path("state/main-job/control.sock")).unwrap();
    let peer = Peer::new(&place);
    let client = Running::start(command.env(STATE, place.path("state")));
    drop(peer.answer(&[]));
    let ended = client.wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected =
        "error: pipeline main-job ended before it answered; `tamis plugin versions main-job`";
    assert!(ended.stderr.starts_with(expected), "{ended:?}");
}
