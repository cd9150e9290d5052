//! Stores that are slow, fail, forget to answer, and take some records only at the second try.

use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::dead::HEADER_STAGE;
use tamis_core::headers;
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};

use crate::plan::Plan;
use crate::versions;
use crate::world::World;

/// The store that can never write some records.
pub(crate) fn keyed(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "keyed", |plan| plan == Plan::Impossible)
}

/// The store of routed records.
pub(crate) fn audit(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "audit", |_| false)
}

/// Where routed records are parked.
pub(crate) fn parking(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, PARKING, |_| false)
}

/// The first store of dead letters.
pub(crate) fn dead(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "dead", |plan| plan == Plan::TooLarge)
}

/// The second one.
pub(crate) fn last_resort(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "last resort", |_| false)
}

/// Its name.
pub(crate) const PARKING: &str = "parking";

fn store(world: &Arc<World>, name: &'static str, refuses: fn(Plan) -> bool) -> Arc<dyn Sink> {
    Arc::new(KeyedStore {
        world: Arc::clone(world),
        name,
        refuses,
    })
}

struct KeyedStore {
    world: Arc<World>,
    name: &'static str,
    refuses: fn(Plan) -> bool,
}

#[async_trait]
impl Sink for KeyedStore {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        trouble(&self.world, self.name).await?;
        let verdicts = records.iter().map(|record| self.put(record)).collect();
        // It did its work, but the answer gets lost.
        trouble(&self.world, self.name).await?;
        Ok(verdicts)
    }
}

impl KeyedStore {
    fn put(&self, record: Record<'_>) -> Verdict {
        if is_letter(record) {
            versions::check_letter(record);
        } else {
            versions::check(record);
        }
        let id = record.id();
        if (self.refuses)(self.world.plan(id.partition.number, id.offset)) {
            return Verdict::Rejected("impossible".to_owned());
        }
        if self.world.chance(self.world.faults().items) {
            return Verdict::Retry("later".to_owned());
        }
        self.world
            .shelf(|shelf, _| shelf.put(self.name, key(record), text(record)));
        Verdict::Written
    }
}

fn is_letter(record: Record<'_>) -> bool {
    headers::iter(record.headers()).any(|(name, _)| name == HEADER_STAGE)
}

/// A dead letter is named by the stage, too.
pub(crate) fn key(record: Record<'_>) -> String {
    let stage = headers::iter(record.headers()).find(|(name, _)| *name == HEADER_STAGE);
    match stage {
        Some((_, stage)) => {
            format!(
                "{} {}",
                String::from_utf8_lossy(stage.unwrap_or_default()),
                record.id()
            )
        }
        None => record.id().to_string(),
    }
}

pub(crate) fn text(record: Record<'_>) -> String {
    String::from_utf8_lossy(record.value().unwrap_or_default()).into_owned()
}

/// Takes its time, and sometimes fails.
pub(crate) async fn trouble(world: &World, store: &str) -> Result<(), SinkError> {
    let faults = world.faults();
    world.step().await;
    tokio::time::sleep(world.random_ms(0..faults.slow_ms)).await;
    world.step().await;
    if world.chance(faults.calls) {
        world.say(&format!("{store} fails"));
        return Err(SinkError::Unavailable("planned".into()));
    }
    Ok(())
}
