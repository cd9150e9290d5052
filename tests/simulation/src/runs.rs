//! Stores that show whole runs: slow, failing, and shared by all lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Records, RunSink, RunStore, SinkError, StagedRun, Verdict};

use crate::plan::Plan;
use crate::shelf::Run;
use crate::stores::{key, text, trouble};
use crate::world::World;

/// The part of the store `name` that belongs to one lane.
pub(crate) fn sink(world: &Arc<World>, name: &'static str) -> Box<dyn RunSink> {
    let world = Arc::clone(world);
    let open = BTreeMap::new();
    Box::new(Sink { world, name, open })
}

/// The store `name`.
pub(crate) fn store(world: &Arc<World>, name: &'static str) -> Arc<dyn RunStore> {
    let world = Arc::clone(world);
    Arc::new(Store { world, name })
}

struct Sink {
    world: Arc<World>,
    name: &'static str,
    open: BTreeMap<Partition, Vec<(String, String)>>,
}

#[async_trait]
impl RunSink for Sink {
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        trouble(&self.world, self.name).await?;
        let (mut last, mut verdicts) = (None, Vec::new());
        for record in records.iter() {
            let id = record.id();
            let place = place(id.offset, u64::from(id.number));
            assert!(last < Some(place), "order within a partition");
            last = Some(place);
            if self.world.plan(id.partition.number, id.offset) == Plan::NoLine {
                verdicts.push(Verdict::Rejected("no line".to_owned()));
                continue;
            }
            let run = self.open.entry(record.partition().clone()).or_default();
            run.push((key(record), text(record)));
            verdicts.push(Verdict::Written);
        }
        Ok(verdicts)
    }

    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<StagedRun, SinkError> {
        trouble(&self.world, self.name).await?;
        let records = self
            .open
            .remove(partition)
            .expect("only an open run is cut");
        assert!(records.is_sorted_by_key(|(key, _)| place_in(key)), "order");
        let name = format!("{:016x}", self.world.random(|random| random.u64(..)));
        self.world
            .say(&format!("stage {} {name} {partition} {range}", self.name));
        let run = Run {
            store: self.name,
            partition: partition.number,
            next: range.next,
            records: records.into_iter().collect(),
        };
        self.world
            .shelf(|shelf, _| shelf.stage(format!("{}/{name}", self.name), run));
        self.world.step().await;
        Ok(StagedRun(name))
    }

    async fn abandon(&mut self, partition: &Partition) {
        self.world.step().await;
        self.open.remove(partition);
    }
}

/// What records of a partition are sorted by. The first plugin makes outputs 0 and 1, the second one of each itself and the one that
/// is two above it.
fn place(offset: u64, number: u64) -> (u64, u64, u64) {
    (offset, number % 2, number / 2)
}

/// That of an id.
fn place_in(id: &str) -> Option<(u64, u64, u64)> {
    let mut parts = id.rsplit('/').map(|part| part.parse().ok());
    let number = parts.next()??;
    Some(place(parts.next()??, number))
}

struct Store {
    world: Arc<World>,
    name: &'static str,
}

#[async_trait]
impl RunStore for Store {
    async fn reveal(&self, _partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        trouble(&self.world, self.name).await?;
        let name = format!("{}/{}", self.name, run.0);
        self.world.say(&format!("reveal {name}"));
        let has_group = self.world.has_group();
        while self
            .world
            .shelf(|shelf, committed| shelf.reveal_one(&name, committed, has_group))
        {
            trouble(&self.world, self.name).await?;
        }
        trouble(&self.world, self.name).await
    }

    async fn sweep(&self, partition: &Partition) -> Result<(), SinkError> {
        trouble(&self.world, self.name).await?;
        self.world.say(&format!("sweep {} {partition}", self.name));
        self.world.shelf(|shelf, committed| {
            shelf.sweep(self.name, partition.number, committed);
        });
        trouble(&self.world, self.name).await
    }
}
