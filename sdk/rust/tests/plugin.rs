//! A plugin that does what the record says, through the same flat form as in Tamis.

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::JsonSchema;
use serde::Deserialize;
use tamis_sdk::batch::Instance;
use tamis_sdk::testing::{self, TestEffects, TestFate, TestOutput, TestRecord};
use tamis_sdk::{
    ConfigError, Fate, LogLevel, Metadata, Output, Plugin, Record, export_plugin, json,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    nested: Vec<Nested>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nested {
    /// Must be even.
    number: u32,
}

#[derive(Debug)]
struct Puppet;

impl Plugin for Puppet {
    type Settings = Settings;

    const WANTS: Metadata = Metadata::KEY
        .and(Metadata::HEADERS)
        .and(Metadata::TIMESTAMP)
        .and(Metadata::POSITION);

    fn new(settings: Settings) -> Result<Self, ConfigError> {
        match settings
            .nested
            .iter()
            .position(|nested| nested.number % 2 == 1)
        {
            Some(odd) => {
                let field = json::join(["nested", &odd.to_string(), "number"]);
                Err(ConfigError::new(field, "is odd"))
            }
            None => Ok(Self),
        }
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        let Some(value) = record.value() else {
            return Fate::Keep;
        };
        match value {
            b"drop" => return Fate::Drop,
            b"reject" => return Fate::Reject("so it says: 坏".to_owned()),
            b"emit nothing" => return Fate::Emit(Vec::new()),
            b"emit" => {
                return Fate::Emit(vec![
                    Output::same(),
                    Output::new("new")
                        .key("key")
                        .headers([("h", Some(&b"v"[..]))])
                        .route("r"),
                    Output::tombstone()
                        .without_key()
                        .headers([])
                        .timestamp_ms(7),
                ]);
            }
            b"value" => record.set_value(b"new"),
            b"empty" => record.set_value(b""),
            b"tombstone" => record.set_tombstone(),
            b"key" => record.set_key(b"new"),
            b"route" => record.route("route"),
            b"time" => record.set_timestamp_ms(record.timestamp_ms().unwrap_or(0) + 1),
            b"headers" => {
                let seen: Vec<_> = record.headers().collect();
                record.set_value(format!("{seen:?}").as_bytes());
            }
            b"position" => {
                let place = (record.source(), record.topic(), record.partition());
                let place = format!("{place:?} {} {}", record.offset(), record.number());
                record.set_value(place.as_bytes());
            }
            b"{\"set\":0}" => record.json_mut().set("/set", 1).expect("an object"),
            b"{\"both\":0}" => {
                record.json_mut().set("/both", 1).expect("an object");
                record.set_value(b"whole");
                assert!(record.json_mut().set("/both", 2).is_err());
                record.route("route");
            }
            b"{\"all\":0}" => {
                record.json_mut().set("/all", 1).expect("an object");
                record.set_key(b"new");
                record.route("route");
                record.set_timestamp_ms(9);
            }
            b"count" => {
                record.count("bytes", 5);
                record.count("seen", 1);
            }
            b"say" => record.log(LogLevel::Warn, "坏 record"),
            b"say more" => record.log(LogLevel::Debug, &"好".repeat(1_000)),
            b"count badly" => record.count("Über", 1),
            _ => {}
        }
        Fate::Keep
    }
}

export_plugin!(Puppet);

/// An output with the key, the headers and the time of [`given`].
fn output(value: &str) -> TestOutput {
    TestOutput {
        value: Some(value.into()),
        key: Some(b"k".to_vec()),
        headers: vec![
            ("名".to_owned(), Some(b"v".to_vec())),
            ("none".to_owned(), None),
        ],
        route: None,
        timestamp_ms: None,
    }
}

fn given(value: &str) -> TestRecord {
    let headers = TestRecord::new(value)
        .header("名", Some(b"v"))
        .header("none", None);
    headers.key("k").timestamp_ms(5)
}

fn cases() -> Vec<(&'static str, TestFate)> {
    let one = |output| TestFate::Emit(vec![output]);
    let route = Some("route".to_owned());
    let new = Some(b"new".to_vec());
    vec![
        ("anything", TestFate::Keep),
        ("drop", TestFate::Drop),
        ("emit nothing", TestFate::Drop),
        ("reject", TestFate::Reject("so it says: 坏".to_owned())),
        ("value", one(output("new"))),
        ("empty", one(output(""))),
        (
            "tombstone",
            one(TestOutput {
                value: None,
                ..output("")
            }),
        ),
        (
            "key",
            one(TestOutput {
                key: new.clone(),
                ..output("key")
            }),
        ),
        (
            "route",
            one(TestOutput {
                route: route.clone(),
                ..output("route")
            }),
        ),
        (
            "time",
            one(TestOutput {
                timestamp_ms: Some(6),
                ..output("time")
            }),
        ),
        (
            "headers",
            one(output(r#"[("名", Some([118])), ("none", None)]"#)),
        ),
        ("position", one(output(r#"("source", "topic", 0) 11 0"#))),
        ("{\"set\":0}", one(output("{\"set\":1}"))),
        (
            "{\"both\":0}",
            one(TestOutput {
                route: route.clone(),
                ..output("whole")
            }),
        ),
        (
            "{\"all\":0}",
            one(TestOutput {
                key: new,
                route,
                timestamp_ms: Some(9),
                ..output("{\"all\":1}")
            }),
        ),
        ("emit", emitted()),
    ]
}

/// What becomes of `emit`.
fn emitted() -> TestFate {
    TestFate::Emit(vec![
        output("emit"),
        TestOutput {
            key: Some(b"key".to_vec()),
            headers: vec![("h".to_owned(), Some(b"v".to_vec()))],
            route: Some("r".to_owned()),
            ..output("new")
        },
        TestOutput {
            value: None,
            key: None,
            headers: Vec::new(),
            timestamp_ms: Some(7),
            ..output("")
        },
    ])
}

#[test]
fn every_fate_reaches_its_record() {
    let (values, expected): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let records: Vec<_> = values.into_iter().map(given).collect();
    assert_eq!(testing::run::<Puppet>("{}", &records), expected);
}

#[test]
fn nothing_is_left_of_the_record_before() {
    for (value, fate) in cases()
        .into_iter()
        .filter(|&(value, _)| value != "position")
    {
        let fates = testing::run::<Puppet>("{}", &["x".into(), given(value), "x".into()]);
        assert_eq!(fates, [TestFate::Keep, fate, TestFate::Keep]);
    }
}

#[test]
fn what_stays_as_it_is_costs_no_bytes() {
    let mut instance = Instance::<Puppet>::default();
    instance.configure("{}").expect("settings");
    let records = [
        TestRecord::tombstone(),
        "x".into(),
        "drop".into(),
        "".into(),
    ];
    let answer = instance.process(&testing::batch(Puppet::WANTS, &records));
    assert_eq!(answer.fates, [0, 0, 1, 0]);
    assert_eq!((answer.rows.capacity(), answer.bytes.capacity()), (0, 0));
    assert!(
        instance
            .process(&testing::batch(Puppet::WANTS, &[]))
            .fates
            .is_empty()
    );
}

fn check_refused(settings: &str, field: &str, message: &str) {
    let error = testing::configure::<Puppet>(settings).expect_err("refused");
    assert_eq!(
        (error.field.as_str(), error.message.as_str()),
        (field, message)
    );
}

#[test]
fn refused_settings_name_their_field() {
    check_refused(
        r#"{"nested":[{"number":2},{"number":3}]}"#,
        "/nested/1/number",
        "is odd",
    );
    let wrong = "invalid type: string \"2\", expected u32";
    check_refused(r#"{"nested":[{"number":"2"}]}"#, "/nested/0/number", wrong);
    check_refused(r#"{"nested":[{}]}"#, "/nested/0", "missing field `number`");
    check_refused(
        r#"{"nest/ed":0}"#,
        "/nest~1ed",
        "unknown field `nest/ed`, expected `nested`",
    );
    check_refused("{} {}", "", "trailing characters");
    check_refused("", "", "EOF while parsing a value");
}

#[test]
fn the_schema_of_the_settings_has_their_documentation() {
    let schema = testing::settings_schema::<Puppet>();
    assert!(schema.contains("Must be even."), "{schema}");
}

struct Forgetful;

impl Plugin for Forgetful {
    type Settings = Settings;

    fn new(_: Settings) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        match record.value() {
            Some(b"key") => drop(record.key()),
            Some(b"headers") => drop(record.headers()),
            Some(b"timestamp") => drop(record.timestamp_ms()),
            Some(b"position") => drop(record.offset()),
            Some(b"time") => record.set_timestamp_ms(0),
            Some(_) | None => {
                return Fate::Emit(vec![Output::same().timestamp_ms(0)]);
            }
        }
        Fate::Keep
    }
}

fn check_panics(expected: &str, run: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic");
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let message = text
        .or(panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(message.contains(expected), "{message:?}");
}

#[test]
fn metadata_that_was_not_asked_for_cannot_be_used() {
    for (value, name) in [
        ("key", "KEY"),
        ("headers", "HEADERS"),
        ("timestamp", "TIMESTAMP"),
        ("position", "POSITION"),
        ("time", "TIMESTAMP"),
        ("emit", "TIMESTAMP"),
    ] {
        check_panics(&format!("Metadata::{name}"), || {
            assert_eq!(testing::run::<Forgetful>("{}", &[value.into()]), []);
        });
    }
}

#[test]
fn what_is_counted_and_logged_goes_out_with_the_answer() {
    let records = ["count", "say", "drop", "count", "say more"].map(TestRecord::from);
    let TestEffects { counts, lines } = testing::effects::<Puppet>("{}", &records);
    assert_eq!(counts, [("bytes".to_owned(), 10), ("seen".to_owned(), 2)]);
    let cut_between_characters = "好".repeat(341);
    let expected = [
        (LogLevel::Warn, 1, "坏 record".to_owned()),
        (LogLevel::Debug, 4, cut_between_characters),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_next_batch_has_effects_of_its_own() {
    let mut instance = Instance::<Puppet>::default();
    instance.configure("{}").unwrap();
    let mut counts = |values: &[&str]| {
        let records: Vec<TestRecord> = values.iter().map(|value| (*value).into()).collect();
        let answer = instance.process(&testing::batch(Puppet::WANTS, &records));
        (answer.counts, answer.logs.len(), answer.words.len())
    };
    let (seen, line) = ("bytesseen".len(), "坏 record".len());
    assert_eq!(counts(&["count", "say"]), (vec![5, 1], 3, seen + line));
    assert_eq!(counts(&["other"]), (vec![], 0, 0));
    assert_eq!(counts(&["count"]), (vec![5, 1], 0, seen));
}

#[test]
fn a_name_to_count_by_is_plain() {
    check_panics("is no name to count by", || {
        let effects = testing::effects::<Puppet>("{}", &["count badly".into()]);
        assert!(effects.counts.is_empty());
    });
}

#[test]
fn a_batch_before_the_settings_is_a_panic() {
    check_panics("the plugin got a batch before its settings", || {
        let answer = Instance::<Puppet>::default().process(&testing::batch(Metadata::NONE, &[]));
        assert!(answer.fates.is_empty());
    });
}

#[test]
fn the_clock_is_the_one_of_the_test() {
    testing::set_now_ms(42);
    assert_eq!(tamis_sdk::now_ms(), 42);
}
