//! The sink: makes rows of records, gathers them by table and says what became of each.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tamis_config::spec::{MysqlSinkSpec, is_sql_name};
use tamis_config::template::Part;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};

use super::failure::Failure;
use super::insert::{Rows, insert};
use super::row::Encoder;
use super::session::{Session, Sessions};
use super::table::Tables;
use crate::destinations::Destinations;

/// Tables of one database.
pub struct MysqlSink {
    sessions: Sessions,
    tables: Tables,
    encoder: Encoder,
    destinations: Destinations,
    named: Named,
    rows_max: usize,
}

/// Who names the tables: it says who is to blame for one that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// A person, one for all records or one for each topic.
    Fixed,
    /// A person, one for each span of time: a record says only which.
    ByTime,
    /// The record itself.
    ByRecord,
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
            named: Named::of(spec),
            rows_max: spec.requests.records_max,
        };
        let mut session = sink.sessions.take().await.map_err(Failure::of_all)?;
        if let [Part::Literal(table)] = &spec.table.parts[..] {
            let found = sink.tables.find(&mut session, table).await;
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
            let place = self.destinations.of(record);
            let row = place.and_then(|table| Ok((table, self.encoder.row(record)?)));
            match row {
                Err(reason) => verdicts[index] = Some(Verdict::Rejected(reason)),
                Ok((table, _)) if !is_sql_name(&table) => {
                    let reason = format!("{table:?} is not the name of a table");
                    if self.named == Named::Fixed {
                        return Err(SinkError::Misconfigured(reason.into()));
                    }
                    self.destinations.forget(&table);
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
        let table = self.tables.find(session, name).await?;
        let columns = &self.tables.columns;
        let inserted = insert(session, &table, columns, rows, self.rows_max).await;
        for (index, verdict) in inserted.verdicts {
            verdicts[index] = Some(verdict);
        }
        let Some(failure) = inserted.failure else {
            return Ok(());
        };
        if let Failure::Table(_) = &failure {
            // It was changed since it was looked at: that says what it lacks by now. Where it is as it should be, the next try
            // may do.
            self.tables.forget(name);
            self.tables.find(session, name).await?;
            if let Failure::Table(words) = failure {
                return Err(Failure::Later(words));
            }
        }
        Err(failure)
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
        let is_their_own = match &failure {
            Failure::Later(_) => false,
            Failure::Row { .. } | Failure::Table(_) => self.named != Named::Fixed,
            Failure::Refused(_) => self.named == Named::ByRecord,
        };
        match failure {
            Failure::Row { words, .. } | Failure::Table(words) | Failure::Refused(words)
                if is_their_own =>
            {
                self.destinations.forget(name);
                set(rows, &Verdict::Rejected(words), verdicts);
                Ok(())
            }
            Failure::Later(words) => {
                set(rows, &Verdict::Retry(words), verdicts);
                Ok(())
            }
            failure => Err(failure.of_all()),
        }
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
        settle(verdicts)
    }
}

impl Named {
    fn of(spec: &MysqlSinkSpec) -> Self {
        let by_record = |part: &Part| matches!(part, Part::Field(_) | Part::Route);
        if spec.table.is_fixed() {
            Self::Fixed
        } else if spec.table.parts.iter().any(by_record) {
            Self::ByRecord
        } else {
            Self::ByTime
        }
    }
}

/// Gives `verdict` to those `rows` that have none.
fn set(rows: &Rows<'_>, verdict: &Verdict, verdicts: &mut Verdicts) {
    for (index, _) in &rows.rows {
        verdicts[*index].get_or_insert_with(|| verdict.clone());
    }
}

/// A verdict on each record: what was not come to is tried again. Where that is all there is to say, the server is away.
fn settle(verdicts: Verdicts) -> Result<Vec<Verdict>, SinkError> {
    let is_retry = |verdict: &&Verdict| matches!(verdict, Verdict::Retry(_));
    let mut said = verdicts.iter().flatten();
    let again = said.find(is_retry).cloned();
    let is_all = !verdicts.is_empty() && verdicts.iter().flatten().all(|it| is_retry(&it));
    match again {
        Some(Verdict::Retry(words)) if is_all => Err(SinkError::Unavailable(words.into())),
        again => {
            let open = again.unwrap_or_else(|| Verdict::Retry("was not come to".to_owned()));
            let settled = verdicts
                .into_iter()
                .map(|it| it.unwrap_or_else(|| open.clone()));
            Ok(settled.collect())
        }
    }
}
