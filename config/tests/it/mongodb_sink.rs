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
    expect![[r#"
        MongodbSinkSpec {
            uri: ***,
            database: Template {
                parts: [
                    Literal(
                        "logs",
                    ),
                ],
            },
            collection: Template {
                parts: [
                    Literal(
                        "all",
                    ),
                ],
            },
            destinations_max: 256,
            write_concern: MongodbWriteConcern {
                servers: Majority,
                journal: true,
            },
            dates: [],
            decimals: Double,
            big_numbers: String,
            keep_id_as: None,
            create: MongodbCreate {
                indexes: [],
                kind: Plain,
            },
            tls: None,
            timeout_ms: 10000,
            requests: WriterLimits {
                records_max: 2000,
                bytes_max: 4194304,
                linger_ms: 20,
                requests_max: 4,
            },
        }
    "#]]
    .assert_debug_eq(&sink("timeout_ms: 10000"));
}

#[test]
fn everything_can_be_said() {
    let more = "write_concern: { w: 2, journal: false }, dates: { /Time: Asia/Shanghai, '/a~1b/at': '+08:00' }, \
         decimals: decimal128, big_numbers: dead_letter, keep_id_as: own, tls: { ca: ca.crt, certificate_key: /own.pem }";
    let MongodbSinkSpec {
        write_concern,
        dates,
        decimals,
        big_numbers,
        keep_id_as,
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
        tls.certificate_key,
    );
    expect![[r#"
        (
            MongodbWriteConcern {
                servers: Count(
                    2,
                ),
                journal: false,
            },
            [
                MongodbDate {
                    field: [
                        "Time",
                    ],
                    zone: "Asia/Shanghai",
                },
                MongodbDate {
                    field: [
                        "a/b",
                        "at",
                    ],
                    zone: "+08:00",
                },
            ],
            Decimal128,
            DeadLetter,
            Some(
                "own",
            ),
            Some(
                "/own.pem",
            ),
        )
    "#]]
    .assert_debug_eq(&said);
    let named = sink("write_concern: { w: both_rooms }").write_concern;
    expect![[r#"MongodbWriteConcern { servers: Named("both_rooms"), journal: true }"#]]
        .assert_eq(&format!("{named:?}"));
}

#[test]
fn what_is_made_can_be_said() {
    let more = "dates: { /Time: Asia/Shanghai }, create: { indexes: [{ keys: [Type, -Field.user] }, { keys: [Time], name: old, expire_after_s: 60 }], \
         time_series: { time_field: Time, meta_field: Type, granularity: hours, expire_after_s: 60 } }";
    expect![[r#"
        MongodbCreate {
            indexes: [
                MongodbIndex {
                    keys: [
                        (
                            "Type",
                            false,
                        ),
                        (
                            "Field.user",
                            true,
                        ),
                    ],
                    name: None,
                    expire_after_s: None,
                },
                MongodbIndex {
                    keys: [
                        (
                            "Time",
                            false,
                        ),
                    ],
                    name: Some(
                        "old",
                    ),
                    expire_after_s: Some(
                        60,
                    ),
                },
            ],
            kind: TimeSeries {
                time_field: "Time",
                meta_field: Some(
                    "Type",
                ),
                granularity: Hours,
                expire_after_s: Some(
                    60,
                ),
            },
        }
    "#]]
    .assert_debug_eq(&sink(more).create);
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
    uri(
        "localhost:27017",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: is no URI of MongoDB (write `mongodb://host:port`)"
        ],
    );
    uri(
        "mongodb+srv://cluster0.example.net",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: asks for a look-up that tamis does not do (name the hosts themselves: `mongodb://host:port,host:port/`)"
        ],
    );
    uri(
        "mongodb://",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: names no host (write `mongodb://host:port`)"
        ],
    );
    uri(
        "mongodb://user:secret@/logs",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: names no host (write `mongodb://host:port`)"
        ],
    );
    uri(
        "mongodb://user:sec@ret@localhost",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: has an `@` in the user or the password (write `%40` for it)"
        ],
    );
    uri(
        "mongodb://user:4711?sec=ret@localhost",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.uri: has an `@` behind a `?` (write `%40` for it, and `%3F` for a `?` in the user or the password)"
        ],
    );
    uri(
        "mongodb://user:secret@localhost/?replicaSet=rs0&w=1&wTimeoutMS=5&journal=false",
        expect![[r#"
            logs.yaml:13: sinks.archive.mongodb.uri: has the option `journal`, which is not for it to say (set `write_concern` and `timeout_ms` instead)
            logs.yaml:13: sinks.archive.mongodb.uri: has the option `w`, which is not for it to say (set `write_concern` and `timeout_ms` instead)
            logs.yaml:13: sinks.archive.mongodb.uri: has the option `wtimeoutms`, which is not for it to say (set `write_concern` and `timeout_ms` instead)"#]],
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
    names(
        "lo gs",
        "system.logs",
        expect![[r#"
        logs.yaml:13: sinks.archive.mongodb.collection: is not a name that MongoDB allows for a collection (not empty, without `$`, no `.` at an end or beside another, not below `system.`; 255 bytes with the database)
        logs.yaml:13: sinks.archive.mongodb.database: is not a name that MongoDB allows for a database (1 to 63 bytes without a space or any of `/\."$*<>:|?`; not `admin`, `config`, `local`)"#]],
    );
    names(
        "{topic}.{time:%Y}",
        "$cmd",
        expect![[r#"
        logs.yaml:13: sinks.archive.mongodb.collection: is not a name that MongoDB allows for a collection (not empty, without `$`, no `.` at an end or beside another, not below `system.`; 255 bytes with the database)
        logs.yaml:13: sinks.archive.mongodb.database: is not a name that MongoDB allows for a database (1 to 63 bytes without a space or any of `/\."$*<>:|?`; not `admin`, `config`, `local`)"#]],
    );
    names(
        "admin",
        "a..b",
        expect![[r#"
        logs.yaml:13: sinks.archive.mongodb.collection: is not a name that MongoDB allows for a collection (not empty, without `$`, no `.` at an end or beside another, not below `system.`; 255 bytes with the database)
        logs.yaml:13: sinks.archive.mongodb.database: is not a name that MongoDB allows for a database (1 to 63 bytes without a space or any of `/\."$*<>:|?`; not `admin`, `config`, `local`)"#]],
    );
    names(
        "{feild:/a}",
        "x{topic",
        expect![[r#"
        logs.yaml:13: sinks.archive.mongodb.collection: a `{` is not closed by `}`
        logs.yaml:13: sinks.archive.mongodb.database: unknown placeholder `{feild}`: did you mean `field`?"#]],
    );
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
        expect![[r#"
            logs.yaml:13: sinks.archive.mongodb.dates./at: is not the name of a time zone (as in `Asia/Shanghai`, `+08:00` or `UTC`)
            logs.yaml:13: sinks.archive.mongodb.dates./a~b: is not a pointer to a field (`/` and a name, as in `/Time` or `/Field/at`; `~` is written `~0`, `/` in a name `~1`)
            logs.yaml:13: sinks.archive.mongodb.dates.Time: is not a pointer to a field (`/` and a name, as in `/Time` or `/Field/at`; `~` is written `~0`, `/` in a name `~1`)"#]],
    );
    more(
        "keep_id_as: _id",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.keep_id_as: is not a name for a field (not empty, no `$` at its start, no `.` in it; not `_id`)"
        ],
    );
    more(
        "keep_id_as: a.b",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.keep_id_as: is not a name for a field (not empty, no `$` at its start, no `.` in it; not `_id`)"
        ],
    );
    more(
        "write_concern: { w: '1' }",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.write_concern.w: is no write concern (`majority`, a number from 1 to 50 without quotes, or a name)"
        ],
    );
    more(
        "write_concern: { w: 0 }",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.write_concern.w: 0 is out of range: expected a number from 1 to 50"
        ],
    );
    more(
        "decimals: decimal",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.decimals: unknown choice `decimal`: expected one of `double`, `decimal128`, `string` (did you mean `decimal128`?)"
        ],
    );
    more(
        "timeout_ms: 5",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.timeout_ms: 5 is out of range: expected a number from 100 to 600000"
        ],
    );
    more(
        "tls: { ca: '' }",
        expect!["logs.yaml:13: sinks.archive.mongodb.tls.ca: must not be empty"],
    );
}

#[test]
fn what_could_not_be_made_is_refused() {
    let create = |create: &str, expected: Expect| {
        check_sink(
            &format!("{LEAST}, dates: {{ /t: UTC }}, create: {{ {create} }}"),
            expected,
        );
    };
    create(
        "indexes: [{ keys: [] }]",
        expect!["logs.yaml:13: sinks.archive.mongodb.create.indexes[0].keys: must not be empty"],
    );
    create(
        "indexes: [{ keys: [a, -a, $b, 'c.', ''] }]",
        expect![[r#"
            logs.yaml:13: sinks.archive.mongodb.create.indexes[0].keys[1]: is there twice
            logs.yaml:13: sinks.archive.mongodb.create.indexes[0].keys[2]: is not a field (names with `.` between them, as in `Field.user`, after a `-` if it goes down)
            logs.yaml:13: sinks.archive.mongodb.create.indexes[0].keys[3]: is not a field (names with `.` between them, as in `Field.user`, after a `-` if it goes down)
            logs.yaml:13: sinks.archive.mongodb.create.indexes[0].keys[4]: is not a field (names with `.` between them, as in `Field.user`, after a `-` if it goes down)"#]],
    );
    create(
        "indexes: [{ keys: [a], expire_after_s: 5 }, { keys: [t, a], expire_after_s: 5 }, { keys: [-t], expire_after_s: 5 }]",
        expect![[r#"
            logs.yaml:13: sinks.archive.mongodb.create.indexes[0].expire_after_s: would never remove anything, since the field is none of `dates` (add `/a` to `dates`)
            logs.yaml:13: sinks.archive.mongodb.create.indexes[1].expire_after_s: needs an index of one field"#]],
    );
    create(
        "capped: { bytes_max: 4096 }, indexes: [{ keys: [t], expire_after_s: 5 }]",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.create.indexes[0].expire_after_s: means nothing in a capped collection, from which nothing is removed by age"
        ],
    );
    create(
        "capped: { bytes_max: 1 }",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.create.capped.bytes_max: 1 is out of range: expected a number from 4096 to 1125899906842624"
        ],
    );
    create(
        "capped: { bytes_max: 4096 }, time_series: { time_field: at, meta_field: at }",
        expect![[r#"
            logs.yaml:13: sinks.archive.mongodb.create.time_series: cannot stand beside `capped`
            logs.yaml:13: sinks.archive.mongodb.create.time_series.meta_field: is `time_field`, too
            logs.yaml:13: sinks.archive.mongodb.create.time_series.time_field: is none of `dates`, and MongoDB takes nothing else there (add `/at` to `dates`)"#]],
    );
    create(
        "time_series: { time_field: t, meta_field: _id }",
        expect![
            "logs.yaml:13: sinks.archive.mongodb.create.time_series.meta_field: is not a name for a field (not empty, no `$` at its start, no `.` in it; not `_id`)"
        ],
    );
}
