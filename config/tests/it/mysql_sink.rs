//! What a MySQL sink may say, and what is said of one that is wrong.

use expect_test::{Expect, expect};
use tamis_config::{
    MysqlColumn, MysqlFrom, MysqlSinkSpec, MysqlTls, MysqlTlsMode, MysqlType, SinkKind,
    WriterLimits,
};

use crate::{edited, read};

/// The sink of [`crate::LEAST`].
const FILES: &str =
    "file:\n      url: file:///archive\n      path: \"{topic}\"\n      format: ndjson";
const URL: &str = "url: 'mysql://u:hunter2@h/d'";

fn text(sink: &str) -> String {
    edited(&[(FILES, &format!("mysql: {{ {sink} }}"))])
}

/// What [`crate::LEAST`] means with this sink.
fn sink(sink: &str) -> MysqlSinkSpec {
    let mut spec = read(&text(sink), &[]).expect("the case is one of a right sink");
    match spec.sinks.remove(0).kind {
        SinkKind::Mysql(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// The problems of this sink, of which none shows the password.
fn check(sink: &str, expected: Expect) {
    let problems = read(&text(sink), &[]).expect_err("the case is one of a wrong sink");
    let said = problems.to_string();
    assert!(!said.contains("hunter2"), "{said}");
    expected.assert_eq(&said);
}

#[test]
fn what_is_not_said_has_a_default() {
    let spec = sink(&format!("{URL}, table: logs"));
    let server = &spec.server;
    assert_eq!((&*server.host, server.port), ("h", 3306));
    assert_eq!((&*server.user, &*server.database), ("u", "d"));
    assert_eq!(spec.tls, MysqlTls::default());
    assert_eq!((spec.destinations_max, spec.create), (256, false));
    assert_eq!(spec.timeout_ms, 30_000);
    let limits = WriterLimits {
        records_max: 2_000,
        bytes_max: 4 << 20,
        linger_ms: 20,
        requests_max: 4,
    };
    assert_eq!(spec.requests, limits);
    let column = |it: &MysqlColumn| format!("{} {:?} {}", it.name, it.from, it.kind);
    let columns: Vec<_> = spec.columns.iter().map(column).collect();
    let expected = [
        r#"Type Field(["Type"]) VARCHAR(64)"#,
        r#"Action Field(["Action"]) VARCHAR(255)"#,
        r#"Time Field(["Time"]) DATETIME(3)"#,
        r#"Msg Field(["Msg"]) MEDIUMTEXT"#,
        r#"FuncName Field(["FuncName"]) VARCHAR(255)"#,
        r#"Field Field(["Field"]) JSON"#,
        "rest Rest JSON",
    ];
    assert_eq!(columns, expected);
}

#[test]
fn columns_are_fields_by_their_names_unless_they_say_otherwise() {
    let columns = "a: { type: bigint }, b: { from: /x~1y/0, type: 'varchar( 20 )' }, c: { from: '{rest}', type: json }, \
                   d: { from: '{value}', type: LONGTEXT }, e: { from: '{time}', type: 'datetime(6)' }, \
                   f: { from: '{topic}', type: text }, g: { type: 'decimal(20,4)' }, h: { type: datetime }, \
                   i: { type: double }, j: { type: boolean }, k: { type: mediumtext }";
    let spec = sink(&format!("{URL}, table: logs, columns: {{ {columns} }}"));
    let columns: Vec<_> = spec
        .columns
        .iter()
        .map(|it| (&*it.name, &it.from, it.kind))
        .collect();
    let field = |keys: &[&str]| MysqlFrom::Field(keys.iter().map(|it| (*it).to_owned()).collect());
    let expected = [
        ("a", &field(&["a"]), MysqlType::Bigint),
        ("b", &field(&["x/y", "0"]), MysqlType::Varchar(20)),
        ("c", &MysqlFrom::Rest, MysqlType::Json),
        ("d", &MysqlFrom::Value, MysqlType::LongText),
        ("e", &MysqlFrom::Time, MysqlType::Datetime(6)),
        ("f", &MysqlFrom::Topic, MysqlType::Text),
        ("g", &field(&["g"]), MysqlType::Decimal(20, 4)),
        ("h", &field(&["h"]), MysqlType::Datetime(0)),
        ("i", &field(&["i"]), MysqlType::Double),
        ("j", &field(&["j"]), MysqlType::Boolean),
        ("k", &field(&["k"]), MysqlType::MediumText),
    ];
    assert_eq!(columns, expected);
}

#[test]
fn certificates_are_looked_for_beside_the_file() {
    let tls = "tls: { ca: ca.pem, certificate: /c.pem, key: k.pem }";
    let tls = sink(&format!("{URL}, table: logs, {tls}")).tls;
    let folder = std::env::current_dir().unwrap();
    assert_eq!(tls.mode, Some(MysqlTlsMode::VerifyIdentity));
    assert_eq!(tls.ca, Some(folder.join("ca.pem")));
    assert_eq!(tls.client, Some(("/c.pem".into(), folder.join("k.pem"))));
}

#[test]
fn a_password_of_its_own_is_taken_as_it_stands() {
    let text = text("url: 'mysql://u@h/d', password: '${env:P}', table: logs");
    let spec = read(&text, &[("P", "a%41@/:")]).unwrap();
    let SinkKind::Mysql(spec) = &spec.sinks[0].kind else {
        panic!("{spec:?}")
    };
    assert_eq!(spec.server.password.as_ref().unwrap().expose(), "a%41@/:");
    assert!(!format!("{spec:?}").contains("a%41"));
}

#[test]
fn a_url_that_is_none_is_refused_without_being_shown() {
    check(
        "url: 'hunter2', table: logs",
        expect![
            "logs.yaml:13: sinks.archive.mysql.url: is not the URL of a MySQL database (write `mysql://user:password@host:port/database`)"
        ],
    );
    check(
        "url: 'mysql://u:hunter2@h', table: logs",
        expect![
            "logs.yaml:13: sinks.archive.mysql.url: names no database (write `mysql://user:password@host:port/database`)"
        ],
    );
    check(
        "url: 'mysql://u:hunter2@h/d?ssl-mode=REQUIRED', table: logs",
        expect![
            "logs.yaml:13: sinks.archive.mysql.url: has options behind a `?`, which are keys of the sink instead (write `mysql://user:password@host:port/database`)"
        ],
    );
    check(
        &format!("{URL}, password: hunter2, table: logs"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.url: has a password in it, and there is one beside it (leave one of them out)"
        ],
    );
}

#[test]
fn a_table_that_can_never_be_is_refused() {
    check(
        &format!("{URL}, table: ''"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: is not the name of a table (letters, digits, `_`, `$` and `-`; 1 to 64 characters)"
        ],
    );
    check(
        &format!("{URL}, table: 'd.logs'"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: is not the name of a table (letters, digits, `_`, `$` and `-`; 1 to 64 characters)"
        ],
    );
    check(
        &format!("{URL}, table: 'logs `x`'"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: is not the name of a table (letters, digits, `_`, `$` and `-`; 1 to 64 characters)"
        ],
    );
    check(
        &format!("{URL}, table: 'logs {{topic}}'"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: is not the name of a table (letters, digits, `_`, `$` and `-`; 1 to 64 characters)"
        ],
    );
    check(
        &format!("{URL}, table: '{{time:%Y.%m}}'"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: is not the name of a table (letters, digits, `_`, `$` and `-`; 1 to 64 characters)"
        ],
    );
    check(
        &format!("{URL}, table: '{{feild:/a}}'"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.table: unknown placeholder `{feild}`: did you mean `field`?"
        ],
    );
}

#[test]
fn columns_that_mean_nothing_are_refused() {
    let columns = "ID: { type: bigint }, a b: { type: text }, x: { type: text }, X: { type: text }";
    check(
        &format!("{URL}, table: t, columns: {{ {columns} }}"),
        expect![[r#"
        logs.yaml:13: sinks.archive.mysql.columns.ID: is the column of the record's id, which Tamis fills
        logs.yaml:13: sinks.archive.mysql.columns.a b: is not the name of a column (letters, digits, `_`, `$` and `-`; 1 to 64 characters)
        logs.yaml:13: sinks.archive.mysql.columns.x: is there twice: MySQL sees no difference of case"#]],
    );
    let columns = "a: { from: x, type: text }, b: { from: '{rset}', type: json }, c: { from: '/~', type: text }";
    check(
        &format!("{URL}, table: t, columns: {{ {columns} }}"),
        expect![[r#"
        logs.yaml:13: sinks.archive.mysql.columns.a.from: is neither a pointer to a field nor one of `{rest}`, `{value}`, `{time}`, `{topic}` (a pointer begins with `/`)
        logs.yaml:13: sinks.archive.mysql.columns.b.from: is neither a pointer to a field nor one of `{rest}`, `{value}`, `{time}`, `{topic}` (did you mean `{rest}`?)
        logs.yaml:13: sinks.archive.mysql.columns.c.from: in a pointer `~` is written `~0` and `/` in a name `~1`"#]],
    );
    let types = [
        "varchar",
        "'varchar(0)'",
        "'varchar(x)'",
        "'decimal(5,6)'",
        "'decimal(5)'",
        "'datetime(7)'",
        "int",
        "'text(3)'",
    ];
    let columns = types
        .iter()
        .enumerate()
        .map(|(n, kind)| format!("c{n}: {{ type: {kind} }}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    check(
        &format!("{URL}, table: t, columns: {{ {columns} }}"),
        expect![[r#"
        logs.yaml:13: sinks.archive.mysql.columns.c0.type: needs a length from 1 to 16383, as in `varchar(255)`
        logs.yaml:13: sinks.archive.mysql.columns.c1.type: needs a length from 1 to 16383, as in `varchar(255)`
        logs.yaml:13: sinks.archive.mysql.columns.c2.type: is not the type of a column (there are `varchar(n)`, `text`, `mediumtext`, `longtext`, `bigint`, `double`, `decimal(p,s)`, `datetime(p)`, `json` and `boolean`)
        logs.yaml:13: sinks.archive.mysql.columns.c3.type: needs 1 to 65 digits, of which 0 to 30 stand behind the point, as in `decimal(20,4)`
        logs.yaml:13: sinks.archive.mysql.columns.c4.type: needs 1 to 65 digits, of which 0 to 30 stand behind the point, as in `decimal(20,4)`
        logs.yaml:13: sinks.archive.mysql.columns.c5.type: has 0 to 6 digits of a fraction, as in `datetime(3)`
        logs.yaml:13: sinks.archive.mysql.columns.c6.type: is not the type of a column (there are `varchar(n)`, `text`, `mediumtext`, `longtext`, `bigint`, `double`, `decimal(p,s)`, `datetime(p)`, `json` and `boolean`)
        logs.yaml:13: sinks.archive.mysql.columns.c7.type: is not the type of a column (there are `varchar(n)`, `text`, `mediumtext`, `longtext`, `bigint`, `double`, `decimal(p,s)`, `datetime(p)`, `json` and `boolean`)"#]],
    );
    check(
        &format!("{URL}, table: t, columns: {{}}"),
        expect!["logs.yaml:13: sinks.archive.mysql.columns: must not be empty"],
    );
}

#[test]
fn certificates_that_say_nothing_are_refused() {
    check(
        &format!("{URL}, table: t, tls: {{ mode: disabled, ca: x }}"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.tls.mode: is `disabled`, so that certificates say nothing"
        ],
    );
    check(
        &format!("{URL}, table: t, tls: {{ mode: required, ca: x }}"),
        expect![
            "logs.yaml:13: sinks.archive.mysql.tls.mode: is `required`, which looks at no certificate, so that `ca` says nothing (write `verify_ca` or `verify_identity`)"
        ],
    );
    check(
        &format!("{URL}, table: t, tls: {{ certificate: x }}"),
        expect!["logs.yaml:13: sinks.archive.mysql.tls.key: is missing beside `certificate`"],
    );
    check(
        &format!("{URL}, table: t, tls: {{ key: x }}"),
        expect!["logs.yaml:13: sinks.archive.mysql.tls.certificate: is missing beside `key`"],
    );
}
