//! A pipeline with keys runs what they signed, and nothing else.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use minisign::SecretKeyBox;
use serde_json::Value;
use tamis_tests::files::{content, visible};
use tamis_tests::place::{Place, root};
use tamis_tests::tamis::{Ended, Running, STATE, output, run, tamis};
use tamis_tests::versions::{self, Does};

const PASSWORD: &str = "TAMIS_SIGN_PASSWORD";

/// `tamis plugin …` in the folder of `place`, with no password.
fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = tamis(["plugin"].iter().chain(arguments));
    command.current_dir(place.path("")).env_remove(PASSWORD);
    command
}

fn plugin(place: &Place, arguments: &[&str]) -> Ended {
    output(&mut command(place, arguments))
}

/// A new key in `name.key` and `name.pub`.
fn keygen(place: &Place, name: &str) -> String {
    let ended = plugin(place, &["keygen", "--out", &format!("{name}.key")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.trim().to_owned()
}

fn sign(place: &Place, file: &str, key: &str) {
    let ended = plugin(place, &["sign", file, "--key", key]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// A copy of a reference plugin, `x.wasm`.
fn unsigned(place: &Place) -> PathBuf {
    let bytes = fs::read(root().join("plugins/level-filter/level-filter.wasm"));
    place.write("x.wasm", bytes.unwrap())
}

/// A pipeline over a file of two records whose one plugin is `x.wasm`, signed by `key`.
fn job(place: &Place, key: &str, settings: &str) -> PathBuf {
    place.write("in.ndjson", "{\"Type\":\"error\"}\n{\"Type\":\"debug\"}\n");
    write_job(place, "file: { paths: in.ndjson }", key, settings)
}

fn write_job(place: &Place, source: &str, key: &str, settings: &str) -> PathBuf {
    let text = format!(
        "pipeline: signed
source: {{ {source} }}
plugins: [{{ name: x, path: x.wasm, settings: {settings} }}]
sinks: {{ out: {{ file: {{ url: 'file://{}', path: all, format: ndjson }} }} }}
dead_letters: {{ folder: {{ path: dead }} }}
swap: {{ probation_ms: 0 }}
trust: {{ keys: [{key}] }}
",
        place.out().display()
    );
    place.write("signed.yaml", text)
}

/// Which versions made the records that are in the sink.
fn made_by(place: &Place) -> Vec<String> {
    let files = visible(&place.out());
    let lines = files.iter().flat_map(|file| {
        let lines = String::from_utf8(content(file)).unwrap();
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let version = |line: String| {
        let record: Value = serde_json::from_str(&line).unwrap();
        record["v"].as_str().unwrap_or("none").to_owned()
    };
    lines.map(version).collect()
}

/// `job` was not started, for a reason with these words.
fn assert_refused(place: &Place, job: &Path, words: &str) {
    let state = place.path("state");
    for mut command in [run(job), tamis([Path::new("check"), job])] {
        assert_refuses(place, command.env(STATE, &state), words);
    }
}

fn assert_refuses(place: &Place, command: &mut Command, words: &str) {
    let ended = output(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(words), "{words}: {ended:?}");
    assert!(!place.out().exists(), "something was read");
}

#[test]
fn a_pipeline_with_keys_runs_what_they_signed_and_nothing_else() {
    let place = Place::default();
    let (key, stranger) = (keygen(&place, "mine"), keygen(&place, "other"));
    let (file, job) = (unsigned(&place), job(&place, &key, "{ minimum: info }"));
    assert_refused(&place, &job, "has no signature");

    sign(&place, "x.wasm", "other.key");
    assert_refused(&place, &job, "is signed by none of the keys");
    let by_a_stranger = plugin(&place, &["verify", "x.wasm", "--key", &stranger]);
    assert_eq!(by_a_stranger.code, Some(0), "{by_a_stranger:?}");

    sign(&place, "x.wasm", "mine.key");
    let signature = fs::read_to_string(place.path("x.wasm.minisig")).unwrap();
    assert!(
        signature
            .contains("trusted comment: plugin:level-filter version:0.1.0 file:x.wasm timestamp:"),
        "{signature}"
    );
    for key in [["--key", &key], ["--key-file", "mine.pub"]] {
        let ended = plugin(&place, &["verify", "x.wasm", key[0], key[1]]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    let whole = fs::read(&file).unwrap();
    let mut altered = whole.clone();
    *altered.last_mut().unwrap() ^= 1;
    fs::write(&file, &altered).unwrap();
    assert_refused(&place, &job, "is not what was signed");
    let ended = plugin(&place, &["verify", "x.wasm", "--key", &key]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is not what was signed"), "{ended:?}");

    fs::write(&file, &whole).unwrap();
    let ended = output(run(&job).env(STATE, place.path("state")));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(place.out().exists());
}

#[test]
fn a_signature_that_names_another_plugin_or_version_is_good_for_none() {
    let place = Place::default();
    let key = keygen(&place, "mine");
    let (file, job) = (unsigned(&place), job(&place, &key, "{ minimum: info }"));
    let secret = fs::read_to_string(place.path("mine.key")).unwrap();
    let secret = SecretKeyBox::from_string(&secret).unwrap();
    let secret = secret.into_unencrypted_secret_key().unwrap();
    let bytes = fs::read(file).unwrap();
    let check = |comment: &str, words: &str| {
        let signature = minisign::sign(None, &secret, &*bytes, Some(comment), None).unwrap();
        place.write("x.wasm.minisig", signature.to_bytes());
        assert_refused(&place, &job, words);
        let ended = plugin(&place, &["verify", "x.wasm", "--key", &key]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    };
    check(
        "plugin:mask version:0.1.0",
        "was signed as plugin mask, and says of itself that it is level-filter",
    );
    check(
        "plugin:level-filter version:0.1.1",
        "was signed as version 0.1.1, and says of itself that it is 0.1.0",
    );
}

#[test]
fn an_older_version_is_refused_though_it_is_signed() {
    let place = Place::default();
    let (key, state) = (keygen(&place, "mine"), place.path("state"));
    let job = job(&place, &key, "{}");
    let lay = |version: u32| {
        versions::put(&place.path("x.wasm"), version, Does::Keep);
        sign(&place, "x.wasm", "mine.key");
    };
    let runs = |version: u32| {
        let ended = output(run(&job).env(STATE, &state));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(made_by(&place), [(); 2].map(|()| versions::name(version)));
        fs::remove_dir_all(place.out()).unwrap();
    };
    lay(1);
    runs(1);
    lay(2);
    runs(2);
    // What ran last runs, not an older file that ran before.
    lay(1);
    runs(2);
    // One that never ran is new, and refused.
    lay(0);
    assert_refuses(&place, run(&job).env(STATE, &state), "is older than");
    // Where what ran last is gone, the older one does not take its place.
    lay(1);
    fs::remove_dir_all(state.join("signed/plugins")).unwrap();
    assert_refuses(&place, run(&job).env(STATE, &state), "is older than");
}

#[test]
fn what_ran_must_be_known_where_older_versions_are_refused_unless_someone_says_otherwise() {
    let place = Place::default();
    let key = keygen(&place, "mine");
    unsigned(&place);
    sign(&place, "x.wasm", "mine.key");
    let job = job(&place, &key, "{ minimum: info }");
    // With the folder of the user, which is nowhere or cannot be made, and none that a test names.
    let nowhere = |home: Option<&str>| {
        let mut command = run(&job);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        command
    };
    let refused = |home: Option<&str>, words: &str| {
        let ended = nowhere(home).env_remove(STATE).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!place.out().exists(), "something was read");
    };
    refused(
        None,
        "pipeline signed: neither HOME nor XDG_STATE_HOME is set",
    );
    refused(
        Some("/dev/null"),
        "/dev/null/.local/state/tamis cannot be made",
    );
    let runs = |mut command: Command| {
        let ended = command.env_remove(STATE).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{said}");
        fs::remove_dir_all(place.out()).unwrap();
    };
    let mut without_state = nowhere(None);
    without_state.args(["--state", "off"]);
    runs(without_state);
    let allowed = fs::read_to_string(&job).unwrap();
    let allowed = allowed.replace("trust: {", "trust: { downgrade: allow,");
    fs::write(&job, allowed).unwrap();
    runs(nowhere(None));
    runs(nowhere(Some("/dev/null")));
}

#[test]
fn what_is_deployed_is_held_to_the_keys_and_to_the_versions_that_ran() {
    let place = Place::default();
    let key = keygen(&place, "mine");
    let version = |name: &str, number: u32| {
        versions::put(&place.path(name), number, Does::Keep);
        sign(&place, name, "mine.key");
    };
    version("x.wasm", 2);
    version("older.wasm", 1);
    version("newer.wasm", 3);
    versions::put(&place.path("unsigned.wasm"), 4, Does::Keep);
    let job = write_job(&place, "stdin: {}", &key, "{}");
    let state = place.path("state");
    let mut tamis = Running::start(run(&job).env(STATE, &state).stdin(Stdio::piped()));
    tamis.await_words("started");

    let live = |what: &str, file: &[&str]| {
        let mut command = command(&place, &[&[what, "signed", "x"], file].concat());
        output(command.env(STATE, &state))
    };
    let check = |what: &str, file: &[&str], code: i32, words: &str| {
        let ended = live(what, file);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(words), "{words}: {said}");
    };
    check("deploy", &["unsigned.wasm"], 1, "has no signature");
    check("deploy", &["older.wasm"], 1, "is older than");
    check("deploy", &["newer.wasm"], 0, &versions::name(3));
    check("deploy", &["older.wasm"], 1, "is older than");
    // A version that goes back is verified like any other.
    let kept = visible(&state.join("signed/plugins"));
    let kept = kept
        .iter()
        .filter(|path| path.extension() == Some("minisig".as_ref()));
    let kept: Vec<_> = kept.map(|path| (path, fs::read(path).unwrap())).collect();
    let of_another = fs::read(place.path("older.wasm.minisig")).unwrap();
    for (path, _) in &kept {
        fs::write(path, &of_another).unwrap();
    }
    check("rollback", &[], 1, "is not what was signed");
    for (path, signature) in kept {
        fs::write(path, signature).unwrap();
    }
    // A person may go back, and what is older than what they left is still refused.
    check("rollback", &[], 0, &versions::name(2));
    check("deploy", &["older.wasm"], 1, "is older than");
    tamis.end_input();
    assert_eq!(tamis.wait().code, Some(0));
}

#[test]
fn another_plugin_takes_no_place_though_it_is_signed_by_the_same_key() {
    let place = Place::default();
    let (key, state) = (keygen(&place, "mine"), place.path("state"));
    versions::put(&place.path("v.wasm"), 1, Does::Keep);
    fs::rename(unsigned(&place), place.path("level.wasm")).unwrap();
    fs::rename(place.path("v.wasm"), place.path("x.wasm")).unwrap();
    sign(&place, "x.wasm", "mine.key");
    sign(&place, "level.wasm", "mine.key");
    let job = write_job(&place, "stdin: {}", &key, "{}");
    // Versions of two plugins cannot be held against each other.
    let text = fs::read_to_string(&job).unwrap();
    fs::write(&job, text.replace("trust: {", "trust: { downgrade: allow,")).unwrap();
    let mut tamis = Running::start(run(&job).env(STATE, &state).stdin(Stdio::piped()));
    tamis.await_words("started");

    for ending in [".minisig", ""] {
        let [new, name] = ["new", "x.wasm"].map(|it| place.path(&format!("{it}{ending}")));
        fs::copy(place.path(&format!("level.wasm{ending}")), &new).unwrap();
        fs::rename(new, name).unwrap();
    }
    let words = "is the plugin level-filter, where versions runs";
    tamis.await_words(words);
    let deploy = ["deploy", "signed", "x", "level.wasm"];
    let ended = output(command(&place, &deploy).env(STATE, &state));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
    // The configuration says what is to run.
    let text = fs::read_to_string(&job).unwrap();
    let text = text.replace(
        "path: x.wasm, settings: {}",
        "path: level.wasm, settings: { minimum: info }",
    );
    fs::rename(place.write("new.yaml", text), &job).unwrap();
    tamis.await_words("step=\"switch\"");
    tamis.end_input();
    assert_eq!(tamis.wait().code, Some(0));
}

#[test]
fn a_file_that_was_refused_for_want_of_a_signature_is_taken_once_it_is_signed() {
    let place = Place::default();
    let (key, state) = (keygen(&place, "mine"), place.path("state"));
    versions::put(&place.path("x.wasm"), 1, Does::Keep);
    sign(&place, "x.wasm", "mine.key");
    let job = write_job(&place, "stdin: {}", &key, "{}");
    let mut tamis = Running::start(run(&job).env(STATE, &state).stdin(Stdio::piped()));
    tamis.await_words("started");
    fs::remove_file(place.path("x.wasm.minisig")).unwrap();
    versions::put(&place.path("x.wasm"), 2, Does::Keep);
    tamis.await_words("has no signature");
    sign(&place, "x.wasm", "mine.key");
    tamis.await_words("step=\"switch\"");
    tamis.write(b"{}\n");
    tamis.end_input();
    assert_eq!(tamis.wait().code, Some(0));
    assert_eq!(made_by(&place), [versions::name(2)]);
}

#[test]
fn a_key_is_its_owners_alone_and_never_written_over() {
    let place = Place::default();
    keygen(&place, "mine");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("mine.key"), 0o600);
    let secret = fs::read(place.path("mine.key")).unwrap();
    fs::remove_file(place.path("mine.pub")).unwrap();
    for out in ["mine.key", "mine.pub"] {
        let ended = plugin(&place, &["keygen", "--out", out]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(!place.path("mine.pub").exists());
    }
    assert_eq!(fs::read(place.path("mine.key")).unwrap(), secret);
}

#[test]
fn a_public_key_is_called_as_its_secret_one() {
    let place = Place::default();
    for (out, public) in [("prod-1.0", "prod-1.0.pub"), ("prod.key", "prod.pub")] {
        let ended = plugin(&place, &["keygen", "--out", out]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let text = fs::read_to_string(place.path(public)).unwrap();
        assert!(
            text.lines().any(|line| line == ended.stdout.trim()),
            "{text}"
        );
    }
    assert_eq!(visible(&place.path("")).len(), 4);
}

#[test]
fn half_a_key_is_in_nobodys_way() {
    let place = Place::default();
    let keygen = ["keygen", "--out", "mine.key"];
    // A disk that takes no more: the public key is shorter than the secret one.
    for bytes in ["0", "150"] {
        let mut full = Command::new("prlimit");
        let tamis = command(&place, &keygen);
        full.arg(format!("--fsize={bytes}"))
            .args(["bash", "-c", "trap '' XFSZ; exec \"$@\"", "bash"])
            .arg(tamis.get_program())
            .args(tamis.get_args())
            .current_dir(place.path(""))
            .env_remove(PASSWORD);
        let ended = output(&mut full);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("cannot be written"), "{ended:?}");
        let left = visible(&place.path(""));
        assert!(left.is_empty(), "{left:?}");
    }
    let ended = plugin(&place, &keygen);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_password_that_is_none_does_not_make_a_key_without_one() {
    let place = Place::default();
    for (password, words) in [(&b"p\xe4ss"[..], "is not UTF-8"), (b"", "is empty")] {
        let mut keygen = command(&place, &["keygen", "--out", "mine.key"]);
        let ended = output(keygen.env(PASSWORD, OsStr::from_bytes(password)));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
        let left = visible(&place.path(""));
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_key_with_a_password_signs_only_with_it() {
    let place = Place::default();
    unsigned(&place);
    let with = |password: Option<&str>, arguments: &[&str]| {
        let mut command = command(&place, arguments);
        if let Some(password) = password {
            command.env(PASSWORD, password);
        }
        output(&mut command).code
    };
    assert_eq!(
        with(Some("open"), &["keygen", "--out", "mine.key"]),
        Some(0)
    );
    let sign = ["sign", "x.wasm", "--key", "mine.key"];
    assert_eq!(with(None, &sign), Some(1));
    assert_eq!(with(Some("other"), &sign), Some(1));
    assert!(!place.path("x.wasm.minisig").exists());
    assert_eq!(with(Some("open"), &sign), Some(0));
}

/// Made by `minisign -GW` of version 0.11, whose keys without a password have no checksum.
#[test]
fn a_key_of_minisign_itself_signs() {
    let place = Place::default();
    unsigned(&place);
    place.write("m.key", include_str!("trust/minisign.key"));
    place.write("m.pub", include_str!("trust/minisign.pub"));
    sign(&place, "x.wasm", "m.key");
    let ended = plugin(&place, &["verify", "x.wasm", "--key-file", "m.pub"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
