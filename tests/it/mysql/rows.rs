//! What becomes of values: those that fit come back as they were, those that do not are refused alone and never cut.

use tamis_core::sink::Verdict;
use tamis_tests::mariadb::{Database, MariaDb};

use super::{connected, id, reason, records, records_of, stored};

/// Columns of all sorts, some of them narrower in the table than the configuration has them.
const TABLE: &str = "CREATE TABLE odd (id VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, s VARCHAR(5), n INT, \
     m BIGINT, d DECIMAL(5,2), f DOUBLE, t DATETIME(3), j JSON, b BOOLEAN, k INT NOT NULL DEFAULT 7, u INT UNIQUE) \
     DEFAULT CHARSET utf8mb4";
const COLUMNS: &str = "table: odd, columns: { s: { type: varchar(5) }, n: { type: bigint }, m: { type: bigint }, \
     d: { type: 'decimal(10,4)' }, f: { type: double }, t: { type: datetime(6) }, j: { type: json }, b: { type: boolean } }";

#[test]
fn rows_that_do_not_fit_are_found_among_those_that_do_with_the_servers_words() {
    let database = Database::shared();
    database.run(TABLE);
    let subject = connected(&database, COLUMNS);
    let deep = format!("{{\"j\":{}1{}}}", "[".repeat(60), "]".repeat(60));
    let bad: [(&str, &str); 17] = [
        (r#"{"s":"toolong"}"#, "Data too long for column 's'"),
        (r#"{"s":"abcde "}"#, "would be cut"),
        (r#"{"n":2147483648}"#, "Out of range value for column 'n'"),
        (r#"{"n":1.5}"#, "1.5 is not written as a whole number"),
        (r#"{"n":"x"}"#, "Incorrect integer value: 'x'"),
        (
            r#"{"m":9223372036854775808}"#,
            "Out of range value for column 'm'",
        ),
        (r#"{"d":1.005}"#, "more digits behind the point than 2"),
        (r#"{"d":12345}"#, "Out of range value for column 'd'"),
        (r#"{"f":1e400}"#, "Out of range value for column 'f'"),
        (r#"{"f":"x"}"#, "Incorrect double value: 'x'"),
        (
            r#"{"t":"2023-02-30 00:00:00"}"#,
            "Incorrect datetime value: '2023-02-30 00:00:00'",
        ),
        (r#"{"t":"0000-00-00 00:00:00"}"#, "Incorrect datetime value"),
        (
            r#"{"t":"2023-02-20 00:00:00.0001"}"#,
            "more digits of a second's fraction than 3",
        ),
        (r#"{"t":1674014706}"#, "is not the text of a time"),
        (r#"{"j":"\ud800"}"#, "CONSTRAINT `odd.j` failed"),
        (&deep, "CONSTRAINT `odd.j` failed"),
        ("no JSON", "expected"),
    ];
    // Far from each other, next to each other, and at both ends.
    let places: Vec<_> = (0..15).map(|it| it * 113).chain([1_998, 1_999]).collect();
    let good = |n: usize| {
        format!(
            r#"{{"s":"日志 {}","n":{n},"d":{n}e-2,"t":"2023-01-18T12:00:00.25+08:00","j":{{"n":{n}}},"b":true}}"#,
            n % 10
        )
    };
    let value = |n: usize| match places.iter().position(|place| *place == n) {
        Some(index) => bad[index].0.to_owned(),
        None => good(n % 100_000),
    };
    let verdicts = subject.settle(&records((0..2_000).map(value)));
    for (place, (value, words)) in places.iter().zip(bad) {
        let reason = reason(&verdicts, *place);
        assert!(reason.contains(words), "{value}: {reason}");
    }
    let written = verdicts
        .iter()
        .filter(|it| **it == Verdict::Written)
        .count();
    assert_eq!(written, 2_000 - bad.len());
    let there = stored(&database, "odd", "CONCAT_WS('|', s, n, d, t, j, b, k)");
    assert_eq!(there.len(), written);
    for (n, verdict) in verdicts.iter().enumerate() {
        if *verdict == Verdict::Written {
            let (whole, cents) = (n / 100, n % 100);
            let expected = format!(
                r#"日志 {}|{n}|{whole}.{cents:02}|2023-01-18 04:00:00.250|{{"n":{n}}}|1|7"#,
                n % 10
            );
            assert_eq!(String::from_utf8_lossy(&there[&id(n)]), expected);
        }
    }
}

#[test]
fn a_row_that_a_trigger_stumbles_over_is_found_alone() {
    let database = Database::shared();
    let columns = "table: t, columns: { v: { from: '{value}', type: text } }";
    for (body, words) in [
        ("INSERT INTO audit VALUES (NEW.v)", "audit' doesn't exist"),
        (
            "INSERT INTO other (missing) VALUES (NEW.v)",
            "Unknown column 'missing'",
        ),
        (
            "SET NEW.d = STR_TO_DATE(NEW.v, '%Y-%m-%d')",
            "Incorrect datetime value: 'bad'",
        ),
        (
            "SIGNAL SQLSTATE '42S02' SET MYSQL_ERRNO = 1644, MESSAGE_TEXT = 'not this one'",
            "not this one",
        ),
    ] {
        database.run(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id VARCHAR(99) PRIMARY KEY, v TEXT, d DATETIME); \
             CREATE OR REPLACE TABLE other (v TEXT)",
        );
        let of_bad = format!("IF NEW.v = 'bad' THEN {body}; END IF");
        let trigger = format!("CREATE TRIGGER odd BEFORE INSERT ON t FOR EACH ROW {of_bad}");
        database.run(&format!("DELIMITER //\n{trigger}//\n"));
        let subject = connected(&database, columns);
        let value = |n: usize| {
            if n == 13 {
                "bad".to_owned()
            } else {
                format!("value {n}")
            }
        };
        let verdicts = subject.settle(&records((0..40).map(value)));
        let said = reason(&verdicts, 13);
        assert!(said.contains(words), "{said}");
        let written = verdicts
            .iter()
            .filter(|it| **it == Verdict::Written)
            .count();
        assert_eq!(written, 39, "{words}");
        assert_eq!(stored(&database, "t", "v").len(), 39, "{words}");
    }
}

#[test]
fn where_no_row_fits_each_is_refused() {
    let database = Database::shared();
    database.run(TABLE);
    let subject = connected(&database, COLUMNS);
    let verdicts = subject.settle(&records(
        (0..300).map(|n| format!(r#"{{"s":"too long {n}"}}"#)),
    ));
    for n in 0..300 {
        assert!(reason(&verdicts, n).contains("Data too long"));
    }
    assert!(stored(&database, "odd", "s").is_empty());
}

#[test]
fn a_row_that_another_unique_key_keeps_out_is_not_taken_for_a_repeat() {
    let database = Database::shared();
    database.run(TABLE);
    let subject = connected(&database, "table: odd, columns: { u: { type: bigint } }");
    let all = records((0..40).map(|n| format!(r#"{{"u":{}}}"#, n % 30)));
    for _ in 0..2 {
        let verdicts = subject.settle(&all);
        for (n, verdict) in verdicts.iter().enumerate() {
            if n < 30 {
                assert_eq!(*verdict, Verdict::Written, "{n}");
            } else {
                assert!(reason(&verdicts, n).contains("unique key"), "{n}");
            }
        }
        assert_eq!(stored(&database, "odd", "u").len(), 30);
    }
}

#[test]
fn an_id_that_a_table_takes_for_another_one_is_not_taken_for_a_repeat() {
    let database = Database::shared();
    database.run("CREATE TABLE t (id VARCHAR(512) COLLATE utf8mb4_general_ci PRIMARY KEY, v TEXT)");
    let subject = connected(
        &database,
        "table: t, columns: { v: { from: '{value}', type: text } }",
    );
    assert_eq!(
        subject.settle(&records_of("logs", ["a"])),
        [Verdict::Written]
    );
    let verdicts = subject.settle(&records_of("LOGS", ["b"]));
    assert!(reason(&verdicts, 0).contains("unique key"));
    let expected = [("test/logs/0/0/0".to_owned(), b"a".to_vec())];
    assert_eq!(stored(&database, "t", "v"), expected.into());
}

#[test]
fn text_comes_back_as_it_was() {
    let database = Database::shared();
    let columns = "Msg: { type: mediumtext }, v: { from: '{value}', type: longtext }, 日志: { from: /Field, type: json }";
    let subject = connected(
        &database,
        &format!("table: 日志, create: true, columns: {{ {columns} }}"),
    );
    let texts = [
        "登录失败：用户不存在",
        "😀👩‍👩‍👧 𠜎",
        "'; DROP TABLE 日志; --",
        "back\\slash \"quotes\" 'single' `back` %s ? ${1}",
        "line\nfeed\ttab\r\0nul\u{1a}",
        "spaces at the end   ",
        "",
    ];
    let value = |text: &&str| {
        let text = serde_json::Value::from(*text);
        format!(r#"{{"Msg":{text},"Field":{{"k":{text},"big":12345678901234567890.5000}}}}"#)
    };
    let values: Vec<_> = texts.iter().map(value).collect();
    let verdicts = subject.settle(&records(values.clone()));
    assert_eq!(verdicts, vec![Verdict::Written; texts.len()]);
    let [messages, whole, fields] =
        ["Msg", "v", "日志"].map(|column| stored(&database, "日志", column));
    for (n, (text, value)) in texts.iter().zip(values).enumerate() {
        assert_eq!(messages[&id(n)], text.as_bytes(), "{text}");
        assert_eq!(whole[&id(n)], value.as_bytes(), "{text}");
        let field = format!(
            r#"{{"k":{},"big":12345678901234567890.5000}}"#,
            serde_json::Value::from(*text)
        );
        assert_eq!(fields[&id(n)], field.as_bytes(), "{text}");
    }
}

#[test]
fn numbers_keep_all_their_digits() {
    let database = Database::shared();
    let columns = "n: { type: bigint }, d: { type: 'decimal(65,30)' }, f: { type: double }";
    let subject = connected(
        &database,
        &format!("table: t, create: true, columns: {{ {columns} }}"),
    );
    let decimal = "12345678901234567890123456789012345.123456789012345678901234567891";
    let numbers = [
        ("-9223372036854775808", decimal, "0.1"),
        (
            "9223372036854775807",
            "-0.000000000000000000000000000001",
            "1.7976931348623157e308",
        ),
        ("0", "1.5e3", "-5e-324"),
    ];
    let value = |(n, d, f): &(&str, &str, &str)| format!(r#"{{"n":{n},"d":{d},"f":{f}}}"#);
    let verdicts = subject.settle(&records(numbers.iter().map(value)));
    assert_eq!(verdicts, vec![Verdict::Written; numbers.len()]);
    let wholes = stored(&database, "t", "CAST(n AS CHAR)");
    let decimals = stored(&database, "t", "CAST(d AS CHAR)");
    let doubles =
        database.sql("SELECT COUNT(*) FROM t WHERE f IN (0.1, 1.7976931348623157e308, -5e-324)");
    for (number, (n, ..)) in numbers.iter().enumerate() {
        assert_eq!(wholes[&id(number)], n.as_bytes());
    }
    assert_eq!(decimals[&id(0)], decimal.as_bytes());
    assert_eq!(decimals[&id(1)], b"-0.000000000000000000000000000001");
    assert_eq!(doubles, ["3"]);
}

#[test]
fn more_columns_than_one_statement_has_placeholders_for_go_out_in_several() {
    let database = Database::shared();
    let columns = (0..500).map(|n| format!("c{n}: {{ type: bigint }}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let subject = connected(
        &database,
        &format!("table: wide, create: true, columns: {{ {columns} }}"),
    );
    // 501 columns: 130 rows a statement.
    let value = |n: usize| format!(r#"{{"c{}":{n}}}"#, n % 500);
    let verdicts = subject.settle(&records((0..1_000).map(value)));
    assert_eq!(verdicts, vec![Verdict::Written; 1_000]);
    assert_eq!(
        database.sql("SELECT COUNT(*), COUNT(c7), SUM(c7) FROM wide"),
        ["1000\t2\t514"]
    );
}

#[test]
fn statements_stay_below_the_largest_packet_and_a_row_beyond_it_is_refused() {
    const PACKET: usize = 16_384;
    let server = MariaDb::with(&format!("max-allowed-packet={PACKET}"));
    server.start();
    let database = server.fresh();
    let columns = "table: t, create: true, columns: { v: { from: '{value}', type: longtext } }";
    let subject = connected(&database, columns);
    // Around the edge byte by byte, and many small ones that are too many for one packet.
    let edge = PACKET - 400..PACKET + 50;
    let sizes: Vec<_> = (0..200).map(|n| n * 7).chain(edge).collect();
    let verdicts = subject.settle(&records(sizes.iter().map(|size| vec![b'x'; *size])));
    // More is not given back at once: what it answers is bounded, too.
    let there = stored(&database, "t", "CONCAT(LENGTH(v), REPLACE(v, 'x', ''))");
    for (n, size) in sizes.iter().enumerate() {
        if verdicts[n] == Verdict::Written {
            assert_eq!(there[&id(n)], size.to_string().as_bytes());
        } else {
            let words = format!("the server takes {PACKET} (max_allowed_packet)");
            assert!(reason(&verdicts, n).contains(&words));
            // Little is given away for what comes beside the values.
            assert!(*size > PACKET - 350, "{size}");
        }
    }
    assert_eq!(
        verdicts.last().map(|it| *it == Verdict::Written),
        Some(false)
    );
    assert_eq!(
        there.len(),
        verdicts
            .iter()
            .filter(|it| **it == Verdict::Written)
            .count()
    );
}
