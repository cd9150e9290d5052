//! The tables that records go to: made, found wanting, changed under way, named by records.

use tamis_core::sink::{SinkError, Verdict};
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mariadb::Database;

use super::{connected, id, reason, records, refused, sink, stored};

const VALUE: &str = "columns: { v: { from: '{value}', type: longtext } }";

/// The statement in what a person is told to mend.
fn statement<'a>(said: &'a str, begin: &str) -> &'a str {
    let at = said.find(begin);
    &said[at.unwrap_or_else(|| panic!("{said:?} has no {begin:?}"))..]
}

#[test]
fn a_table_is_made_for_the_fleets_logs() {
    let database = Database::shared();
    let subject = connected(&database, "table: logs, create: true");
    let values = [
        r#"{"Type":"error","Action":"登录","Time":"2023-01-18 12:00:00","Msg":"失败","Field":{"n":1},"FuncName":"a.B","level":"error","x":[1.50]}"#,
        r#"{"Time":"2023-01-18T12:00:00.5Z","Field":7}"#,
        r#"{"Type":true,"Msg":{"free":1}}"#,
    ];
    assert_eq!(subject.settle(&records(values)), vec![Verdict::Written; 3]);
    let row = "SELECT Type, Action, Time, Msg, FuncName, Field, rest FROM logs ORDER BY id";
    let expected = [
        "error\t登录\t2023-01-18 12:00:00.000\t失败\ta.B\t{\"n\":1}\t{\"level\":\"error\",\"x\":[1.50]}",
        "NULL\tNULL\t2023-01-18 12:00:00.500\tNULL\tNULL\t7\tNULL",
        "true\tNULL\tNULL\t{\"free\":1}\tNULL\tNULL\tNULL",
    ];
    assert_eq!(database.sql(row), expected);
    let made = database.sql("SHOW CREATE TABLE logs").concat();
    for part in [
        "`id` varchar(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL",
        "`Msg` mediumtext",
        "PRIMARY KEY (`id`)",
        "ENGINE=InnoDB",
        "CHARSET=utf8mb4",
    ] {
        assert!(made.contains(part), "{made}");
    }
    // One that is there is left as it is.
    database.run("ALTER TABLE logs ADD COLUMN more INT DEFAULT 3");
    connected(&database, "table: logs, create: true");
    assert_eq!(database.sql("SELECT DISTINCT more FROM logs"), ["3"]);
}

#[test]
fn a_table_that_lacks_something_stops_with_the_statement_that_mends_it() {
    let database = Database::shared();
    let columns = "table: t, columns: { a: { type: bigint }, b: { type: 'decimal(10,2)' } }";
    let check = |begin: &str, what: &str| {
        let said = refused(&database, columns);
        assert!(said.contains(what), "{said}");
        database.run(statement(&said, begin));
    };
    check("CREATE TABLE", "table t does not exist");
    connected(&database, columns);
    database.run("DROP TABLE t; CREATE TABLE t (A INT)");
    check("ALTER TABLE", "table t has no column b, id");
    database.run(
        "DROP TABLE t; CREATE TABLE t (a INT, b INT, id VARCHAR(99), KEY (id), UNIQUE (id(3)))",
    );
    check("ALTER TABLE", "table t has no unique key of its column id");
    let subject = connected(&database, columns);
    assert_eq!(
        subject.settle(&records([r#"{"a":1,"b":2}"#])),
        [Verdict::Written]
    );
}

#[test]
fn a_key_that_lets_a_repeat_in_is_none() {
    let database = Database::shared();
    let columns = "table: t, columns: { a: { type: bigint } }";
    let id = "id VARCHAR(99) NOT NULL";
    for table in [
        "id VARCHAR(99) UNIQUE, a INT".to_owned(),
        format!("{id}, a INT, UNIQUE (id, a)"),
        format!("{id}, a INT, UNIQUE (a, id)"),
        format!("{id}, a INT, UNIQUE (id(9))"),
        format!("{id}, a INT NOT NULL, PRIMARY KEY (a), KEY (id)"),
    ] {
        database.run(&format!("CREATE OR REPLACE TABLE t ({table})"));
        let said = refused(&database, columns);
        assert!(
            said.contains("table t has no unique key of its column id"),
            "{table}: {said}"
        );
    }
    for table in [
        format!("{id}, a INT NOT NULL, PRIMARY KEY (id, a)"),
        format!("{id}, a INT, UNIQUE (id)"),
        format!("{id}, a INT, UNIQUE (id, a), UNIQUE (id)"),
    ] {
        database.run(&format!("CREATE OR REPLACE TABLE t ({table})"));
        let subject = connected(&database, columns);
        let all = records([r#"{"a":1}"#, r#"{"a":2}"#]);
        for _ in 0..2 {
            assert_eq!(subject.settle(&all), vec![Verdict::Written; 2], "{table}");
        }
        assert_eq!(database.sql("SELECT COUNT(*) FROM t"), ["2"], "{table}");
    }
}

#[test]
fn a_table_of_a_day_that_is_missing_stops_no_one() {
    let database = Database::shared();
    let settings = format!("table: 'logs_{{time:%Y%m%d}}', {VALUE}");
    let subject = connected(&database, &settings);
    let verdicts = subject.settle(&records(["a"]));
    let said = reason(&verdicts, 0);
    database.run(statement(said, "CREATE TABLE"));
    assert_eq!(subject.settle(&records(["a"])), [Verdict::Written]);
}

#[test]
fn a_record_that_is_no_row_names_no_table() {
    let database = Database::shared();
    let subject = connected(
        &database,
        "table: 't_{field:/to}', create: true, destinations_max: 1, columns: { b: { type: boolean } }",
    );
    let values = [
        r#"{"to":"x","b":7}"#,
        r#"{"to":"a","b":true}"#,
        r#"{"to":"b","b":true}"#,
    ];
    let verdicts = subject.settle(&records(values));
    assert!(reason(&verdicts, 0).contains("neither true nor false"));
    assert_eq!(verdicts[1], Verdict::Written);
    assert!(reason(&verdicts, 2).contains("one more than the 1 destinations"));
}

#[test]
fn a_table_that_is_changed_under_way_is_looked_at_again() {
    let database = Database::shared();
    let subject = connected(&database, &format!("table: t, create: true, {VALUE}"));
    assert_eq!(subject.settle(&records(["a"])), [Verdict::Written]);
    database.run("DROP TABLE t");
    let all = records(["a", "b"]);
    assert_eq!(subject.settle(&all), vec![Verdict::Written; 2]);
    assert_eq!(stored(&database, "t", "v").len(), 2);
    database.run("ALTER TABLE t DROP COLUMN v");
    let stopped = subject.try_settle(&all).unwrap_err();
    let SinkError::Misconfigured(error) = &stopped else {
        panic!("{stopped:?}")
    };
    let said = causes(&**error);
    database.run(statement(&said, "ALTER TABLE `t` ADD COLUMN `v` LONGTEXT"));
    let subject = connected(&database, &format!("table: t, {VALUE}"));
    assert_eq!(
        subject.settle(&records(["a", "b", "c"])),
        vec![Verdict::Written; 3]
    );
    assert_eq!(stored(&database, "t", "v")[&id(2)], b"c");
}

#[test]
fn a_column_that_must_be_filled_and_is_not_stops_with_its_name() {
    let database = Database::shared();
    database.run("CREATE TABLE t (id VARCHAR(99) PRIMARY KEY, v LONGTEXT, must INT NOT NULL)");
    let subject = connected(&database, &format!("table: t, {VALUE}"));
    let stopped = subject.try_settle(&records(["a"])).unwrap_err();
    let said = causes(&stopped);
    assert!(matches!(stopped, SinkError::Misconfigured(_)), "{said}");
    assert!(
        said.contains("'must'") && said.contains("default value"),
        "{said}"
    );
}

#[test]
fn an_id_that_its_column_is_too_short_for_stops() {
    let database = Database::shared();
    database.run("CREATE TABLE t (id VARCHAR(9) PRIMARY KEY, v LONGTEXT)");
    let subject = connected(&database, &format!("table: t, {VALUE}"));
    let stopped = subject.try_settle(&records(["a"])).unwrap_err();
    assert!(
        matches!(stopped, SinkError::Misconfigured(_)),
        "{stopped:?}"
    );
}

#[test]
fn each_day_has_a_table_of_its_own_that_is_made_when_it_comes() {
    let database = Database::shared();
    let subject = connected(
        &database,
        &format!("table: 'logs_{{time:%Y%m%d}}', create: true, {VALUE}"),
    );
    let all = records((0..5).map(|n| format!("value {n}")));
    for _ in 0..2 {
        assert_eq!(subject.settle(&all), vec![Verdict::Written; 5]);
    }
    let days = ["18", "19", "20", "21", "22"].map(|day| format!("logs_202301{day}"));
    assert_eq!(database.sql("SHOW TABLES"), days);
    for (n, day) in days.iter().enumerate() {
        let expected = [(id(n), format!("value {n}").into_bytes())];
        assert_eq!(stored(&database, day, "v"), expected.into(), "{day}");
    }
}

#[test]
fn a_table_that_a_record_names_and_that_cannot_be_is_its_own_fault() {
    let database = Database::shared();
    // Of someone else, with nothing that fits.
    database.run("CREATE TABLE t_users (name TEXT)");
    let subject = connected(
        &database,
        &format!("table: 't_{{field:/to}}', create: true, destinations_max: 5, {VALUE}"),
    );
    let long = "x".repeat(70);
    let to = ["a", "x.y", "b", "", "users", "a`b", &long, "日志", "c", "d"];
    let values = to.map(|to| format!(r#"{{"to":"{to}"}}"#));
    let verdicts = subject.settle(&records(values.into_iter().chain(["{}".to_owned()])));
    let check = |n: usize, words: &str| {
        let reason = reason(&verdicts, n);
        assert!(reason.contains(words), "{n}: {reason}");
    };
    check(1, "is not the name of a table");
    check(4, "table t_users has no column v, id");
    check(5, "is not the name of a table");
    check(6, "is not the name of a table");
    check(8, "one more than the 5 destinations");
    check(9, "one more than the 5 destinations");
    check(10, "the record has no {field:/to}");
    for n in [0, 2, 3, 7] {
        assert_eq!(verdicts[n], Verdict::Written, "{n}");
    }
    let tables = ["t_", "t_a", "t_b", "t_users", "t_日志"];
    assert_eq!(database.sql("SHOW TABLES"), tables);
}

#[test]
fn a_database_that_does_not_exist_stops() {
    let mut database = Database::shared();
    database.name = format!("{}_not", database.name);
    let said = match Subject::connect(&sink(&database, &format!("table: t, {VALUE}"))) {
        Err(SinkError::Misconfigured(error)) => causes(&*error),
        Err(other) => panic!("{}", causes(&other)),
        Ok(_) => panic!("it is connected"),
    };
    assert!(
        said.contains("make the database, or correct `url`"),
        "{said}"
    );
}
