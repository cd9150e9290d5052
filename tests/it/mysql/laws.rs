//! The laws of every sink.

use serde_json::Value;
use tamis_tests::laws::{Case, Server, Store, keep, outlast};
use tamis_tests::mariadb::{Database, MariaDb};

/// A database with a table that records may name.
struct Tables {
    database: Database,
    server: Option<MariaDb>,
}

impl Tables {
    fn of(database: Database, server: Option<MariaDb>) -> Self {
        let columns = "id VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, n BIGINT, Msg VARCHAR(50), \
                       Field JSON, value LONGTEXT, place TEXT";
        database.run(&format!(
            "CREATE TABLE to_there ({columns}) DEFAULT CHARSET utf8mb4"
        ));
        Self { database, server }
    }
}

impl Store for Tables {
    fn sink(&self, address: &str, case: Case) -> Option<String> {
        let url = self.database.url_at(address);
        let (url, table, create) = match case {
            Case::Usual => (url, "records", true),
            Case::Refused => (url.replacen(":logs@", ":guessed@", 1), "records", true),
            Case::Missing => (url, "nowhere", false),
            Case::Named => (url, "to_{field:/to}", false),
        };
        let columns = "n: { type: bigint }, Msg: { type: varchar(50) }, Field: { type: json }, \
                       value: { from: \"{value}\", type: longtext }, place: { from: /to, type: text }";
        Some(format!(
            "mysql: {{ url: \"{url}\", table: \"{table}\", create: {create}, timeout_ms: 2000, columns: {{ {columns} }} }}"
        ))
    }

    fn address(&self) -> Option<String> {
        Some(self.database.address.clone())
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let tables = self.database.sql("SHOW TABLES").into_iter();
        // What went into columns of its own, and beside it the same as it came.
        let row = "JSON_OBJECT('id', id, 'hex', HEX(value), 'n', n, 'Msg', Msg, 'Field', JSON_COMPACT(Field), 'to', place)";
        let rows =
            tables.flat_map(|table| self.database.sql(&format!("SELECT {row} FROM {table}")));
        let stored = rows.map(|row| {
            let mut row: Value = serde_json::from_str(&row).unwrap();
            let value = unhex(row["hex"].as_str().unwrap());
            let value: Value = serde_json::from_slice(&value).unwrap();
            for column in ["n", "Msg", "Field", "to"] {
                assert_eq!(row[column], value[column], "{row}");
            }
            let Value::String(id) = row["id"].take() else {
                panic!("{row}")
            };
            (id, value)
        });
        stored.collect()
    }

    fn bad(&self) -> Option<(Vec<u8>, &'static str)> {
        let value = format!(r#"{{"n":1,"Msg":"{}"}}"#, "长".repeat(51));
        Some((value.into_bytes(), "Data too long for column 'Msg'"))
    }

    fn advice(&self, case: Case) -> &'static str {
        match case {
            Case::Refused => "correct the user or the password",
            Case::Missing => "CREATE TABLE IF NOT EXISTS `nowhere` (`id` VARCHAR(512)",
            Case::Usual | Case::Named => "",
        }
    }
}

impl Server for Tables {
    fn kill(&self) {
        self.server.as_ref().unwrap().kill();
    }

    fn start(&self) {
        self.server.as_ref().unwrap().start();
    }
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    digits
        .map(|it| u8::from_str_radix(it, 16).unwrap())
        .collect()
}

#[test]
fn the_laws_are_kept() {
    keep(|| Tables::of(Database::shared(), None));
}

#[test]
fn a_server_that_is_cut_off_stalled_and_killed_loses_and_doubles_nothing() {
    let server = MariaDb::with("");
    server.start();
    let database = server.fresh();
    outlast(&Tables::of(database, Some(server)));
}
