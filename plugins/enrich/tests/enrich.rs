//! What is added to records.

use enrich::Enrich;
use tamis_sdk::testing::{self, TestFate, TestRecord};

fn fate(settings: &str, record: impl Into<TestRecord>) -> TestFate {
    testing::run::<Enrich>(settings, &[record.into()]).remove(0)
}

fn check(settings: &str, record: &str, expected: &str) {
    assert_eq!(
        fate(settings, record).value(),
        Some(expected),
        "{settings} {record}"
    );
}

fn check_time(settings: &str, time: &str, expected: Option<&str>) {
    let settings = format!(r#"{{"timestamp":{settings}}}"#);
    let record = format!(r#"{{"Time":"{time}"}}"#);
    match expected {
        Some(expected) => {
            let expected = format!(r#"{{"Time":"{time}","@timestamp":"{expected}"}}"#);
            check(&settings, &record, &expected);
        }
        None => assert_eq!(fate(&settings, record.as_str()), TestFate::Keep, "{record}"),
    }
}

#[test]
fn a_log_record_gets_all_that_it_lacks() {
    let settings = r#"{
        "set": {"env": "prod", "tags": ["a", {"b": null}]},
        "level": {},
        "timestamp": {"zone": "Asia/Shanghai"},
        "position": {"topic": "/topic", "partition": "/partition", "offset": "/offset"}
    }"#;
    check(
        settings,
        r#"{ "Type":"Error", "Time":"2023-01-18 12:00:00", "Msg":"请求超时" }"#,
        concat!(
            r#"{ "Type":"Error", "Time":"2023-01-18 12:00:00", "Msg":"请求超时" ,"#,
            r#""env":"prod","tags":["a",{"b":null}],"level":"error","#,
            r#""@timestamp":"2023-01-18T12:00:00+08:00","topic":"topic","partition":0,"offset":0}"#,
        ),
    );
}

#[test]
fn without_settings_nothing_changes() {
    assert_eq!(fate("{}", r#"{"Type":"Info"}"#), TestFate::Keep);
}

#[test]
fn a_field_that_is_there_gets_the_new_value_in_its_place() {
    check(
        r#"{"set":{"env":"prod"}}"#,
        r#"{"env":"test","a":1}"#,
        r#"{"env":"prod","a":1}"#,
    );
    check(
        r#"{"level":{"to":"/Type"}}"#,
        r#"{"Type":"INFO","a":1}"#,
        r#"{"Type":"info","a":1}"#,
    );
}

#[test]
fn a_level_is_written_in_lower_case() {
    let settings = r#"{"level":{"from":"/log/Level","to":"/level"}}"#;
    check(
        settings,
        r#"{"log":{"Level":"WARN"}}"#,
        r#"{"log":{"Level":"WARN"},"level":"warn"}"#,
    );
    let umlaut = r#"{"log":{"Level":"\u00dcbel\n"},"level":"übel\n"}"#;
    check(settings, r#"{"log":{"Level":"\u00dcbel\n"}}"#, umlaut);
    for record in [r#"{"log":{"Level":3}}"#, r#"{"log":{}}"#, "{}"] {
        assert_eq!(fate(settings, record), TestFate::Keep);
    }
}

#[test]
fn a_local_time_gets_its_zone() {
    for (settings, time, expected) in [
        ("{}", "2023-01-18 12:00:00", "2023-01-18T12:00:00+00:00"),
        (
            r#"{"zone":"UTC"}"#,
            "1969-12-31 23:59:59",
            "1969-12-31T23:59:59+00:00",
        ),
        (
            r#"{"zone":"+05:30"}"#,
            "2023-01-18 12:00:00",
            "2023-01-18T12:00:00+05:30",
        ),
        (
            r#"{"zone":"-03:30"}"#,
            "2023-01-18 12:00:00",
            "2023-01-18T12:00:00-03:30",
        ),
        (
            r#"{"zone":"Europe/Berlin"}"#,
            "2023-07-18 12:00:00",
            "2023-07-18T12:00:00+02:00",
        ),
        // The zone skips 02:00 to 03:00 on that day.
        (
            r#"{"zone":"Europe/Berlin"}"#,
            "2023-03-26 02:30:00",
            "2023-03-26T03:30:00+02:00",
        ),
        // The zone has 02:00 to 03:00 twice on that day.
        (
            r#"{"zone":"Europe/Berlin"}"#,
            "2023-10-29 02:30:00",
            "2023-10-29T02:30:00+02:00",
        ),
        // Before standard time the offset had seconds, which RFC 3339 cannot say.
        (
            r#"{"zone":"Asia/Shanghai"}"#,
            "1900-01-01 00:00:00",
            "1899-12-31T15:54:17Z",
        ),
        (
            r#"{"zone":"Asia/Shanghai","format":"%d/%b/%Y:%H:%M:%S%.f"}"#,
            "18/Jan/2023:12:00:00.250",
            "2023-01-18T12:00:00.25+08:00",
        ),
        (
            r#"{"zone":"Asia/Shanghai","format":"%Y-%m-%dT%H:%M:%S%:z"}"#,
            "2023-01-18T04:00:00+00:00",
            "2023-01-18T12:00:00+08:00",
        ),
        (
            r#"{"zone":"Asia/Shanghai","format":"%s"}"#,
            "1674014400",
            "2023-01-18T12:00:00+08:00",
        ),
    ] {
        check_time(settings, time, Some(expected));
    }
}

#[test]
fn a_time_that_is_none_adds_no_field_or_is_refused() {
    for time in [
        "",
        "yesterday",
        "2023-02-30 12:00:00",
        "2023-01-18 24:00:00",
        "2023-01-18 12:60:00",
        "2023-01-18 12:00",
        "2023-01-18 12:00:60",
        "2023-1-18 12:00:00.",
        "2023-01-18T12:00:00",
        "2023-01-18 12:00:00 ",
        "9999999-01-18 12:00:00",
        "２０２３-01-18 12:00:00",
    ] {
        check_time(r#"{"zone":"Asia/Shanghai"}"#, time, None);
    }
    let reject = r#"{"timestamp":{"on_error":"reject"}}"#;
    let reason = TestFate::Reject("no time like %Y-%m-%d %H:%M:%S at /Time".to_owned());
    for record in [r#"{"Time":"soon"}"#, r#"{"Time":5}"#, "{}"] {
        assert_eq!(fate(reject, record), reason);
    }
}

#[test]
fn the_time_can_become_the_records_own() {
    let settings = r#"{"timestamp":{"zone":"Asia/Shanghai","record_time":true}}"#;
    let record =
        |time: &str| TestRecord::new(format!(r#"{{"Time":"{time}"}}"#)).timestamp_ms(1_000);
    let records = [
        record("2023-01-18 12:00:01"),
        record("never"),
        record("2023-01-18 12:59:59"),
        record("1969-12-31 23:00:00"),
    ];
    let fates = testing::run::<Enrich>(settings, &records);
    let times: Vec<_> = fates
        .iter()
        .map(|fate| match fate {
            TestFate::Emit(outputs) => outputs[0].timestamp_ms,
            TestFate::Keep | TestFate::Drop | TestFate::Reject(_) => None,
        })
        .collect();
    let expected = [
        Some(1_674_014_401_000),
        None,
        Some(1_674_017_999_000),
        Some(-32_400_000),
    ];
    assert_eq!(times, expected);
}

#[test]
fn what_is_no_object_is_refused_and_a_tombstone_stays() {
    let settings = r#"{"set":{"env":"prod"}}"#;
    let reason = TestFate::Reject("the value is not a JSON object".to_owned());
    for record in ["", "text", "[]", "\"s\"", "{\"a\":1", "{\"a\":1}}"] {
        assert_eq!(fate(settings, record), reason, "{record}");
    }
    assert_eq!(fate(settings, TestRecord::tombstone()), TestFate::Keep);
}

fn check_refused(settings: &str, field: &str) {
    let error = testing::configure::<Enrich>(settings).expect_err("refused");
    assert_eq!(error.field, field, "{settings}: {error}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    check_refused(r#"{"set":{"/env":"prod"}}"#, "/set/~1env");
    check_refused(r#"{"set":{"level":1},"level":{}}"#, "/level/to");
    check_refused(
        r#"{"level":{},"position":{"topic":"/level"}}"#,
        "/position/topic",
    );
    check_refused(r#"{"level":{"from":"Type"}}"#, "/level/from");
    check_refused(r#"{"level":{"form":"/Type"}}"#, "/level/form");
    check_refused(
        r#"{"timestamp":{"zone":"Asia/Shangri-La"}}"#,
        "/timestamp/zone",
    );
    check_refused(r#"{"timestamp":{"format":"%H:%M"}}"#, "/timestamp/format");
    check_refused(r#"{"timestamp":{"format":"%!"}}"#, "/timestamp/format");
    check_refused(
        r#"{"timestamp":{"on_error":"drop"}}"#,
        "/timestamp/on_error",
    );
    check_refused(r#"{"position":{"offset":""}}"#, "/position/offset");
}
