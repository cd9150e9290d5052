//! What a MongoDB sink may say, and what is said of one that is wrong.

use expect_test::{Expect, expect};
use tamis_config::{MongodbSinkSpec, SinkKind, is_collection_name, is_database_name};

use crate::{check, edited, read};

/// The sink of [`crate::LEAST`].
const FILES: &str =
    "file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson";
/// What every such sink says.
const LEAST: &str = "uri: 'mongodb://u:p@localhost', database: logs, collection: all";

/// What [`crate::LEAST`] means with this sink.
fn sink(more: &str) -> MongodbSinkSpec {
    let text = edited(&[(FILES, &format!("mongodb: {{ {LEAST}, {more} }}"))]);
    let mut spec = read(&text, &[]).expect("the case is one of a right sink");
    match spec.sinks.remove(0).kind {
        SinkKind::Mongodb(spec) => spec,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_has_a_default_and_the_uri_is_a_secret() {
    expect![[r#""#]].assert_debug_eq(&sink("timeout_ms: 10000"));
}

#[test]
fn everything_can_be_said() {
    let more = "write_concern: { w: 2, journal: false }, dates: { /Time: Asia/Shanghai, '/a~1b/at': '+08:00' }, \
         decimals: decimal128, big_numbers: dead_letter, keep_id_as: own, tls: { ca: ca.crt, certificate_key: /own.pem }, \
         create: { indexes: [{ keys: [Type, -Field.user] }, { keys: [Time], name: old, expire_after_s: 60 }], \
         time_series: { time_field: Time, meta_field: Type, granularity: hours, expire_after_s: 60 } }";
    let MongodbSinkSpec {
        write_concern,
        dates,
        decimals,
        big_numbers,
        keep_id_as,
        create,
        tls,
        ..
    } = sink(more);
    let tls = tls.unwrap();
    assert!(
        tls.ca.unwrap().is_absolute(),
        "it starts at the folder of the file"
    );
    let said = (
        write_concern,
        dates,
        decimals,
        big_numbers,
        keep_id_as,
        create,
        tls.certificate_key,
    );
    expect![[r#""#]].assert_debug_eq(&said);
    let named = sink("write_concern: { w: both_rooms }").write_concern;
    expect![[r#""#]].assert_eq(&format!("{named:?}"));
}

/// The problems of [`crate::LEAST`] with a MongoDB sink that says this in the place of its files.
fn check_sink(sink: &str, expected: Expect) {
    check(&[(FILES, &format!("mongodb: {{ {sink} }}"))], expected);
}

#[test]
fn a_uri_that_could_not_be_used_is_refused_and_never_shown() {
    let uri = |uri: &str, expected: Expect| {
        check_sink(
            &format!("uri: '{uri}', database: d, collection: c"),
            expected,
        );
    };
    uri("localhost:27017", expect![[r#""#]]);
    uri("mongodb+srv://cluster0.example.net", expect![[r#""#]]);
    uri("mongodb://", expect![[r#""#]]);
    uri("mongodb://user:secret@/logs", expect![[r#""#]]);
    uri("mongodb://user:sec@ret@localhost", expect![[r#""#]]);
    uri(
        "mongodb://user:secret@localhost/?replicaSet=rs0&w=1&wTimeoutMS=5&journal=false",
        expect![[r#""#]],
    );
}

#[test]
fn a_name_that_mongodb_does_not_allow_is_refused() {
    let names = |database: &str, collection: &str, expected: Expect| {
        check_sink(
            &format!("uri: 'mongodb://h', database: '{database}', collection: '{collection}'"),
            expected,
        );
    };
    names("lo gs", "system.logs", expect![[r#""#]]);
    names("{topic}.{time:%Y}", "$cmd", expect![[r#""#]]);
    names("admin", "a..b", expect![[r#""#]]);
    names("{feild:/a}", "x{topic", expect![[r#""#]]);
}

#[test]
fn names_are_those_that_every_mongodb_takes() {
    for name in ["logs", "日志", "a-b_c", &"x".repeat(63)] {
        assert!(is_database_name(name), "{name}");
    }
    for name in [
        "",
        "a.b",
        "a b",
        "a/b",
        "a$",
        "local",
        "config",
        "a\0",
        &"x".repeat(64),
    ] {
        assert!(!is_database_name(name), "{name}");
    }
    for name in ["logs", "logs.2023-01-18", "日志", "a b", "a/b", "systems"] {
        assert!(is_collection_name("d", name), "{name}");
    }
    for name in [
        "",
        "a$b",
        "system.users",
        ".a",
        "a.",
        "a..b",
        "a\0",
        &"x".repeat(254),
    ] {
        assert!(!is_collection_name("d", name), "{name}");
    }
    assert!(is_collection_name("d", &"x".repeat(253)));
}

#[test]
fn what_means_nothing_is_refused() {
    let more = |more: &str, expected: Expect| check_sink(&format!("{LEAST}, {more}"), expected);
    more(
        "dates: { Time: UTC, /at: Asia/Atlantis, '/a~b': UTC }",
        expect![[r#""#]],
    );
    more("keep_id_as: _id", expect![[r#""#]]);
    more("keep_id_as: a.b", expect![[r#""#]]);
    more("write_concern: { w: '1' }", expect![[r#""#]]);
    more("write_concern: { w: 0 }", expect![[r#""#]]);
    more("decimals: decimal", expect![[r#""#]]);
    more("timeout_ms: 5", expect![[r#""#]]);
    more("tls: { ca: '' }", expect![[r#""#]]);
}

#[test]
fn what_could_not_be_made_is_refused() {
    let create = |create: &str, expected: Expect| {
        check_sink(
            &format!("{LEAST}, dates: {{ /t: UTC }}, create: {{ {create} }}"),
            expected,
        );
    };
    create("indexes: [{ keys: [] }]", expect![[r#""#]]);
    create(
        "indexes: [{ keys: [a, -a, $b, 'c.', ''] }]",
        expect![[r#""#]],
    );
    create(
        "indexes: [{ keys: [a], expire_after_s: 5 }, { keys: [t, a], expire_after_s: 5 }, { keys: [-t], expire_after_s: 5 }]",
        expect![[r#""#]],
    );
    create(
        "capped: { bytes_max: 4096 }, indexes: [{ keys: [t], expire_after_s: 5 }]",
        expect![[r#""#]],
    );
    create("capped: { bytes_max: 1 }", expect![[r#""#]]);
    create(
        "capped: { bytes_max: 4096 }, time_series: { time_field: at, meta_field: at }",
        expect![[r#""#]],
    );
    create(
        "time_series: { time_field: t, meta_field: _id }",
        expect![[r#""#]],
    );
}
