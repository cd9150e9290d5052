//! Which records stay.

use level_filter::LevelFilter;
use tamis_sdk::testing::{self, TestFate, TestRecord};

fn fate(settings: &str, record: impl Into<TestRecord>) -> TestFate {
    testing::run::<LevelFilter>(settings, &[record.into()]).remove(0)
}

fn check(settings: &str, record: &str, expected: &TestFate) {
    assert_eq!(&fate(settings, record), expected, "{settings} {record}");
}

const KEEP: TestFate = TestFate::Keep;
const DROP: TestFate = TestFate::Drop;

fn reject(reason: &str) -> TestFate {
    TestFate::Reject(reason.to_owned())
}

#[test]
fn the_minimum_and_what_is_above_it_stay() {
    let info = r#"{"minimum":"info"}"#;
    for (level, fate) in [
        ("trace", DROP),
        ("Debug", DROP),
        ("info", KEEP),
        ("INFO", KEEP),
        ("Warn", KEEP),
        ("warning", KEEP),
        ("err", KEEP),
        ("ERROR", KEEP),
        ("fatal", KEEP),
    ] {
        check(
            info,
            &format!(r#"{{"Msg":"m","Type":"{level}","Field":{{"Type":"x"}}}}"#),
            &fate,
        );
    }
    check(r#"{"minimum":"Error"}"#, r#"{"Type":"warning"}"#, &DROP);
    check(info, r#"{"Type":"error","Type":"debug"}"#, &DROP);
    check(info, r#"{"Typ\u0065":"d\u0065bug"}"#, &DROP);
}

#[test]
fn the_levels_and_their_place_can_be_others() {
    let settings =
        r#"{"minimum":"高","field":"/log/level","levels":["低","高"],"aliases":{"h":"高"}}"#;
    check(settings, r#"{"log":{"level":"低"}}"#, &DROP);
    check(settings, r#"{"log":{"level":"高"}}"#, &KEEP);
    check(settings, r#"{"log":{"level":"H"}}"#, &KEEP);
    let own = r#"{"minimum":"err","levels":["info","warning","err"]}"#;
    check(own, r#"{"Type":"warning"}"#, &DROP);
    check(own, r#"{"Type":"err"}"#, &KEEP);
}

#[test]
fn a_record_without_a_known_level_has_the_fate_that_is_set() {
    let no_level = reject("no known level at /Type");
    for record in [
        r#"{"Msg":"m"}"#,
        r#"{"Type":"other"}"#,
        r#"{"Type":3}"#,
        "3",
        "[]",
    ] {
        check(r#"{"minimum":"info"}"#, record, &KEEP);
        check(r#"{"minimum":"info","on_missing":"drop"}"#, record, &DROP);
        check(
            r#"{"minimum":"info","on_missing":"reject"}"#,
            record,
            &no_level,
        );
    }
}

#[test]
fn a_value_that_is_no_json_has_the_fate_that_is_set() {
    let record = r#"{"Type":"debug","Msg":tru}"#;
    let reason = reject("invalid JSON at byte 22: expected a value");
    check(r#"{"minimum":"info"}"#, record, &reason);
    check(r#"{"minimum":"info","on_invalid":"keep"}"#, record, &KEEP);
    check(r#"{"minimum":"info","check":false}"#, record, &DROP);
    check(r#"{"minimum":"info","check":false}"#, "text", &KEEP);
    check(
        r#"{"minimum":"info"}"#,
        "",
        &reject("invalid JSON at byte 0: expected a value"),
    );
}

#[test]
fn a_tombstone_stays() {
    let settings = r#"{"minimum":"info","on_missing":"reject"}"#;
    assert_eq!(fate(settings, TestRecord::tombstone()), KEEP);
}

#[test]
fn a_share_of_a_level_stays_and_always_the_same_one() {
    let records = vec![TestRecord::new(r#"{"Type":"debug"}"#); 10_000];
    let kept = |share: &str| -> Vec<bool> {
        let settings = format!(r#"{{"minimum":"info","keep":{{"DEBUG":{share}}}}}"#);
        let fates = testing::run::<LevelFilter>(&settings, &records);
        fates.iter().map(|fate| *fate == KEEP).collect()
    };
    let count = |kept: &[bool]| kept.iter().filter(|&&kept| kept).count();
    let (tenth, half) = (kept("0.1"), kept("0.5"));
    assert!((900..1_100).contains(&count(&tenth)), "{}", count(&tenth));
    assert!((4_800..5_200).contains(&count(&half)), "{}", count(&half));
    assert!(tenth.iter().zip(&half).all(|(tenth, half)| half >= tenth));
    assert_eq!(tenth, kept("0.1"));
    assert_eq!((count(&kept("0")), count(&kept("1"))), (0, 10_000));
}

#[test]
fn a_share_counts_for_aliases_and_above_the_minimum() {
    let settings = r#"{"minimum":"info","keep":{"error":0}}"#;
    check(settings, r#"{"Type":"err"}"#, &DROP);
    check(settings, r#"{"Type":"fatal"}"#, &KEEP);
}

fn check_refused(settings: &str, field: &str) {
    let error = testing::configure::<LevelFilter>(settings).expect_err("refused");
    assert_eq!(error.field, field, "{settings}: {error}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    check_refused("{}", "");
    check_refused(r#"{"minimum":"inof"}"#, "/minimum");
    check_refused(r#"{"minimum":"info","field":"Type"}"#, "/field");
    check_refused(r#"{"minimum":"info","keep":{"debug":1.5}}"#, "/keep/debug");
    check_refused(r#"{"minimum":"info","keep":{"a/b":0.5}}"#, "/keep/a~1b");
    check_refused(
        r#"{"minimum":"info","levels":["info","INFO"]}"#,
        "/levels/1",
    );
    check_refused(
        r#"{"minimum":"info","aliases":{"notice":"inof"}}"#,
        "/aliases/notice",
    );
    check_refused(
        r#"{"minimum":"info","aliases":{"warn":"info"}}"#,
        "/aliases/warn",
    );
    check_refused(r#"{"minimum":"info","on_missing":"skip"}"#, "/on_missing");
    check_refused(r#"{"minimum":"info","minimun":"info"}"#, "/minimun");
}
