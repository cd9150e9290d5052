//! Stores that show whole runs: slow, failing, and shared by all lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Records, RunSink, RunStore, SinkError, StagedRun, Verdict};

use crate::plan::Plan;
use crate::shelf::Gone;
use crate::stores::{key, text, trouble};
use crate::versions;
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
    /// By partition: the name of the run, and its records.
    open: BTreeMap<Partition, (String, Vec<(String, String)>)>,
}

impl Sink {
    /// Writes to the files of all open runs.
    fn relieve(&self) -> Result<(), SinkError> {
        let mut names = self.open.values().map(|(name, _)| name);
        let is_there = |name: &String| self.world.shelf(|shelf, _| shelf.has(name));
        if names.all(is_there) {
            Ok(())
        } else {
            Err(gone())
        }
    }

    /// The name of the open run of `partition`, and its records.
    fn run(&mut self, partition: &Partition) -> &mut (String, Vec<(String, String)>) {
        let Self { world, name, open } = self;
        open.entry(partition.clone()).or_insert_with(|| {
            let number = world.random(|random| random.u64(..));
            let run = format!("{name}/{number:016x}");
            world.shelf(|shelf, _| shelf.begin(run.clone(), name, partition.number));
            (run, Vec::new())
        })
    }
}

fn gone() -> SinkError {
    SinkError::Gone("nothing is there".into())
}

#[async_trait]
impl RunSink for Sink {
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        trouble(&self.world, self.name).await?;
        if self.world.chance(20) {
            self.relieve()?;
        }
        let (mut last, mut verdicts) = (None, Vec::new());
        for record in records.iter() {
            versions::check(record);
            let id = record.id();
            let place = place(id.offset, u64::from(id.number));
            assert!(last < Some(place), "order within a partition");
            last = Some(place);
            if self.world.plan(id.partition.number, id.offset) == Plan::NoLine {
                verdicts.push(Verdict::Rejected("no line".to_owned()));
                continue;
            }
            let (_, records) = self.run(record.partition());
            records.push((key(record), text(record)));
            verdicts.push(Verdict::Written);
        }
        Ok(verdicts)
    }

    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<Option<StagedRun>, SinkError> {
        trouble(&self.world, self.name).await?;
        let (name, records) = self.open.get(partition).expect("only an open run is cut");
        assert!(records.is_sorted_by_key(|(key, _)| place_in(key)), "order");
        self.world.say(&format!("stage {name} {partition} {range}"));
        let records = records.iter().cloned().collect();
        self.world
            .shelf(|shelf, _| shelf.stage(name, range.next, records))
            .map_err(|Gone| gone())?;
        self.world.step().await;
        let (name, _) = self.open.remove(partition).expect("it is there");
        let (_, run) = name.split_once('/').expect("its store is part of its name");
        Ok(Some(StagedRun(run.to_owned())))
    }

    async fn abandon(&mut self, partition: &Partition) {
        self.world.step().await;
        if let Some((name, _)) = self.open.remove(partition) {
            self.world
                .shelf(|shelf, committed| shelf.discard(&name, committed));
        }
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
            .map_err(|Gone| gone())?
        {
            trouble(&self.world, self.name).await?;
        }
        trouble(&self.world, self.name).await
    }

    async fn staged(&self, partition: &Partition) -> Result<Vec<StagedRun>, SinkError> {
        trouble(&self.world, self.name).await?;
        let names = self
            .world
            .shelf(|shelf, _| shelf.staged(self.name, partition.number));
        let run = |name: &String| {
            let (_, run) = name.split_once('/')?;
            Some(StagedRun(run.to_owned()))
        };
        Ok(names.iter().filter_map(run).collect())
    }

    async fn discard(&self, _partition: &Partition, run: &StagedRun) -> Result<(), SinkError> {
        trouble(&self.world, self.name).await?;
        let name = format!("{}/{}", self.name, run.0);
        self.world.say(&format!("discard {name}"));
        self.world
            .shelf(|shelf, committed| shelf.discard(&name, committed));
        trouble(&self.world, self.name).await
    }
}
