//! The sink: makes rows of records, gathers them by table and says what became of each.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tamis_config::spec::{MysqlSinkSpec, is_sql_name};
use tamis_core::sink::{Records, Sink, SinkError, Verdict};

use super::failure::Failure;
use super::insert::{Rows, insert};
use super::row::Encoder;
use super::session::{Session, Sessions};
use super::table::Tables;
use crate::destinations::Destinations;
use crate::parts::settled;

/// Tables of one database.
pub struct MysqlSink {
    sessions: Sessions,
    tables: Tables,
    encoder: Encoder,
    destinations: Destinations,
    rows_max: usize,
}

/// What is said of each record, as far as it is known.
type Verdicts = Vec<Option<Verdict>>;

impl MysqlSink {
    /// Logs in, and looks at the table if there is one for all records.
    ///
    /// # Errors
    /// Where the server is away, or refuses.
    pub async fn connect(spec: &MysqlSinkSpec) -> Result<Self, SinkError> {
        let sink = Self {
            sessions: Sessions::new(spec),
            tables: Tables::new(spec),
            encoder: Encoder::new(&spec.columns),
            destinations: Destinations::new(&spec.table, spec.destinations_max),
            rows_max: spec.requests.records_max,
        };
        let mut session = sink.sessions.take().await.map_err(Failure::of_all)?;
        if let Some(table) = sink.destinations.only() {
            let found = sink.tables.find(&mut session, &table).await;
            found.map_err(Failure::of_all)?;
        }
        sink.sessions.give_back(session);
        Ok(sink)
    }

    /// The rows that `records` are, by table; what is no row, or goes nowhere, has its verdict.
    fn encode<'a>(
        &self,
        records: &'a Records,
        verdicts: &mut Verdicts,
    ) -> Result<BTreeMap<String, Rows<'a>>, SinkError> {
        let mut tables = BTreeMap::<String, Rows<'a>>::new();
        for (index, record) in records.iter().enumerate() {
            // A record that is no row names no table.
            let row = self.encoder.row(record);
            let row = row.and_then(|row| Ok((self.destinations.of(record)?, row)));
            match row {
                Err(reason) => verdicts[index] = Some(Verdict::Rejected(reason)),
                Ok((table, _)) if !is_sql_name(&table) => {
                    let reason = format!("{table:?} is not the name of a table");
                    let reason = self.destinations.refuse(&table, reason)?;
                    verdicts[index] = Some(Verdict::Rejected(reason));
                }
                Ok((table, row)) => match tables.get_mut(&table) {
                    Some(rows) => rows.rows.push((index, row)),
                    None => {
                        let rows = vec![(index, row)];
                        tables.insert(table, Rows { rows });
                    }
                },
            }
        }
        Ok(tables)
    }

    /// Writes rows to the table `name`.
    ///
    /// # Errors
    /// Why not all of them have a verdict.
    async fn write_table(
        &self,
        session: &mut Session,
        name: &str,
        rows: &Rows<'_>,
        verdicts: &mut Verdicts,
    ) -> Result<(), Failure> {
        let inserted = insert(session, &self.tables, name, rows, self.rows_max).await?;
        for (index, verdict) in inserted.verdicts {
            verdicts[index] = Some(verdict);
        }
        inserted.failure.map_or(Ok(()), Err)
    }

    /// What `failure` means to those `rows` of the table `name` that have no verdict yet.
    ///
    /// # Errors
    /// Where it is no matter of rows.
    fn blame(
        &self,
        name: &str,
        rows: &Rows<'_>,
        failure: Failure,
        verdicts: &mut Verdicts,
    ) -> Result<(), SinkError> {
        let verdict = match failure {
            Failure::Later(words) | Failure::Locked(words) => Verdict::Retry(words),
            Failure::Table(words) => Verdict::Rejected(self.destinations.refuse_one(name, words)?),
            Failure::Row { words, .. } | Failure::Refused(words) => {
                Verdict::Rejected(self.destinations.refuse(name, words)?)
            }
        };
        set(rows, &verdict, verdicts);
        Ok(())
    }
}

#[async_trait]
impl Sink for MysqlSink {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut verdicts: Verdicts = vec![None; records.len()];
        let tables = self.encode(records, &mut verdicts)?;
        if !tables.is_empty() {
            let mut session = self.sessions.take().await.map_err(Failure::of_all)?;
            for (name, rows) in &tables {
                let outcome = self
                    .write_table(&mut session, name, rows, &mut verdicts)
                    .await;
                if let Err(failure) = outcome {
                    let is_over = matches!(failure, Failure::Later(_));
                    self.blame(name, rows, failure, &mut verdicts)?;
                    if is_over {
                        break;
                    }
                }
            }
            self.sessions.give_back(session);
        }
        settled(all_said(verdicts))
    }
}

/// Gives `verdict` to those `rows` that have none.
fn set(rows: &Rows<'_>, verdict: &Verdict, verdicts: &mut Verdicts) {
    for (index, _) in &rows.rows {
        verdicts[*index].get_or_insert_with(|| verdict.clone());
    }
}

/// A verdict on each record: what was not come to is tried again, for whatever others are tried again for.
fn all_said(verdicts: Verdicts) -> Vec<Verdict> {
    let is_retry = |verdict: &&Verdict| matches!(verdict, Verdict::Retry(_));
    let again = verdicts.iter().flatten().find(is_retry).cloned();
    let again = again.unwrap_or_else(|| Verdict::Retry("was not come to".to_owned()));
    let said = verdicts.into_iter();
    said.map(|verdict| verdict.unwrap_or_else(|| again.clone()))
        .collect()
}
