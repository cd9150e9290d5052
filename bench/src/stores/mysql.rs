//! A table of MySQL or MariaDB, with the columns of the fleet's records, as Tamis makes it.

mod row;

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result};
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlRow};
use sqlx::{Arguments, ConnectOptions, Executor, MySqlConnection, Row as _};

use self::row::{COLUMNS, Row};
use super::input::{self, Input};
use super::raw::RawWriter;
use super::{RECORDS_MAX, REQUESTS_MAX, Store};
use crate::REPETITIONS;
use crate::data::Place;
use crate::digest::Digest;
use crate::process;
use crate::report::{Report, Times};

/// Columns beside the id.
const TABLE: &str = "(\
    id VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
    Type VARCHAR(64), Action VARCHAR(255), Time DATETIME(3), Msg MEDIUMTEXT, \
    FuncName VARCHAR(255), Field JSON, rest JSON) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4";
/// Rows that are fetched at once.
const PAGE: usize = 20_000;

pub(crate) struct Mysql {
    options: MySqlConnectOptions,
    connection: MySqlConnection,
    table: String,
}

pub(crate) struct Raw {
    connection: MySqlConnection,
    table: String,
    rows: Arc<Vec<Row>>,
}

impl Store for Mysql {
    const NAME: &'static str = "mysql";
    const SERVICE: &'static str = "mariadb";
    type Raw = Raw;

    async fn connect(address: &str) -> Result<Self> {
        let options = MySqlConnectOptions::from_str(address)?.disable_statement_logging();
        Ok(Self {
            connection: options.connect().await?,
            options,
            table: super::unique_name(),
        })
    }

    fn table(&self) -> &str {
        &self.table
    }

    async fn renew(&mut self) -> Result<()> {
        self.remove().await?;
        let create = format!("CREATE TABLE {} {TABLE}", self.table);
        self.connection.execute(&*create).await?;
        Ok(())
    }

    async fn remove(&mut self) -> Result<()> {
        let drop = format!("DROP TABLE IF EXISTS {}", self.table);
        self.connection.execute(&*drop).await?;
        Ok(())
    }

    async fn raw(&mut self, input: &Input) -> Result<Vec<Raw>> {
        let rows = input.records.iter().map(row::of);
        let rows = Arc::new(rows.collect::<Result<Vec<_>>>()?);
        let mut writers = Vec::new();
        for _ in 0..REQUESTS_MAX {
            writers.push(Raw {
                connection: self.options.connect().await?,
                table: self.table.clone(),
                rows: Arc::clone(&rows),
            });
        }
        Ok(writers)
    }

    async fn seen(&mut self, ids: &[&str]) -> Result<HashSet<String>> {
        let places = vec!["?"; ids.len()].join(",");
        let query = format!("SELECT id FROM {} WHERE id IN ({places})", self.table);
        let mut values = MySqlArguments::default();
        for id in ids {
            add(&mut values, Some(id))?;
        }
        let query = sqlx::query_with(&query, values).persistent(false);
        let rows = query.fetch_all(&mut self.connection).await?;
        let ids = rows.iter().map(|row| row.try_get_unchecked(0));
        Ok(ids.collect::<Result<_, sqlx::Error>>()?)
    }

    async fn contents(&mut self) -> Result<Digest> {
        let page = format!(
            "SELECT id, Type, Action, CAST(Time AS CHAR), Msg, FuncName, Field, rest FROM {} \
             WHERE id > ? ORDER BY id LIMIT {PAGE}",
            self.table
        );
        let (mut digest, mut last) = (Digest::default(), String::new());
        loop {
            let rows = sqlx::query(&page).bind(&last);
            let rows = rows.fetch_all(&mut self.connection).await?;
            for row in &rows {
                let cells = (0..COLUMNS).map(|column| row.try_get_unchecked(column));
                let cells = cells.collect::<Result<Vec<Option<String>>, sqlx::Error>>()?;
                digest.add_under(cells[0].as_deref().context("an id")?, &row::record(&cells)?);
            }
            match rows.last() {
                Some(row) => last = id_of(row)?,
                None => return Ok(digest),
            }
        }
    }

    /// What the server's own way to load a file takes.
    async fn others(&mut self, place: &Place, input: &Input, report: &mut Report) -> Result<()> {
        let rows = input.records.iter().map(row::of);
        let file = place.work("rows.tsv");
        fs::write(&file, row::lines(rows)?)?;
        let expected = input::digest(&input.records)?;
        let mut times = Times::default();
        for _ in 0..REPETITIONS {
            self.renew().await?;
            let file = file.to_str().context("a path that is no text")?;
            let load = format!(
                "LOAD DATA LOCAL INFILE '{file}' INTO TABLE {} CHARACTER SET utf8mb4",
                self.table
            );
            times.push(process::run(self.client().arg("--execute").arg(load))?.wall);
            super::check(self, expected).await?;
        }
        report.records_per_s("mysql.load_data", input.records.len(), &times);
        Ok(())
    }
}

impl Mysql {
    /// The `mariadb` client.
    fn client(&self) -> Command {
        let url = self.options.to_url_lossy();
        let mut client = Command::new("mariadb");
        client.arg("--no-defaults").arg("--local-infile=1");
        client.arg(format!("--host={}", self.options.get_host()));
        client.arg(format!("--port={}", self.options.get_port()));
        client.arg(format!("--user={}", self.options.get_username()));
        if let Some(password) = url.password() {
            client.arg(format!("--password={password}"));
        }
        client.args(self.options.get_database());
        client
    }
}

fn id_of(row: &MySqlRow) -> Result<String> {
    Ok(row.try_get_unchecked(0)?)
}

fn add(values: &mut MySqlArguments, cell: Option<&str>) -> Result<()> {
    values.add(cell).map_err(|error| anyhow::anyhow!(error))
}

impl RawWriter for Raw {
    async fn write(&mut self, records: Range<usize>) -> Result<()> {
        let rows = &self.rows[records];
        let row = format!("({})", ["?"; COLUMNS].join(","));
        let insert = format!(
            "INSERT INTO {} VALUES {} ON DUPLICATE KEY UPDATE id=id",
            self.table,
            vec![row.as_str(); rows.len()].join(",")
        );
        let mut values = MySqlArguments::default();
        for cell in rows.iter().flatten() {
            add(&mut values, cell.as_deref())?;
        }
        // All but the last one are alike.
        let comes_again = rows.len() == RECORDS_MAX;
        let insert = sqlx::query_with(&insert, values).persistent(comes_again);
        insert.execute(&mut self.connection).await?;
        Ok(())
    }
}
