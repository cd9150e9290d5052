//! The tables that records go to: looked at before the first row, and made if they are missing and that was asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use tamis_config::spec::{MYSQL_ID, MysqlColumn, MysqlSinkSpec};

use super::failure::Failure;
use super::fit::Column;
use super::row::Cell;
use super::session::Session;
use super::statement::{Insert, add, create, quoted};

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    /// How rows are written to it.
    pub(super) insert: Insert,
    /// What each column is in truth, the id's first.
    columns: Vec<Column>,
}

impl Table {
    /// # Errors
    /// Which cell of `row` its column would cut without a word.
    pub(super) fn keeps(&self, row: &[Cell<'_>], names: &[MysqlColumn]) -> Result<(), String> {
        for (index, (cell, column)) in row.iter().zip(&self.columns).enumerate().skip(1) {
            let kept = cell.as_deref().map_or(Ok(()), |text| column.keeps(text));
            kept.map_err(|reason| format!("column {}: {reason}", names[index - 1].name))?;
        }
        Ok(())
    }
}

/// The tables of one sink.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) columns: Vec<MysqlColumn>,
    create: bool,
    max: usize,
    known: Mutex<HashMap<String, Arc<Table>>>,
}

impl Tables {
    pub(super) fn new(spec: &MysqlSinkSpec) -> Self {
        Self {
            columns: spec.columns.clone(),
            create: spec.create,
            max: spec.destinations_max,
            known: Mutex::default(),
        }
    }

    /// The table `name`, which is looked at if it is not known, and made if it is missing and may be.
    ///
    /// # Errors
    /// [`Failure::Table`] where it is missing; [`Failure::Refused`] where it lacks something, with the statement that mends it.
    pub(super) async fn find(
        &self,
        session: &mut Session,
        name: &str,
    ) -> Result<Arc<Table>, Failure> {
        if let Some(table) = self.known(name) {
            return Ok(table);
        }
        let table = match self.look(session, name).await {
            Err(Failure::Table(_)) if self.create => {
                session.run(&create(name, &self.columns)).await?;
                self.look(session, name).await?
            }
            Err(Failure::Table(_)) => {
                let create = create(name, &self.columns);
                let advice = "make it, set `create`, or correct its name";
                let words = format!("table {name} does not exist: {advice}: {create}");
                return Err(Failure::Table(words));
            }
            looked => looked?,
        };
        let table = Arc::new(table);
        let mut known = self.known.lock().expect("no one panics while looking");
        if known.len() >= self.max {
            // Of the days before, say. Whichever is still in use is looked at again.
            known.clear();
        }
        known.insert(name.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    fn known(&self, name: &str) -> Option<Arc<Table>> {
        let known = self.known.lock().expect("no one panics while looking");
        known.get(name).map(Arc::clone)
    }

    /// Forgets what is known of `name`.
    pub(super) fn forget(&self, name: &str) {
        let mut known = self.known.lock().expect("no one panics while looking");
        known.remove(name);
    }

    /// What the server says of `name`.
    async fn look(&self, session: &mut Session, name: &str) -> Result<Table, Failure> {
        let table = quoted(name);
        let rows = session.rows(&format!("SHOW COLUMNS FROM {table}")).await?;
        let described = |row: &MySqlRow| {
            let name: String = row.try_get_unchecked(0)?;
            Ok((
                name.to_lowercase(),
                Column::of(&row.try_get_unchecked::<String, _>(1)?),
            ))
        };
        let there = rows
            .iter()
            .map(described)
            .collect::<Result<HashMap<_, _>, sqlx::Error>>()?;
        let rows = session.rows(&format!("SHOW INDEX FROM {table}")).await?;
        let keys = rows
            .iter()
            .map(is_key_of_id)
            .collect::<Result<Vec<_>, sqlx::Error>>()?;
        let has_key = keys.contains(&true);
        let lacks = |column: &&MysqlColumn| !there.contains_key(&column.name.to_lowercase());
        let lacking: Vec<_> = self.columns.iter().filter(lacks).collect();
        let id = there.get(MYSQL_ID).copied();
        let mend = || add(name, &lacking, id.is_none(), !has_key);
        let Some(id) = id.filter(|_| lacking.is_empty() && has_key) else {
            let mut names: Vec<_> = lacking.iter().map(|column| &*column.name).collect();
            names.extend((!there.contains_key(MYSQL_ID)).then_some(MYSQL_ID));
            let what = match &names[..] {
                [] => format!("table {name} has no unique key of its column {MYSQL_ID}"),
                names => format!("table {name} has no column {}", names.join(", ")),
            };
            return Err(Failure::Refused(format!("{what}: {}", mend())));
        };
        let columns = self
            .columns
            .iter()
            .filter_map(|it| there.get(&it.name.to_lowercase()));
        Ok(Table {
            insert: Insert::into(name, &self.columns),
            columns: [id].into_iter().chain(columns.copied()).collect(),
        })
    }
}

/// Whether a row of `SHOW INDEX` is about the id in a unique key, whole and not its begin alone.
fn is_key_of_id(row: &MySqlRow) -> Result<bool, sqlx::Error> {
    let is_not_unique: i64 = row.try_get_unchecked(1)?;
    let column: Option<String> = row.try_get_unchecked(4)?;
    let part: Option<i64> = row.try_get_unchecked(7)?;
    let is_id = column.is_some_and(|it| it.eq_ignore_ascii_case(MYSQL_ID));
    Ok(is_not_unique == 0 && is_id && part.is_none())
}
