//! A topic with a consumer group: partitions come and go, and a new owner starts at what was committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tamis_core::Intake;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::source::{Source, SourceError};

use super::world::World;

/// Reads the topic of `world` to its end.
pub(super) fn source(world: &Arc<World>) -> Box<dyn Source> {
    Box::new(SimulatedTopic {
        world: Arc::clone(world),
        positions: BTreeMap::new(),
    })
}

struct SimulatedTopic {
    world: Arc<World>,
    /// The next offset to read of each partition that is assigned.
    positions: BTreeMap<i32, u64>,
}

#[async_trait]
impl Source for SimulatedTopic {
    async fn run(mut self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let numbers: Vec<i32> = self.world.topic().keys().copied().collect();
        numbers
            .iter()
            .for_each(|number| self.assign(&intake, *number));
        while !intake.is_stopping() && self.read_one(&intake).await {
            if self.world.chance(30) {
                self.commit(&intake);
            }
            if self.world.chance(self.world.faults().rebalances) {
                let number = numbers[self.world.random(|random| random.usize(0..numbers.len()))];
                self.rebalance(&intake, number).await;
            }
        }
        let all: Vec<_> = numbers
            .iter()
            .map(|number| World::partition(*number))
            .collect();
        let timeout = if intake.is_stopping() {
            Duration::from_secs(3)
        } else {
            Duration::MAX
        };
        intake.drain(&all, timeout).await;
        self.commit(&intake);
        Ok(())
    }
}

impl SimulatedTopic {
    fn assign(&mut self, intake: &Intake, number: i32) {
        intake.open(&World::partition(number));
        self.positions.insert(number, self.world.committed(number));
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
        let batch = self.batch(number);
        let next = batch.range().next;
        self.world.say(format!("take {number} {}", batch.range()));
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

    fn commit(&self, intake: &Intake) {
        for (partition, next) in intake.checkpoints() {
            self.world.commit(partition.number, next);
            intake.committed(&partition, next);
        }
    }

    /// Takes a partition away, with time to drain or without, and gives it back.
    async fn rebalance(&mut self, intake: &Intake, number: i32) {
        let partition = World::partition(number);
        let lost = self.world.chance(30);
        if !lost {
            let drained = intake
                .drain(&[Arc::clone(&partition)], Duration::from_millis(500))
                .await;
            self.world.say(format!("revoke {number} drained={drained}"));
            self.commit(intake);
        }
        intake.close(&partition).await;
        tokio::time::sleep(self.world.random_ms(0..300)).await;
        self.world.say(format!("assign {number} lost={lost}"));
        self.assign(intake, number);
    }
}
