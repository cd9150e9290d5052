//! Tables of MariaDB. A record's table is that of its minute: what is read again must go to the same one. They are made as minutes
//! come.

use std::path::PathBuf;

use serde_json::Value;

use super::{Fate, Impossible, Store};
use crate::data;
use crate::mariadb::{Database, MariaDb};

pub(super) struct Tables {
    server: MariaDb,
    database: Database,
}

impl Tables {
    pub(super) fn start() -> Self {
        let server = MariaDb::with("");
        server.start();
        let database = server.fresh();
        Self { server, database }
    }
}

impl Store for Tables {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn start(&self) {
        self.server.start();
    }

    fn kill(&self) {
        self.server.kill();
    }

    fn log(&self) -> PathBuf {
        self.server.log()
    }

    fn sink(&self) -> String {
        format!(
            "mysql: {{ url: '{}', table: 'prove_{{time:%H%M}}', create: true, timeout_ms: 5000, \
             requests: {{ records_max: 200 }}, \
             columns: {{ value: {{ from: '{{value}}', type: longtext }}, Code: {{ type: varchar(8) }} }} }}",
            self.database.url()
        )
    }

    fn impossible(&self) -> Impossible {
        Impossible {
            field: r#""Code":"E-17-4711""#,
            words: "Data too long for column 'Code'",
        }
    }

    fn fates(&self, records: &[u8]) -> Vec<Fate> {
        let fate = |record| Ok(String::from_utf8_lossy(record).into());
        data::lines(records).map(fate).collect()
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let tables = self.database.sql("SHOW TABLES").into_iter();
        let rows =
            tables.flat_map(|table| self.database.sql(&format!("SELECT id, value FROM {table}")));
        let parts = |row: String| {
            let (id, value) = row.split_once('\t').expect("two columns");
            (id.to_owned(), value.into())
        };
        rows.map(parts).collect()
    }
}
