//! Collections that records are inserted into, each under its id: one that is there already is a success.
//!
//! A write is one unordered insert for each collection that its records name. The driver sends an insert once more by itself
//! where that is safe; whatever else fails is the writer's to repeat, and does no harm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::RawDocumentBuf;
use tamis_config::spec::{MongodbKind, MongodbSinkSpec, is_collection_name, is_database_name};
use tamis_config::template::{Part, Template};
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::client::{self, Cluster, stop};
use super::create::Creator;
use super::document::Encoder;
use super::failure::Failure;
use super::insert::insert;
use crate::destinations::Destinations;

/// Inserts of one write that are under way at once. More would only wait for each other in the server.
const INSERTS_MAX: usize = 4;

/// Between the database and the collection in the name of a destination: neither may hold it.
const BETWEEN: char = '\0';

/// Collections of one cluster.
pub struct MongodbSink {
    encoder: Encoder,
    destinations: Destinations,
    target: Arc<Target>,
}

/// What an insert needs.
struct Target {
    cluster: Cluster,
    creator: Creator,
    limit: Duration,
}

/// When the inserts of one write may begin.
struct Turns {
    turns: Semaphore,
    /// What has not begun by then is for the next try, so that a write ends.
    end: Instant,
}

/// Documents for one collection, and which records they are of.
#[derive(Default)]
struct Group {
    indexes: Vec<usize>,
    documents: Vec<RawDocumentBuf>,
}

/// The verdicts on the records of a group.
type Said = (String, Vec<usize>, Result<Vec<Verdict>, Failure>);

impl MongodbSink {
    /// Connects to the cluster, and makes what is to be made with a collection that needs no record to be named.
    ///
    /// # Errors
    /// Where the cluster does not answer, or refuses.
    pub async fn connect(spec: &MongodbSinkSpec) -> Result<Self, SinkError> {
        let misconfigured = |error: jiff::Error| SinkError::Misconfigured(error.into());
        let encoder = Encoder::new(spec).map_err(misconfigured)?;
        let limit = Duration::from_millis(spec.timeout_ms);
        let target = Target {
            cluster: client::connect(spec).await?,
            creator: Creator::new(&spec.create, limit, spec.destinations_max),
            limit,
        };
        if matches!(spec.create.kind, MongodbKind::TimeSeries { .. }) {
            warn!(
                "records are at least once in a collection of measurements: MongoDB keeps no `_id` unique in it"
            );
        }
        let template = destination(spec);
        if let Some(name) = literal(&template) {
            let (database, collection) = split(&name);
            let database = target.cluster.client.database(database);
            target
                .creator
                .ensure(&database, collection)
                .await
                .map_err(stop)?;
        }
        Ok(Self {
            encoder,
            destinations: Destinations::new(&template, spec.destinations_max),
            target: Arc::new(target),
        })
    }

    /// The document of `record`, and the collection that it goes to.
    fn place(&self, record: Record<'_>) -> Result<(String, RawDocumentBuf), Refusal> {
        let value = record
            .value()
            .ok_or("a record without a value is no document")?;
        let document = self.encoder.document(&record.id().to_string(), value)?;
        let (size, max) = (
            document.as_bytes().len(),
            self.target.cluster.document_bytes_max,
        );
        if size > max {
            return Err(
                format!("its document has {size} bytes, but MongoDB takes {max} at most").into(),
            );
        }
        let name = self
            .destinations
            .of(record)
            .map_err(|error| error.replace(BETWEEN, "."))?;
        let (database, collection) = split(&name);
        if is_database_name(database) && is_collection_name(database, collection) {
            return Ok((name, document));
        }
        let reason = format!(
            "{:?} is not a name that MongoDB allows for a collection",
            shown(&name)
        );
        if self.destinations.are_fixed() {
            return Err(Refusal::Stop(reason));
        }
        self.destinations.forget(&name);
        Err(reason.into())
    }

    /// Notes what was `said` of a group; returns why nothing is known of it, if so.
    fn note(&self, said: Said, verdicts: &mut [Verdict]) -> Result<Option<String>, SinkError> {
        let (name, indexes, said) = said;
        let mut all = |verdict: Verdict| {
            for index in &indexes {
                verdicts[*index] = verdict.clone();
            }
        };
        match said {
            Ok(said) => {
                for (index, verdict) in indexes.iter().zip(said) {
                    verdicts[*index] = verdict;
                }
            }
            Err(Failure::Away(words)) => {
                all(Verdict::Retry(words.clone()));
                return Ok(Some(words));
            }
            Err(Failure::Right(words)) if !self.destinations.are_of_data() => {
                let words = format!("collection {}: {words}", shown(&name));
                return Err(SinkError::Misconfigured(words.into()));
            }
            Err(Failure::Right(words) | Failure::Collection(words) | Failure::Document(words)) => {
                let words = format!("collection {}: {words}", shown(&name));
                if self.destinations.are_fixed() {
                    return Err(SinkError::Misconfigured(words.into()));
                }
                self.destinations.forget(&name);
                all(Verdict::Rejected(words));
            }
            Err(Failure::Person(words)) => return Err(SinkError::Misconfigured(words.into())),
        }
        Ok(None)
    }
}

#[async_trait]
impl Sink for MongodbSink {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut verdicts = vec![Verdict::Written; records.len()];
        let mut groups = BTreeMap::<String, Group>::new();
        for (index, record) in records.iter().enumerate() {
            match self.place(record) {
                Ok((name, document)) => {
                    let group = groups.entry(name).or_default();
                    group.indexes.push(index);
                    group.documents.push(document);
                }
                Err(Refusal::Record(reason)) => verdicts[index] = Verdict::Rejected(reason),
                Err(Refusal::Stop(reason)) => return Err(SinkError::Misconfigured(reason.into())),
            }
        }
        let (mut away, mut open) = (None, groups.len());
        // Whoever drops this write drops the inserts, too.
        let mut inserts = JoinSet::new();
        let turns = Arc::new(Turns {
            turns: Semaphore::new(INSERTS_MAX),
            end: Instant::now() + self.target.limit,
        });
        for (name, group) in groups {
            let (target, turns) = (Arc::clone(&self.target), Arc::clone(&turns));
            inserts.spawn(async move { target.insert(name, group, &turns).await });
        }
        while let Some(said) = inserts.join_next().await {
            let said = said.expect("an insert does not panic");
            if let Some(words) = self.note(said, &mut verdicts)? {
                away = Some(words);
                open -= 1;
            }
        }
        match away {
            // Of none of them anything is known, so there is nothing that was said of any record.
            Some(words) if open == 0 && verdicts.iter().all(is_retry) => {
                Err(SinkError::Unavailable(words.into()))
            }
            _ => Ok(verdicts),
        }
    }
}

impl Target {
    async fn insert(&self, name: String, group: Group, turns: &Turns) -> Said {
        let Group { indexes, documents } = group;
        let Ok(_turn) = timeout_at(turns.end, turns.turns.acquire()).await else {
            let words = "other collections took all the time of this request".to_owned();
            return (name, indexes, Err(Failure::Away(words)));
        };
        let (database, collection) = split(&name);
        let database = self.cluster.client.database(database);
        let said = match self.creator.ensure(&database, collection).await {
            Ok(()) => insert(&database.collection(collection), &documents, self.limit).await,
            Err(failure) => Err(failure),
        };
        (name, indexes, said)
    }
}

/// Why a record goes nowhere.
enum Refusal {
    /// It is to blame.
    Record(String),
    /// The configuration is.
    Stop(String),
}

impl<T: Into<String>> From<T> for Refusal {
    fn from(reason: T) -> Self {
        Self::Record(reason.into())
    }
}

fn is_retry(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Retry(_))
}

/// The template of both names.
fn destination(spec: &MongodbSinkSpec) -> Template {
    let between = [Part::Literal(BETWEEN.to_string())];
    let (database, collection) = (&spec.database.parts, &spec.collection.parts);
    let parts = database.iter().chain(&between).chain(collection);
    Template {
        parts: parts.cloned().collect(),
    }
}

/// What `template` names whatever the record is.
fn literal(template: &Template) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Literal(text) => Some(text.clone()),
        Part::Topic | Part::Partition | Part::Time(_) | Part::Field(_) | Part::Route => None,
    };
    template.parts.iter().map(text).collect()
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(BETWEEN).unwrap_or((name, ""))
}

/// A name as people write it.
fn shown(name: &str) -> String {
    name.replacen(BETWEEN, ".", 1)
}
