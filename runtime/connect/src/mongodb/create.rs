//! Collections and indexes that are made on request.

use std::collections::HashSet;
use std::future::IntoFuture as _;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::{IndexOptions, TimeseriesGranularity, TimeseriesOptions};
use mongodb::{Database, IndexModel};
use tamis_config::spec::{Granularity, MongodbCreate, MongodbIndex, MongodbKind};
use tokio::time::{Instant, timeout};
use tracing::info;

use super::failure::Failure;
use super::insert::bounded;

/// How long indexes may take: in a large collection that is there already, hours.
const INDEXES_LIMIT: Duration = Duration::from_hours(24);

/// How often it is said that they are being made.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// There is a collection of this name.
const EXISTS: i32 = 48;

/// Makes what collections are to have; for each collection once.
#[derive(Debug)]
pub(super) struct Creator {
    spec: MongodbCreate,
    limit: Duration,
    /// Full names of collections that have it all. When there are too many they are forgotten: to make something again changes
    /// nothing.
    made: Mutex<HashSet<String>>,
    made_max: usize,
}

impl Creator {
    pub(super) fn new(spec: &MongodbCreate, limit: Duration, made_max: usize) -> Self {
        Self {
            spec: spec.clone(),
            limit,
            made: Mutex::default(),
            made_max,
        }
    }

    /// Whether there is anything to make.
    pub(super) fn is_needed(&self) -> bool {
        self.spec != MongodbCreate::default()
    }

    /// Sees to it that `collection` is there and has its indexes.
    ///
    /// # Errors
    /// Where it cannot be made, or is there and another one.
    pub(super) async fn ensure(
        &self,
        database: &Database,
        collection: &str,
    ) -> Result<(), Failure> {
        let full_name = format!("{}.{collection}", database.name());
        let is_made = || {
            self.made
                .lock()
                .expect("no one panics while looking")
                .contains(&full_name)
        };
        if !self.is_needed() || is_made() {
            return Ok(());
        }
        self.collection(database, collection).await?;
        if !self.spec.indexes.is_empty() {
            self.indexes(database, collection).await?;
        }
        let mut made = self.made.lock().expect("no one panics while noting");
        if made.len() >= self.made_max {
            made.clear();
        }
        made.insert(full_name);
        Ok(())
    }

    /// Makes the indexes of `collection`, and waits until they are made as long as the server is there: whoever hangs up may stop it
    /// from making them.
    async fn indexes(&self, database: &Database, collection: &str) -> Result<(), Failure> {
        let failed = |error: Error| Failure::of(&error);
        let indexes = self.spec.indexes.iter().map(index);
        let all = database.collection::<Document>(collection);
        let mut created = pin!(all.create_indexes(indexes).into_future());
        let start = Instant::now();
        let mut said = None;
        while start.elapsed() < INDEXES_LIMIT {
            if let Ok(created) = timeout(self.limit, &mut created).await {
                return created.map(drop).map_err(failed);
            }
            let ping = database.run_command(doc! { "ping": 1 });
            bounded(self.limit, ping).await?.map_err(failed)?;
            if said.is_none_or(|said: Instant| said.elapsed() >= SAY_EVERY) {
                said = Some(Instant::now());
                let database = database.name();
                info!(
                    database,
                    collection,
                    seconds = start.elapsed().as_secs(),
                    "indexes are being made, which takes long in a large collection; nothing is written to it before"
                );
            }
        }
        let hours = INDEXES_LIMIT.as_secs() / 3_600;
        Err(Failure::Away(format!(
            "indexes are not made within {hours} hours"
        )))
    }

    async fn collection(&self, database: &Database, name: &str) -> Result<(), Failure> {
        let create = database.create_collection(name);
        let create = match &self.spec.kind {
            // Its first index, or document, makes it.
            MongodbKind::Plain => return Ok(()),
            MongodbKind::Capped {
                bytes_max,
                records_max,
            } => {
                let create = create.capped(true).size(*bytes_max);
                match records_max {
                    Some(max) => create.max(*max),
                    None => create,
                }
            }
            MongodbKind::TimeSeries {
                time_field,
                meta_field,
                granularity,
                expire_after_s,
            } => {
                let options = TimeseriesOptions::builder()
                    .time_field(time_field.clone())
                    .meta_field(meta_field.clone())
                    .granularity(Some(self::granularity(*granularity)));
                let create = create.timeseries(options.build());
                match expire_after_s {
                    Some(age) => create.expire_after_seconds(Duration::from_secs((*age).into())),
                    None => create,
                }
            }
        };
        match bounded(self.limit, create).await? {
            Ok(()) => Ok(()),
            Err(error) if code(&error) == Some(EXISTS) => self.is_alike(database, name).await,
            Err(error) => Err(Failure::of(&error)),
        }
    }

    /// Whether the collection that is there is one of this kind.
    async fn is_alike(&self, database: &Database, name: &str) -> Result<(), Failure> {
        let list = doc! { "listCollections": 1, "filter": { "name": name } };
        let answer = bounded(self.limit, database.run_command(list)).await?;
        let answer = answer.map_err(|error| Failure::of(&error))?;
        let first = answer
            .get_document("cursor")
            .and_then(|it| it.get_array("firstBatch"));
        let found = first.ok().and_then(|found| found.first()?.as_document());
        let options = found.and_then(|it| it.get_document("options").ok());
        let has = |key| {
            options.is_some_and(|options| {
                !matches!(options.get(key), None | Some(Bson::Boolean(false)))
            })
        };
        let (kind, is_alike) = match &self.spec.kind {
            MongodbKind::Plain => ("plain", true),
            MongodbKind::Capped { .. } => ("capped", has("capped")),
            MongodbKind::TimeSeries { .. } => ("of measurements", has("timeseries")),
        };
        if is_alike {
            return Ok(());
        }
        let database = database.name();
        Err(Failure::Collection(format!(
            "the collection {database}.{name} is there already, and is not {kind}, as `create` says"
        )))
    }
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(it) => Some(it.code),
        _ => None,
    }
}

fn granularity(spec: Granularity) -> TimeseriesGranularity {
    match spec {
        Granularity::Seconds => TimeseriesGranularity::Seconds,
        Granularity::Minutes => TimeseriesGranularity::Minutes,
        Granularity::Hours => TimeseriesGranularity::Hours,
    }
}

fn index(spec: &MongodbIndex) -> IndexModel {
    let MongodbIndex {
        keys,
        name,
        expire_after_s,
    } = spec;
    let key =
        |(path, down): &(String, bool)| (path.clone(), Bson::Int32(if *down { -1 } else { 1 }));
    let age = expire_after_s.map(|age| Duration::from_secs(age.into()));
    let options = IndexOptions::builder().name(name.clone()).expire_after(age);
    IndexModel::builder()
        .keys(keys.iter().map(key).collect::<Document>())
        .options(options.build())
        .build()
}
