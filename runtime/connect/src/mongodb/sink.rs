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
use crate::parts::settled;

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
        let destinations = Destinations::new(&destination(spec), spec.destinations_max);
        if let Some(name) = destinations.only() {
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
            destinations,
            target: Arc::new(target),
        })
    }

    /// The document of `record`, and the collection that it goes to; or why it has none.
    ///
    /// # Errors
    /// Where the configuration names a collection that cannot be.
    fn place(
        &self,
        record: Record<'_>,
    ) -> Result<Result<(String, RawDocumentBuf), String>, SinkError> {
        let document = match self.document(record) {
            Ok(document) => document,
            Err(reason) => return Ok(Err(reason)),
        };
        let name = match self.destinations.of(record) {
            Ok(name) => name,
            Err(reason) => return Ok(Err(reason.replace(BETWEEN, "."))),
        };
        let (database, collection) = split(&name);
        if is_database_name(database) && is_collection_name(database, collection) {
            return Ok(Ok((name, document)));
        }
        let shown = shown(&name);
        let reason = format!("{shown:?} is not a name that MongoDB allows for a collection");
        self.destinations.refuse(&name, reason).map(Err)
    }

    fn document(&self, record: Record<'_>) -> Result<RawDocumentBuf, String> {
        let value = record.value();
        let value = value.ok_or("a record without a value is no document")?;
        let document = self.encoder.document(&record.id().to_string(), value)?;
        let (size, max) = (
            document.as_bytes().len(),
            self.target.cluster.document_bytes_max,
        );
        if size > max {
            return Err(format!(
                "its document has {size} bytes, but MongoDB takes {max} at most"
            ));
        }
        Ok(document)
    }

    /// Notes what was `said` of a group; whether that was anything.
    fn note(&self, said: Said, verdicts: &mut [Verdict]) -> Result<bool, SinkError> {
        let (name, indexes, said) = said;
        let verdict = match said {
            Ok(said) => {
                for (index, verdict) in indexes.into_iter().zip(said) {
                    verdicts[index] = verdict;
                }
                return Ok(true);
            }
            Err(Failure::Away(words)) => Verdict::Retry(words),
            Err(Failure::Collection(words) | Failure::Document(words)) => {
                let words = format!("collection {}: {words}", shown(&name));
                Verdict::Rejected(self.destinations.refuse(&name, words)?)
            }
            Err(Failure::Person(words)) => return Err(SinkError::Misconfigured(words.into())),
        };
        let is_answer = matches!(verdict, Verdict::Rejected(_));
        for index in indexes {
            verdicts[index] = verdict.clone();
        }
        Ok(is_answer)
    }
}

#[async_trait]
impl Sink for MongodbSink {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut verdicts = vec![Verdict::Written; records.len()];
        let mut groups = BTreeMap::<String, Group>::new();
        for (index, record) in records.iter().enumerate() {
            match self.place(record)? {
                Ok((name, document)) => {
                    let group = groups.entry(name).or_default();
                    group.indexes.push(index);
                    group.documents.push(document);
                }
                Err(reason) => verdicts[index] = Verdict::Rejected(reason),
            }
        }
        let mut is_answer = false;
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
            is_answer |= self.note(said, &mut verdicts)?;
        }
        match is_answer {
            true => Ok(verdicts),
            false => settled(verdicts),
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

/// The template of both names.
fn destination(spec: &MongodbSinkSpec) -> Template {
    let between = [Part::Literal(BETWEEN.to_string())];
    let (database, collection) = (&spec.database.parts, &spec.collection.parts);
    let parts = database.iter().chain(&between).chain(collection);
    Template {
        parts: parts.cloned().collect(),
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(BETWEEN).unwrap_or((name, ""))
}

/// A name as people write it.
fn shown(name: &str) -> String {
    name.replacen(BETWEEN, ".", 1)
}
