use tamis_config::spec::MysqlType as Type;

use super::*;
use crate::testing::{partition, records};

/// 2023-01-18 04:05:06.789 UTC.
const TIME: i64 = 1_674_014_706_789;

fn column(name: &str, from: MysqlFrom, kind: Type) -> MysqlColumn {
    let name = name.to_owned();
    MysqlColumn { name, from, kind }
}

fn field(pointer: &str) -> MysqlFrom {
    MysqlFrom::Field(pointer.split('/').skip(1).map(str::to_owned).collect())
}

/// The row that a record with this value is, without its id.
fn row(columns: &[MysqlColumn], value: Option<&[u8]>) -> Result<Vec<Option<String>>, String> {
    let records = records(&partition("logs"), &[(7, TIME, value)]);
    let row = Encoder::new(columns).row(records.iter().next().unwrap())?;
    assert_eq!(row[0].as_deref(), Some("test/logs/0/7/0"));
    let cells = row
        .into_iter()
        .skip(1)
        .map(|cell| cell.map(Cow::into_owned));
    Ok(cells.collect())
}

fn check(columns: &[MysqlColumn], value: &str, expected: &[Option<&str>]) {
    let expected: Vec<_> = expected.iter().map(|it| it.map(str::to_owned)).collect();
    assert_eq!(
        row(columns, Some(value.as_bytes())),
        Ok(expected),
        "{value}"
    );
}

#[test]
fn each_column_takes_its_field_and_the_rest_takes_what_is_left() {
    let columns = [
        column("Msg", field("/Msg"), Type::Text),
        column("user", field("/Field/user"), Type::Bigint),
        column("rest", MysqlFrom::Rest, Type::Json),
    ];
    check(
        &columns,
        r#"{"Msg":"登录\n","x":[1,{"y":2}],"Field":{"user":7,"ip":"::1"}}"#,
        &[
            Some("登录\n"),
            Some("7"),
            Some(r#"{"x":[1,{"y":2}],"Field":{"user":7,"ip":"::1"}}"#),
        ],
    );
    check(
        &columns,
        r#"{"Msg":null,"Field":3}"#,
        &[None, None, Some(r#"{"Field":3}"#)],
    );
    check(
        &columns,
        r#"{"Msg":{"a": 1.0}}"#,
        &[Some(r#"{"a": 1.0}"#), None, None],
    );
    check(&columns, "{}", &[None, None, None]);
}

#[test]
fn what_is_no_field_needs_no_json() {
    let columns = [
        column("value", MysqlFrom::Value, Type::LongText),
        column("topic", MysqlFrom::Topic, Type::Text),
        column("time", MysqlFrom::Time, Type::Datetime(3)),
        column("ms", MysqlFrom::Time, Type::Bigint),
        column("json", MysqlFrom::Time, Type::Json),
    ];
    let time = "2023-01-18 04:05:06.789";
    let expected = [
        Some("{ no JSON"),
        Some("logs"),
        Some(time),
        Some("1674014706789"),
        Some("\"2023-01-18 04:05:06.789\""),
    ];
    check(&columns, "{ no JSON", &expected);
    assert!(
        row(&columns, Some(b"\xff")).is_err(),
        "a column of text holds UTF-8"
    );
}

#[test]
fn numbers_keep_their_digits() {
    for kind in [
        Type::Bigint,
        Type::Double,
        Type::Decimal(65, 30),
        Type::Text,
        Type::Json,
    ] {
        let columns = [column("n", field("/n"), kind)];
        for number in ["12345678901234567890123", "-0.1000", "1E400", "7"] {
            check(&columns, &format!(r#"{{"n":{number}}}"#), &[Some(number)]);
        }
    }
}

#[test]
fn a_time_with_a_zone_is_written_in_utc_and_one_without_as_it_stands() {
    let columns = [column("t", field("/t"), Type::Datetime(6))];
    let check = |text: &str, expected: &str| {
        check(&columns, &format!(r#"{{"t":"{text}"}}"#), &[Some(expected)]);
    };
    check("2023-01-18T12:00:00+08:00", "2023-01-18 04:00:00");
    check("2023-01-18T12:00:00.250+0800", "2023-01-18 04:00:00.25");
    check("2023-01-18T12:00:00.123456Z", "2023-01-18 12:00:00.123456");
    check("2023-01-01T00:00:00-01:30", "2023-01-01 01:30:00");
    for text in [
        "2023-01-18 12:00:00",
        "2023-01-18",
        "yesterday",
        "",
        "2023-02-30T00:00:00Z",
    ] {
        check(text, text);
    }
}

#[test]
fn what_a_column_can_never_hold_says_which_and_why() {
    let check = |kind: Type, value: &str, expected: &str| {
        let columns = [column("c", field("/c"), kind)];
        let reason = row(&columns, Some(format!(r#"{{"c":{value}}}"#).as_bytes()));
        assert_eq!(reason, Err(format!("column c: {expected}")), "{value}");
    };
    check(Type::Boolean, "7", "7 is neither true nor false");
    check(
        Type::Datetime(3),
        "1674014706",
        "1674014706 is not the text of a time",
    );
    let columns = [column("c", field("/c"), Type::Boolean)];
    for (value, expected) in [("true", "1"), ("false", "0"), ("1", "1"), ("\"0\"", "0")] {
        self::check(&columns, &format!(r#"{{"c":{value}}}"#), &[Some(expected)]);
    }
    let columns = [column("c", field("/c"), Type::Text)];
    let half = row(&columns, Some(br#"{"c":"\ud83d"}"#)).unwrap_err();
    assert!(half.starts_with("column c: "), "{half}");
    assert!(
        row(&columns, Some(b"[]"))
            .unwrap_err()
            .contains("expected a JSON object")
    );
    assert_eq!(row(&columns, None), Err("a tombstone is no row".to_owned()));
}

#[test]
fn a_long_value_is_shown_in_part() {
    assert_eq!(shown("日志"), "日志");
    assert_eq!(shown(&"日".repeat(101)), format!("{}…", "日".repeat(100)));
}
