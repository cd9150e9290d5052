use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

const HISTORY_1: &str = include_str!("tests/history-1.jsonl");

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> State {
    State::open(&folder.path().join("state"), "main").unwrap()
}

fn history_file(folder: &TempDir) -> PathBuf {
    folder.path().join("state/main/history.jsonl")
}

/// A state folder whose history is `text`.
fn with_history(text: &str) -> TempDir {
    let folder = temporary();
    drop(open(&folder));
    fs::write(history_file(&folder), text).unwrap();
    folder
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn entry(event: Event, semver: &str, sha256: &str, from: Option<&str>) -> Entry {
    Entry {
        version: Entry::FORM,
        at_ms: 1_674_000_000_000,
        plugin: "mask".to_owned(),
        semver: semver.to_owned(),
        sha256: sha256.to_owned(),
        event,
        from: from.map(str::to_owned),
        by: Trigger::Deploy,
        reason: None,
        steps: Vec::new(),
    }
}

#[test]
fn a_pipeline_has_one_process_at_a_time() {
    let folder = temporary();
    let state = open(&folder);
    let again = State::open(&folder.path().join("state"), "main");
    let said = again.unwrap_err().to_string();
    let path = folder.path().display();
    assert_eq!(
        said,
        format!(
            "pipeline main is run by another process with the state folder {path}/state; give this one its own with --state DIR"
        )
    );
    State::open(&folder.path().join("state"), "other").unwrap();
    drop(state);
    open(&folder);
}

#[test]
fn all_that_is_made_is_closed_to_others() {
    let folder = temporary();
    let mut state = open(&folder);
    let bytes = b"\0asm";
    state.keep(&sha256(bytes), bytes, Some(b"signed")).unwrap();
    state
        .note(entry(Event::Promoted, "1.0.0", &sha256(bytes), None))
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let own = folder.path().join("state/main");
    for folder in [own.parent().unwrap(), &own, &own.join("plugins")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    let plugin = |ending| {
        own.join("plugins")
            .join(format!("{}.{ending}", sha256(bytes)))
    };
    for file in [
        own.join("lock"),
        own.join("history.jsonl"),
        plugin("wasm"),
        plugin("wasm.minisig"),
    ] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let check = |path: &str, mode: u32, expected: &str| {
        let folder = temporary();
        drop(open(&folder));
        let path = folder.path().join(path);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let opened = State::open(&folder.path().join("state"), "main");
        let said = opened.map_or_else(|error| error.to_string(), |_| "opened".to_owned());
        assert!(said.contains(expected), "{said}");
    };
    check("state", 0o755, "opened");
    check("state", 0o770, "has the mode 770");
    check("state", 0o707, "has the mode 707");
    check("state/main", 0o750, "has the mode 750");
}

#[test]
fn a_folder_that_cannot_be_made_says_so() {
    let folder = temporary();
    fs::write(folder.path().join("file"), "").unwrap();
    let opened = State::open(&folder.path().join("file/state"), "main");
    assert!(matches!(opened, Err(StateError::Folder(..))), "{opened:?}");
}

#[test]
fn what_was_noted_is_there_after_a_restart() {
    let folder = temporary();
    let mut state = open(&folder);
    let mut second = entry(Event::Promoted, "1.1.0", "bb", Some("aa"));
    second.reason = Some("because\nof \"this\"".to_owned());
    second.steps = vec![Step {
        name: "shadow".to_owned(),
        ok: true,
        ms: 12,
        said: "the same".to_owned(),
        detail: Some(json!({"records": 1024})),
    }];
    let all = [
        entry(Event::Promoted, "1.0.0", "aa", None),
        second,
        entry(Event::Refused, "2.0.0", "cc", Some("bb")),
    ];
    for entry in &all {
        state.note(entry.clone()).unwrap();
    }
    assert_eq!(state.history(), all);
    drop(state);
    let state = open(&folder);
    assert_eq!(state.history(), all);
    let semver = |entry: Option<&Entry>| entry.map(|entry| entry.semver.clone());
    assert_eq!(semver(state.running("mask")).as_deref(), Some("1.1.0"));
    assert_eq!(semver(state.before("mask")).as_deref(), Some("1.0.0"));
    assert_eq!(state.newest("mask"), Some("1.1.0"));
    assert_eq!(state.verdict("mask", "cc").unwrap().event, Event::Refused);
    assert!(state.verdict("level", "cc").is_none());
}

#[test]
fn the_first_form_of_the_history_is_read() {
    let folder = with_history(HISTORY_1);
    let state = open(&folder);
    assert_eq!(state.history().len(), 8);
    let running = state.running("mask").unwrap();
    assert_eq!((&*running.semver, running.by), ("0.1.0", Trigger::Start));
    assert!(state.before("mask").is_none());
    assert_eq!(state.newest("mask"), Some("0.2.1"));
    assert!(state.running("level").is_none());
    let refused = &state.history()[1];
    assert_eq!(refused.steps[1].said, "fields: missing");
    // And this is the form that is written.
    let lines: Vec<_> = state
        .history()
        .iter()
        .map(|entry| serde_json::to_string(entry).unwrap())
        .collect();
    assert_eq!(lines.join("\n"), HISTORY_1.trim_end());
}

#[test]
fn a_line_that_was_not_written_to_its_end_is_cut_off() {
    let (first, _) = HISTORY_1.split_once('\n').unwrap();
    let folder = with_history(&format!("{first}\n{}", &first[..40]));
    let own = folder.path().join("state/main");
    assert_eq!(read(&own).unwrap().len(), 1, "while nobody has cut it off");
    let mut state = open(&folder);
    assert_eq!(state.history().len(), 1);
    state
        .note(entry(Event::Refused, "1.0.0", "aa", None))
        .unwrap();
    drop(state);
    assert_eq!(open(&folder).history().len(), 2);
    // Whole, but for its end: nobody was told that it is there.
    let folder = with_history(&format!("{first}\n{first}"));
    assert_eq!(open(&folder).history().len(), 1);
}

#[test]
fn wherever_a_crash_cuts_the_history_its_whole_lines_are_there() {
    let lines: Vec<_> = HISTORY_1.split_inclusive('\n').take(2).collect();
    let text = lines.concat();
    for bytes in (0..=text.len())
        .step_by(5)
        .chain([lines[0].len(), text.len()])
    {
        let folder = with_history(&text[..bytes]);
        let whole = text[..bytes].matches('\n').count();
        let mut state = open(&folder);
        assert_eq!(state.history().len(), whole, "{bytes}");
        state
            .note(entry(Event::Refused, "1.0.0", "aa", None))
            .unwrap();
        drop(state);
        assert_eq!(open(&folder).history().len(), whole + 1, "{bytes}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let check = |line: &str, expected: &str| {
        let (first, _) = HISTORY_1.split_once('\n').unwrap();
        let folder = with_history(&format!("{first}\n{line}\n{first}\n"));
        let said = State::open(&folder.path().join("state"), "main")
            .unwrap_err()
            .to_string();
        let place = format!("{}: line 2: ", history_file(&folder).display());
        assert!(
            said.starts_with(&place) && said.contains(expected),
            "{said}"
        );
    };
    check("{\"version\":1", "is no entry: EOF");
    check("", "is no entry: EOF");
    check("{\"version\":1}", "missing field `at_ms`");
    check(
        "{\"version\":2}",
        "is of form 2, and this program knows form 1",
    );
}

#[test]
fn what_a_write_that_failed_has_left_is_cut_off_by_the_next_one() {
    let folder = temporary();
    let mut state = open(&folder);
    state
        .note(entry(Event::Promoted, "1.0.0", "aa", None))
        .unwrap();
    let mut file = OpenOptions::new()
        .append(true)
        .open(history_file(&folder))
        .unwrap();
    file.write_all(b"{\"version\":1,\"at").unwrap();
    state
        .note(entry(Event::Promoted, "1.1.0", "bb", Some("aa")))
        .unwrap();
    drop(state);
    assert_eq!(open(&folder).history().len(), 2);
}

#[test]
fn a_history_that_is_replaced_meanwhile_is_not_written_to() {
    let folder = temporary();
    let mut state = open(&folder);
    state
        .note(entry(Event::Promoted, "1.0.0", "aa", None))
        .unwrap();
    fs::remove_file(history_file(&folder)).unwrap();
    let noted = state.note(entry(Event::Promoted, "1.1.0", "bb", Some("aa")));
    assert!(matches!(noted, Err(StateError::Unusable(..))), "{noted:?}");
    assert_eq!(state.history().len(), 1);
}

#[test]
fn a_long_history_loses_its_oldest_entries() {
    let (line, mut text) = (
        serde_json::to_string(&entry(Event::Refused, "3.0.0", "cc", None)).unwrap(),
        String::new(),
    );
    for entry in [
        entry(Event::Promoted, "1.0.0", "aa", None),
        entry(Event::Promoted, "2.0.0", "bb", Some("aa")),
    ] {
        text += &format!("{}\n", serde_json::to_string(&entry).unwrap());
    }
    text += &format!("{line}\n").repeat(998);
    let folder = with_history(&text);
    let mut state = open(&folder);
    assert_eq!(state.history().len(), 1_000);
    state
        .note(entry(Event::Refused, "4.0.0", "dd", Some("bb")))
        .unwrap();
    assert_eq!(state.history().len(), 900);
    drop(state);
    let state = open(&folder);
    assert_eq!(state.history().len(), 900);
    assert_eq!(state.running("mask").unwrap().sha256, "bb");
    assert_eq!(state.before("mask").unwrap().sha256, "aa");
    assert_eq!(state.history().last().unwrap().sha256, "dd");
}

#[test]
fn an_entry_that_is_too_long_loses_details_then_the_ends_of_texts() {
    let folder = temporary();
    let mut state = open(&folder);
    let step = |said: String, detail| Step {
        name: "shadow".to_owned(),
        ok: true,
        ms: 1,
        said,
        detail: Some(detail),
    };
    let mut long = entry(Event::Promoted, "1.0.0", "aa", None);
    long.steps = vec![step("brief".to_owned(), json!("x".repeat(70_000)))];
    let mut longer = long.clone();
    longer.steps = vec![step("天".repeat(70_000), json!(null)); 100];
    let mut longest = long.clone();
    longest.steps = vec![step("\u{1}".repeat(70_000), json!(null)); 100];
    state.note(long).unwrap();
    state.note(longer).unwrap();
    state.note(longest).unwrap();
    drop(state);
    let file = fs::read_to_string(history_file(&folder)).unwrap();
    assert!(file.lines().all(|line| line.len() < 64 << 10));
    let state = open(&folder);
    let [long, longer, _] = state.history() else {
        panic!("{}", state.history().len());
    };
    assert_eq!(
        (&*long.steps[0].said, &long.steps[0].detail),
        ("brief", &None)
    );
    assert_eq!((longer.steps.len(), longer.steps[0].said.len()), (16, 255));
}

#[test]
fn a_file_is_kept_as_it_was() {
    let folder = temporary();
    let state = open(&folder);
    let (bytes, digest) = (b"\0asm one", sha256(b"\0asm one"));
    assert!(matches!(state.kept(&digest), Err(StateError::NotKept(_))));
    state.keep(&digest, bytes, None).unwrap();
    let kept = |signature: Option<&[u8]>| Kept {
        bytes: bytes.to_vec(),
        signature: signature.map(<[u8]>::to_vec),
    };
    assert_eq!(state.kept(&digest).unwrap(), kept(None));
    // It is signed later, or by another key.
    state.keep(&digest, bytes, Some(b"first")).unwrap();
    state.keep(&digest, bytes, Some(b"second")).unwrap();
    state.keep(&digest, bytes, None).unwrap();
    assert_eq!(state.kept(&digest).unwrap(), kept(Some(b"second")));
    let error = state.keep(&digest, b"\0asm two", None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn an_altered_file_is_refused_until_it_is_kept_again() {
    let folder = temporary();
    let state = open(&folder);
    let (bytes, digest) = (b"\0asm one", sha256(b"\0asm one"));
    state.keep(&digest, bytes, None).unwrap();
    let file = folder
        .path()
        .join(format!("state/main/plugins/{digest}.wasm"));
    fs::write(&file, b"\0asm two").unwrap();
    assert!(matches!(state.kept(&digest), Err(StateError::Altered(_))));
    state.keep(&digest, bytes, None).unwrap();
    assert_eq!(state.kept(&digest).unwrap().bytes, bytes);
    assert!(state.kept("../../lock").is_err());
}

#[test]
fn files_of_old_versions_go_and_those_that_are_tried_stay() {
    let folder = temporary();
    let mut state = open(&folder);
    let file = |number: usize| format!("\0asm {number}").into_bytes();
    let keep = |state: &State, number: usize| {
        let bytes = file(number);
        state
            .keep(&sha256(&bytes), &bytes, Some(b"signed"))
            .unwrap();
    };
    let is_kept = |state: &State, number: usize| state.kept(&sha256(&file(number))).is_ok();
    let noted = |event, number: usize| {
        let from = number.checked_sub(1).map(|before| sha256(&file(before)));
        entry(event, "1.0.0", &sha256(&file(number)), from.as_deref())
    };
    for number in [0, 1] {
        keep(&state, number);
        state.note(noted(Event::Promoted, number)).unwrap();
    }
    for number in 2..20 {
        keep(&state, number);
        state.note(noted(Event::Refused, number)).unwrap();
    }
    let kept: Vec<_> = (0..20).filter(|number| is_kept(&state, *number)).collect();
    let expected: Vec<_> = [0, 1].into_iter().chain(4..20).collect();
    assert_eq!(kept, expected);

    // An old one is tried again, and another one for the first time, while something else is noted.
    keep(&state, 2);
    keep(&state, 20);
    state.note(noted(Event::Refused, 19)).unwrap();
    assert!(is_kept(&state, 2) && is_kept(&state, 20));
    // The process dies before it says what became of them.
    drop(state);
    fs::write(folder.path().join("state/main/plugins/new-abc"), "half").unwrap();
    let state = open(&folder);
    assert!(!is_kept(&state, 2) && !is_kept(&state, 20));
    let files = fs::read_dir(folder.path().join("state/main/plugins")).unwrap();
    assert_eq!(files.count(), 2 * expected.len());
}
