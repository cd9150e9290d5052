//! Who may look, and how much of it.

use std::io::Read as _;
use std::net::TcpStream;
use std::process::Stdio;

use tamis_tests::http;
use tamis_tests::place::{Pipeline, Place};
use tamis_tests::tamis::{output, run, tamis};

use super::Watched;

const TOKEN: &str = "correct-horse-battery";

fn stdin(place: &Place) -> std::path::PathBuf {
    place.copy("{ stdin: {} }", Pipeline::default())
}

#[test]
fn metrics_are_for_whoever_has_the_token_and_health_for_all_without_its_words() {
    let place = Place::default();
    let token = place.write("token", format!("{TOKEN}\n"));
    let mut command = run(&stdin(&place));
    command.arg("--telemetry-token-file").arg(token);
    let mut watched = Watched::start(command.stdin(Stdio::piped()));
    let get = |path: &str, token| http::get(&watched.address, path, token).unwrap();
    for token in [None, Some("wrong"), Some("correct-horse-batter"), Some("")] {
        let answer = get("/metrics", token);
        assert_eq!(answer.status, 401, "{answer:?}");
        let head = answer.head.to_ascii_lowercase();
        assert!(head.contains("www-authenticate: bearer"), "{head}");
        assert!(!answer.body.contains("tamis_"), "{answer:?}");
    }
    let answer = get("/metrics", Some(TOKEN));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!answer.body.contains(TOKEN), "{answer:?}");
    assert_eq!(get("/health/live", None).status, 200);
    let told = get("/health/ready", None).json();
    assert!(told["pipelines"][0]["unready"].is_array(), "{told}");
    assert_eq!(get("/", None).status, 404);
    let posted = http::ask(&watched.address, "POST", "/metrics", Some(TOKEN)).unwrap();
    assert_eq!(posted.status, 405, "{posted:?}");
    watched.tamis.end_input();
    let ended = watched.tamis.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains(TOKEN), "{ended:?}");
}

#[test]
fn what_other_machines_reach_needs_a_token() {
    let place = Place::default();
    let job = stdin(&place);
    for command in ["run", "check"] {
        let mut command = tamis([command.as_ref(), job.as_os_str()]);
        let ended = output(command.args(["--telemetry", "0.0.0.0:0"]));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let cure = "--telemetry-token-file FILE";
        assert!(ended.stderr.contains(cure), "{ended:?}");
    }
    let mut command = tamis(["check".as_ref(), job.as_os_str()]);
    command.args(["--telemetry", "0.0.0.0:0"]);
    let ended = output(command.env("TAMIS_TELEMETRY_TOKEN", TOKEN));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn an_address_that_is_taken_is_named_and_nothing_is_started() {
    let place = Place::default();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = output(run(&stdin(&place)).args(["--telemetry", &address]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let words = format!("--telemetry {address}: nothing can listen there");
    assert!(ended.stderr.contains(&words), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn whoever_connects_and_says_nothing_keeps_no_one_out_for_long() {
    let place = Place::default();
    let mut command = run(&stdin(&place));
    let mut watched = Watched::start(command.stdin(Stdio::piped()));
    // More than are served at once.
    let silent: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(&watched.address).unwrap())
        .collect();
    assert_eq!(watched.get("/health/live").status, 200);
    for mut stream in silent {
        let mut answer = Vec::new();
        // Closed, be it with a word about the time or without one.
        let _closed = stream.read_to_end(&mut answer);
    }
    watched.tamis.end_input();
    assert_eq!(watched.tamis.wait().code, Some(0));
}
