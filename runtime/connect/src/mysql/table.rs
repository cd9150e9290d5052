//! The tables that records go to: looked at before the first row, and made if they are missing and that was asked for.

use std::collections::{HashMap, HashSet};
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
    /// Whether its columns are the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns
    }

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

    /// The same, whatever is known of it.
    pub(super) async fn find_anew(
        &self,
        session: &mut Session,
        name: &str,
    ) -> Result<Arc<Table>, Failure> {
        self.forget(name);
        self.find(session, name).await
    }

    fn forget(&self, name: &str) {
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
        let parts = rows
            .iter()
            .map(KeyPart::of)
            .collect::<Result<Vec<_>, sqlx::Error>>()?;
        let has_key = has_key_of_id(&parts, &self.columns);
        let lacks = |column: &&MysqlColumn| !there.contains_key(&column.name.to_lowercase());
        let lacking: Vec<_> = self.columns.iter().filter(lacks).collect();
        let id = there.get(MYSQL_ID).copied();
        let mend = || add(name, &lacking, id.is_none(), !has_key);
        let Some(id) = id.filter(|_| lacking.is_empty() && has_key) else {
            let mut names: Vec<_> = lacking.iter().map(|column| &*column.name).collect();
            names.extend((!there.contains_key(MYSQL_ID)).then_some(MYSQL_ID));
            let what = match &names[..] {
                [] => format!(
                    "table {name} has no unique key of its column {MYSQL_ID} that is whole, never NULL, and of columns that a record fills"
                ),
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

/// A row of `SHOW INDEX`: a column of a key.
struct KeyPart {
    key: String,
    is_unique: bool,
    /// `None` where it is no column, but worked out of others.
    column: Option<String>,
    /// Whether it is not its begin alone.
    is_whole: bool,
    may_be_null: bool,
}

impl KeyPart {
    fn of(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let is_not_unique: i64 = row.try_get_unchecked(1)?;
        let part: Option<i64> = row.try_get_unchecked(7)?;
        let null: Option<String> = row.try_get_unchecked(9)?;
        Ok(Self {
            key: row.try_get_unchecked(2)?,
            is_unique: is_not_unique == 0,
            column: row.try_get_unchecked(4)?,
            is_whole: part.is_none(),
            may_be_null: null.is_some_and(|it| it.eq_ignore_ascii_case("yes")),
        })
    }

    /// Whether its column has this `name`.
    fn is(&self, name: &str) -> bool {
        let column = self.column.as_deref();
        column.is_some_and(|column| column.eq_ignore_ascii_case(name))
    }
}

/// Whether one of the keys that these are the `parts` of keeps a repeat out: it is unique and has the id whole. What else is in it, such as
/// the day by which a table is partitioned, is never NULL, since of rows with a NULL in a unique key there may be any number, and it
/// is one of the `columns` that a record fills: what the server fills in itself, such as the present time, is new with each repeat.
fn has_key_of_id(parts: &[KeyPart], columns: &[MysqlColumn]) -> bool {
    let is_filled =
        |part: &KeyPart| part.is(MYSQL_ID) || columns.iter().any(|column| part.is(&column.name));
    let keeps_nothing_out =
        |part: &&KeyPart| !part.is_unique || part.may_be_null || !is_filled(part);
    let loose: HashSet<_> = parts
        .iter()
        .filter(keeps_nothing_out)
        .map(|part| &part.key)
        .collect();
    parts
        .iter()
        .any(|part| part.is(MYSQL_ID) && part.is_whole && !loose.contains(&part.key))
}
