//! Stores that are slow, fail, forget to answer, and take some records only at the second try.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::headers;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Record, Records, RunSink, Sink, SinkError, StagedRun, Verdict};

use super::world::{Plan, World};

/// The store that can never write some records.
pub(super) fn keyed(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "keyed", |plan| plan == Plan::Impossible)
}

/// The store of routed records.
pub(super) fn audit(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "audit", |_| false)
}

/// The first store of dead letters.
pub(super) fn dead(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "dead", |plan| plan == Plan::TooLarge)
}

/// The second one.
pub(super) fn last_resort(world: &Arc<World>) -> Arc<dyn Sink> {
    store(world, "last resort", |_| false)
}

/// The store of runs, of one lane.
pub(super) fn runs(world: &Arc<World>, lane: usize) -> Box<dyn RunSink> {
    let (open, staged) = (BTreeMap::new(), BTreeMap::new());
    Box::new(RunStore {
        world: Arc::clone(world),
        lane,
        open,
        staged,
    })
}

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
        let id = record.id();
        if (self.refuses)(self.world.plan(id.partition.number, id.offset)) {
            return Verdict::Rejected("impossible".to_owned());
        }
        if self.world.chance(self.world.faults().items) {
            return Verdict::Retry("later".to_owned());
        }
        self.world.store(self.name, key(record), text(record));
        Verdict::Written
    }
}

/// A dead letter is named by the stage, too.
fn key(record: Record<'_>) -> String {
    let stage = headers::iter(record.headers()).find(|(name, _)| *name == "tamis-stage");
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

fn text(record: Record<'_>) -> String {
    String::from_utf8_lossy(record.value().unwrap_or_default()).into_owned()
}

/// Takes its time, and sometimes fails.
async fn trouble(world: &World, store: &str) -> Result<(), SinkError> {
    let faults = world.faults();
    tokio::time::sleep(world.random_ms(0..faults.slow_ms)).await;
    if world.chance(faults.calls) {
        world.say(format!("{store} fails"));
        return Err(SinkError::Unavailable("planned".into()));
    }
    Ok(())
}

type Run = Vec<(String, String)>;

struct RunStore {
    world: Arc<World>,
    lane: usize,
    open: BTreeMap<Partition, Run>,
    staged: BTreeMap<String, Run>,
}

#[async_trait]
impl RunSink for RunStore {
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        trouble(&self.world, "runs").await?;
        let mut last = None;
        for record in records.iter() {
            let id = record.id();
            let place = (id.offset, id.number);
            assert!(
                last < Some(place),
                "seed {}: order within a partition",
                self.world.seed()
            );
            last = Some(place);
            let run = self.open.entry(record.partition().clone()).or_default();
            run.push((key(record), text(record)));
        }
        Ok(vec![Verdict::Written; records.len()])
    }

    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<StagedRun, SinkError> {
        trouble(&self.world, "runs").await?;
        let run = self
            .open
            .remove(partition)
            .expect("only an open run is cut");
        let name = format!("lane {} {partition} {range}", self.lane);
        self.world.say(format!("stage {name}"));
        self.staged.insert(name.clone(), run);
        Ok(StagedRun(name))
    }

    async fn reveal(&mut self, run: &StagedRun) -> Result<(), SinkError> {
        trouble(&self.world, "runs").await?;
        for (key, value) in &self.staged[&run.0] {
            self.world.store("runs", key.clone(), value.clone());
        }
        trouble(&self.world, "runs").await
    }

    async fn abandon(&mut self, partition: &Partition) {
        self.open.remove(partition);
    }
}
