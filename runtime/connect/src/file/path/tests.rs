//! Tests of rendering folders.

use tamis_core::batch::{BatchBuilder, Span};
use tamis_core::sink::Records;

use super::*;
use crate::testing::{all, partition};

/// 2023-01-18 04:05:06.789 UTC.
const TIME: i64 = 1_674_014_706_789;

fn record(topic: &str, time: i64, value: &str, route: Option<&str>) -> Records {
    let mut batch = BatchBuilder::new(partition(topic), 1, 0);
    batch.push(0, time, None, Some(value.as_bytes()), &[]);
    let mut batch = batch.finish(1);
    let mut rows = batch.rows().to_vec();
    if let Some(route) = route {
        rows[0].route = Span::new(batch.next_buffer(), 0, route.len());
    }
    batch.replace(
        rows,
        route.map(|route| route.to_owned().into_bytes().into()),
    );
    all(batch)
}

fn template(parts: &[Part]) -> PathTemplate {
    PathTemplate::new(&Template {
        parts: parts.to_vec(),
    })
    .unwrap()
}

fn check(parts: &[Part], records: &Records, expected: &str) {
    let path = template(parts)
        .render(&records.iter().next().unwrap())
        .unwrap();
    assert_eq!(path, expected, "{parts:?}");
}

fn literal(text: &str) -> Part {
    Part::Literal(text.to_owned())
}

fn time(format: &str) -> Part {
    Part::Time(format.to_owned())
}

fn field(pointer: &str) -> Part {
    Part::Field(pointer.to_owned())
}

#[test]
fn each_part_is_rendered() {
    let json = r#"{"Type":"error","n":7,"ok":true,"deep":{"a":["x","名"]},"map":{},"none":null}"#;
    let records = record("logs", TIME, json, Some("audit"));
    let days = [Part::Topic, literal("/dt="), time("%Y-%m-%d")];
    check(&days, &records, "logs/dt=2023-01-18");
    check(
        &[time("%Y/%m/%d"), literal("/"), Part::Partition],
        &records,
        "2023/01/18/0",
    );
    check(
        &[field("/Type"), literal("-"), field("/n"), field("/ok")],
        &records,
        "error-7true",
    );
    check(
        &[field("/deep/a/1"), literal("/"), Part::Route],
        &records,
        "名/audit",
    );
    check(&[literal("/a//b/")], &records, "a/b");
    check(&[], &records, "");
}

#[test]
fn what_is_missing_or_no_text_is_none() {
    let missing = [
        field("/a"),
        literal("/"),
        time("%Y"),
        literal("/"),
        Part::Route,
    ];
    for value in [
        "{}",
        r#"{"a":null}"#,
        r#"{"a":{}}"#,
        r#"{"a":[1]}"#,
        r#"{"a":""}"#,
        "no JSON",
    ] {
        check(&missing, &record("t", -1, value, None), "none/none/default");
    }
    check(&[time("%Y")], &record("t", i64::MAX, "", None), "none");
}

/// A value of a record as the whole path, and as a part of a component.
fn check_value(value: &str, alone: &str, within: &str) {
    let json = serde_json::json!({ "v": value }).to_string();
    let records = record("t", -1, &json, None);
    check(&[field("/v")], &records, alone);
    check(
        &[literal("a/v="), field("/v")],
        &records,
        &format!("a/v={within}"),
    );
    check(&[Part::Topic], &record(value, -1, "", None), alone);
    check(&[Part::Route], &record("t", -1, "", Some(value)), alone);
}

#[test]
fn a_value_stays_one_component_below_the_root() {
    check_value("../../etc", "..%2F..%2Fetc", "..%2F..%2Fetc");
    check_value("/etc/passwd", "%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd");
    check_value("..", "%2E.", "..");
    check_value(".", "%2E", ".");
    check_value(".staging", "%2Estaging", ".staging");
    check_value("C:\\temp", "C:%5Ctemp", "C:%5Ctemp");
    check_value("a\0b\nc\u{7f}", "a%00b%0Ac%7F", "a%00b%0Ac%7F");
    check_value("%2F", "%252F", "%252F");
    check_value("中文 日志", "中文 日志", "中文 日志");
}

#[test]
fn a_component_beyond_255_bytes_is_cut_and_told_apart_by_a_hash() {
    let path = |value: &str| {
        let records = record(value, -1, "", None);
        template(&[literal("x/"), Part::Topic])
            .render(&records.iter().next().unwrap())
            .unwrap()
    };
    let (one, other) = (path(&"名".repeat(1000)), path(&"名".repeat(1001)));
    assert_eq!(one, format!("x/{}~{}", "名".repeat(79), "5f4ddab9fb636485"));
    assert_ne!(one, other);
    assert!(one.len() <= 2 + COMPONENT_BYTES_MAX);
    assert_eq!(path(&"a".repeat(255)), format!("x/{}", "a".repeat(255)));
}

#[test]
fn a_path_that_no_system_takes_is_refused() {
    let parts: Vec<_> = (0..10).flat_map(|_| [literal("/"), Part::Topic]).collect();
    let records = record(&"a".repeat(300), -1, "", None);
    let refused = template(&parts).render(&records.iter().next().unwrap());
    assert_eq!(refused, Err(PathTooLong));
}

#[test]
fn a_format_that_cannot_be_rendered_is_refused() {
    let refused = PathTemplate::new(&Template {
        parts: vec![time("%Y-%!")],
    });
    assert_eq!(refused.unwrap_err(), "\"%Y-%!\" is not a format of a time");
}

/// Which of two times are told apart.
fn check_periods(parts: &[Part], same: &[i64], other: &[i64]) {
    let template = template(parts);
    let period = |time| template.period(&record("t", time, "", None).iter().next().unwrap());
    let known = period(TIME);
    assert!(known.is_some(), "{parts:?}");
    same.iter()
        .for_each(|time| assert_eq!(period(*time), known, "{parts:?} {time}"));
    other
        .iter()
        .for_each(|time| assert_ne!(period(*time), known, "{parts:?} {time}"));
}

#[test]
fn a_path_is_rendered_once_for_each_period_of_its_time() {
    const HOUR: i64 = 3_600_000;
    let midnight = TIME - TIME % (24 * HOUR);
    check_periods(&[Part::Topic, Part::Partition], &[-1, 0, i64::MAX], &[]);
    check_periods(
        &[time("%Y-%m-%d")],
        &[midnight, midnight + 24 * HOUR - 1],
        &[midnight - 1, midnight + 24 * HOUR, -1],
    );
    check_periods(&[time("%F"), time("%H")], &[TIME + 1], &[TIME + HOUR]);
    check_periods(&[time("%-d %R")], &[TIME + 1], &[TIME + 60_000]);
    check_periods(&[time("%T")], &[TIME + 1], &[TIME + 1000]);
    check_periods(&[time("%.3f")], &[], &[TIME + 1]);
    for part in [field("/a"), Part::Route] {
        let records = record("t", TIME, "{}", None);
        assert_eq!(
            template(&[part]).period(&records.iter().next().unwrap()),
            None
        );
    }
}
