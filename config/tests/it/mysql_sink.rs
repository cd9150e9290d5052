//! What a MySQL sink may say, and what is said of one that is wrong.

use expect_test::{Expect, expect};
use tamis_config::{MysqlFrom, MysqlSinkSpec, MysqlTlsMode, MysqlType, SinkKind};

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
    expect![[""]].assert_debug_eq(&sink(&format!("{URL}, table: logs")));
}

#[test]
fn columns_are_fields_by_their_names_unless_they_say_otherwise() {
    let columns = "a: { type: bigint }, b: { from: /x~1y/0, type: 'varchar( 20 )' }, c: { from: '{rest}', type: json }, \
                   d: { from: '{value}', type: LONGTEXT }, e: { from: '{time}', type: 'datetime(6)' }, \
                   f: { from: '{topic}', type: text }, g: { type: 'decimal(20,4)' }, h: { type: datetime }, \
                   i: { type: double }, j: { type: boolean }, k: { type: mediumtext }";
    let spec = sink(&format!("{URL}, table: logs, columns: {{ {columns} }}"));
    let columns: Vec<_> = spec.columns.iter().map(|it| (&*it.name, &it.from, it.kind)).collect();
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
    check("url: 'hunter2', table: logs", expect![[""]]);
    check("url: 'mysql://u:hunter2@h', table: logs", expect![[""]]);
    check("url: 'mysql://u:hunter2@h/d?ssl-mode=REQUIRED', table: logs", expect![[""]]);
    check(&format!("{URL}, password: hunter2, table: logs"), expect![[""]]);
}

#[test]
fn a_table_that_can_never_be_is_refused() {
    check(&format!("{URL}, table: ''"), expect![[""]]);
    check(&format!("{URL}, table: 'd.logs'"), expect![[""]]);
    check(&format!("{URL}, table: 'logs `x`'"), expect![[""]]);
    check(&format!("{URL}, table: 'logs {{topic}}'"), expect![[""]]);
    check(&format!("{URL}, table: '{{time:%Y.%m}}'"), expect![[""]]);
    check(&format!("{URL}, table: '{{feild:/a}}'"), expect![[""]]);
}

#[test]
fn columns_that_mean_nothing_are_refused() {
    let columns = "ID: { type: bigint }, a b: { type: text }, x: { type: text }, X: { type: text }";
    check(&format!("{URL}, table: t, columns: {{ {columns} }}"), expect![[""]]);
    let columns = "a: { from: x, type: text }, b: { from: '{rset}', type: json }, c: { from: '/~', type: text }";
    check(&format!("{URL}, table: t, columns: {{ {columns} }}"), expect![[""]]);
    let types = ["varchar", "'varchar(0)'", "'varchar(x)'", "'decimal(5,6)'", "'decimal(5)'", "'datetime(7)'", "int", "'text(3)'"];
    let columns = types.iter().enumerate().map(|(n, kind)| format!("c{n}: {{ type: {kind} }}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    check(&format!("{URL}, table: t, columns: {{ {columns} }}"), expect![[""]]);
    check(&format!("{URL}, table: t, columns: {{}}"), expect![[""]]);
}

#[test]
fn certificates_that_say_nothing_are_refused() {
    check(&format!("{URL}, table: t, tls: {{ mode: disabled, ca: x }}"), expect![[""]]);
    check(&format!("{URL}, table: t, tls: {{ mode: required, ca: x }}"), expect![[""]]);
    check(&format!("{URL}, table: t, tls: {{ certificate: x }}"), expect![[""]]);
    check(&format!("{URL}, table: t, tls: {{ key: x }}"), expect![[""]]);
}
