//! Each version of the contract that ever was: plugins that were compiled for it and are kept in `tests/fixtures/contract` do what the
//! same plugins do when they are compiled today.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::{Expect, expect};
use tamis_core::batch::{Batch, Row, Span};
use tamis_core::transform::Applied;
use tamis_host::{Grants, OnQuarantine, Plugin, PluginTransform, Version, digest};

use crate::support::{apply, batch, engine, guest, limits, rejected};

/// Versions with plugins of their own, and the folders that have them.
const KEPT: [(Version, &str); 2] = [(Version::V0_1, "v0.1"), (Version::V1_0, "v1.0.0")];
const DENIED: Grants = Grants { clock: false };
const GRANTED: Grants = Grants { clock: true };

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn kept(folder: &str, name: &str) -> Vec<u8> {
    let path = format!("tests/fixtures/contract/{folder}/{name}.wasm");
    fs::read(root().join(path)).unwrap()
}

fn load(bytes: &[u8], grants: Grants) -> Result<Arc<Plugin>, String> {
    Plugin::from_bytes(engine(), "it", bytes, grants)
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// The guest called `name` as each version has it, and as it is compiled today, which is for the latest version.
fn each(name: &str, check: impl Fn(Version, Vec<u8>)) {
    for (version, folder) in KEPT {
        check(version, kept(folder, name));
    }
    check(Version::ALL[0], guest(name));
}

fn start(plugin: Arc<Plugin>, settings: &str) -> Result<PluginTransform, String> {
    let stop = OnQuarantine::Stop;
    PluginTransform::new(plugin, "guest", settings.to_owned(), limits(), stop)
        .map_err(|error| error.to_string())
}

/// All that came of a batch.
fn tell(batch: &Batch, applied: &Applied) -> String {
    let text = |span: Span| {
        let bytes = batch.bytes(span);
        bytes.map_or_else(|| "-".to_owned(), |it| it.escape_ascii().to_string())
    };
    let mut told = String::new();
    for row in batch.rows() {
        let Row {
            offset,
            number,
            timestamp_ms,
            value,
            key,
            headers,
            route,
        } = *row;
        let parts = [value, key, headers, route].map(text).join(" | ");
        writeln!(told, "{offset}/{number} at {timestamp_ms}: {parts}").unwrap();
    }
    for refused in rejected(applied) {
        // Where it panicked is where it stands in the guest of that day.
        let (before, after) = refused.split_once("panicked at ").unwrap_or((&refused, ""));
        let words = after.split_once('\n').map_or("", |(_, words)| words);
        writeln!(told, "refused {before}{words}").unwrap();
    }
    let (dropped, counted) = (applied.dropped, &applied.counted);
    writeln!(told, "dropped {dropped}, counted {counted:?}").unwrap();
    told
}

/// What the guest that does as it is told makes of `values`, whatever version it is of.
fn check(settings: &str, values: &[&str], expected: &Expect) {
    each("hostile", |version, bytes| {
        let plugin = load(&bytes, DENIED).unwrap();
        assert_eq!(plugin.contract(), version);
        let mut batch = batch(values);
        let applied = apply(&mut start(plugin, settings).unwrap(), &mut batch);
        expected.assert_eq(&tell(&batch, &applied));
    });
}

#[test]
fn all_that_an_answer_can_say_is_understood_as_it_was() {
    let commands = [
        "a",
        "drop",
        "nothing",
        "replace",
        "empty",
        "bury",
        "twice",
        "same",
        "bare",
        "dress",
        "where",
        "count",
        "say",
        "reject",
        "later",
        "reject in bytes",
    ];
    check(
        r#"{"do": "obey"}"#,
        &commands,
        &expect![[r#"
        100/0 at 7: a | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        103/0 at 1007: replaced | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        104/0 at 1007:  | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        105/0 at 1007: - | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        106/0 at 1007: first | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | left
        106/1 at 1007: second | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | right
        107/0 at 1007: same | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        108/0 at 1007: bare | - | - | -
        109/0 at 1007: dress | new | \x01\x00\x00\x00h\x02\x00\x00\x00hi | -
        110/0 at 1007: src/logs/3/110/0 | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        111/0 at 7: count | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        112/0 at 7: say | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        114/0 at 7: later | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
        refused 113/0 told to
        refused 115/0 �x
        dropped 2, counted [("seen", 2)]
    "#]],
    );
}

#[test]
fn who_fails_is_heard_and_its_neighbours_go_on() {
    check(
        r#"{"do": "panic"}"#,
        &["good", "bad", "fine"],
        &expect![[r#"
            100/0 at 7: good | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
            102/0 at 7: fine | key | \x01\x00\x00\x00a\x01\x00\x00\x00b | -
            refused 101/0 trap: wasm `unreachable` instruction executed: cannot stand this record
            dropped 0, counted []
        "#]],
    );
}

#[test]
fn settings_are_refused_by_field() {
    each("hostile", |_, bytes| {
        let plugin = load(&bytes, DENIED).unwrap();
        let refused = start(plugin, r#"{"do": "refuse settings"}"#).err();
        let expected = "settings/do: must be something better";
        assert_eq!(refused.as_deref(), Some(expected));
    });
}

#[test]
fn the_clock_is_theirs_where_it_is_granted() {
    each("clock", |_, bytes| {
        let denied = load(&bytes, DENIED).unwrap_err();
        assert!(
            denied.contains("imports `clock`, which is denied"),
            "{denied}"
        );
        let plugin = load(&bytes, GRANTED).unwrap();
        let until = |ms: u64| {
            let settings = format!(r#"{{"do": "refuse later", "until": {ms}}}"#);
            start(Arc::clone(&plugin), &settings).err()
        };
        assert_eq!(until(0).as_deref(), Some("settings/until: is over"));
        assert_eq!(until(u64::MAX), None);
    });
}

#[test]
fn what_an_sdk_has_made_runs() {
    for (version, folder) in KEPT {
        let plugin = load(&kept(folder, "level-filter"), DENIED).unwrap();
        assert_eq!(plugin.contract(), version);
        let (limits, stop) = (limits(), OnQuarantine::Stop);
        let settings = r#"{"minimum": "warn"}"#.to_owned();
        let mut stage = PluginTransform::new(plugin, "level", settings, limits, stop).unwrap();
        let mut batch = batch(&[r#"{"Type":"info"}"#, r#"{"Type":"error"}"#]);
        let applied = apply(&mut stage, &mut batch);
        assert_eq!((applied.dropped, batch.rows()[0].offset), (1, 101));
    }
}

#[test]
fn what_was_released_is_what_it_was() {
    let digests = fs::read_to_string(root().join("sdk/wit/digests")).unwrap();
    assert_eq!(KEPT.map(|(version, _)| version), {
        let mut all = Version::ALL;
        all.reverse();
        all
    });
    let mut known = 0;
    for line in digests.lines() {
        let (expected, path) = line.split_once("  ").unwrap();
        let bytes = fs::read(root().join(path)).unwrap();
        assert_eq!(
            digest(&bytes),
            expected,
            "{path} was edited: what is released stays"
        );
        known += 1;
    }
    // The definition and three plugins of each version.
    assert_eq!(known, KEPT.len() * 4);
}
