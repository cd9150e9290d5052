//! A topic with a consumer group: partitions come and go, and a new owner starts at what was committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::source::{Source, SourceError};
use tamis_core::{Checkpoint, Intake, RecoverError};

use crate::world::World;

/// Reads the topic of `world` to its end.
pub(crate) fn source(world: &Arc<World>) -> Box<dyn Source> {
    Box::new(SimulatedTopic {
        world: Arc::clone(world),
        positions: BTreeMap::new(),
        late: Vec::new(),
    })
}

struct SimulatedTopic {
    world: Arc<World>,
    /// The next offset to read of each partition that is assigned.
    positions: BTreeMap<i32, u64>,
    /// What is committed and was not answered yet.
    late: Vec<Checkpoint>,
}

/// How often the last commit of a partition is tried.
const LAST_COMMITS_MAX: usize = 20;

#[async_trait]
impl Source for SimulatedTopic {
    async fn run(mut self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let numbers: Vec<i32> = self.world.topic().keys().copied().collect();
        for number in &numbers {
            self.assign(&intake, *number).await?;
        }
        while !intake.is_stopping() && self.read_one(&intake).await {
            if !self.world.has_group() {
                continue;
            }
            if self.world.chance(30) {
                self.commit(&intake).await;
            }
            if self.world.chance(self.world.faults().rebalances) {
                let number = numbers[self.world.random(|random| random.usize(0..numbers.len()))];
                self.rebalance(&intake, number).await?;
            }
        }
        if !self.world.has_group() {
            return Ok(());
        }
        let all: Vec<_> = self
            .positions
            .keys()
            .map(|it| World::partition(*it))
            .collect();
        let timeout = if intake.is_stopping() {
            Duration::from_secs(3)
        } else {
            Duration::MAX
        };
        self.let_go(&intake, &all, timeout).await;
        Ok(())
    }
}

impl SimulatedTopic {
    async fn assign(&mut self, intake: &Intake, number: i32) -> Result<(), SourceError> {
        self.world.step().await;
        let partition = World::partition(number);
        let committed = self.world.committed(number);
        let (next, metadata) = committed.clone().unwrap_or_default();
        match intake.recover(&partition, &metadata).await {
            Ok(()) => {}
            Err(RecoverError::Stopped(_)) => return Ok(()),
            Err(RecoverError::Impossible(error)) => return Err(error),
        }
        if !self.world.has_group() {
            intake.open_unkept(&partition);
        } else if committed.is_none() || !metadata.is_empty() {
            intake.open_at(&partition, next);
        } else {
            intake.open(&partition);
        }
        self.positions.insert(number, next);
        Ok(())
    }

    /// Hands on one batch of some partition that has one left; `false` at the end of all of them.
    async fn read_one(&mut self, intake: &Intake) -> bool {
        let left: Vec<i32> = self
            .positions
            .keys()
            .copied()
            .filter(|it| self.rest(*it) > 0)
            .collect();
        let Some(last) = left.len().checked_sub(1) else {
            return false;
        };
        let number = left[self.world.random(|random| random.usize(0..=last))];
        tokio::time::sleep(self.world.random_ms(0..20)).await;
        self.world.step().await;
        let batch = self.batch(number);
        let next = batch.range().next;
        self.world.say(&format!("take {number} {}", batch.range()));
        if intake.send(&mut Some(batch)).await.is_err() {
            return false;
        }
        self.positions.insert(number, next);
        true
    }

    fn rest(&self, number: i32) -> usize {
        let records = &self.world.topic()[&number];
        records
            .iter()
            .filter(|record| record.0 >= self.positions[&number])
            .count()
    }

    fn batch(&self, number: i32) -> Batch {
        let size = self.world.random(|random| random.usize(1..12));
        let position = self.positions[&number];
        let records = self.world.topic()[&number]
            .iter()
            .filter(|record| record.0 >= position);
        let mut batch = BatchBuilder::new(World::partition(number), size, 0);
        let mut next = position;
        for (offset, _) in records.take(size) {
            let value = format!("{number}.{offset}.0");
            batch.push(*offset, -1, None, Some(value.as_bytes()), &[]);
            next = offset + 1;
        }
        batch.finish(next)
    }

    /// Commits what is to be committed, as far as the broker plays along.
    async fn commit(&mut self, intake: &Intake) {
        // A request may be made before the answer to the one before has come.
        let checkpoints = intake.checkpoints();
        let late = std::mem::take(&mut self.late);
        late.iter().for_each(|answered| intake.committed(answered));
        for checkpoint in checkpoints {
            self.world.step().await;
            let Checkpoint {
                partition,
                next,
                metadata,
                ..
            } = &checkpoint;
            let is_odd = self.world.chance(self.world.faults().commits);
            let refused = is_odd && self.world.chance(30);
            if refused {
                continue;
            }
            self.world.commit(partition.number, *next, metadata);
            self.world.step().await;
            if !is_odd {
                intake.committed(&checkpoint);
            } else if self.world.chance(50) {
                self.late.push(checkpoint);
            }
        }
    }

    /// Takes a partition away, with time to drain or without, and gives it back.
    async fn rebalance(&mut self, intake: &Intake, number: i32) -> Result<(), SourceError> {
        let partition = World::partition(number);
        if self.positions.remove(&number).is_none() {
            return Ok(());
        }
        let lost = self.world.chance(30);
        self.world.say(&format!("rebalance {number} lost={lost}"));
        if lost {
            intake.close(&partition).await;
        } else {
            let timeout = Duration::from_millis(500);
            self.let_go(intake, &[partition], timeout).await;
        }
        tokio::time::sleep(self.world.random_ms(0..300)).await;
        self.assign(intake, number).await
    }

    /// Drains partitions, commits how far they got, and closes them.
    async fn let_go(&mut self, intake: &Intake, partitions: &[Arc<Partition>], timeout: Duration) {
        let drained = intake.drain(partitions, timeout).await;
        self.world.say(&format!("drained={drained}"));
        // Without a limit only where the work has to get done.
        let patient = timeout == Duration::MAX;
        for _ in 0..if patient {
            usize::MAX
        } else {
            LAST_COMMITS_MAX
        } {
            self.commit(intake).await;
            let seen = intake.seen(partitions, Duration::from_secs(1)).await;
            let left = intake.checkpoints();
            let is_left = |left: &Checkpoint| partitions.contains(&left.partition);
            if intake.is_ended() || (seen && self.late.is_empty() && !left.iter().any(is_left)) {
                break;
            }
        }
        for partition in partitions {
            intake.close(partition).await;
        }
    }
}
