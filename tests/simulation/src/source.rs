//! A topic with a consumer group: partitions come and go, and a new owner starts at what was committed. A member may go on with a
//! partition that is another's, for as long as no one tells it; then the group refuses its commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::source::{Source, SourceError};
use tamis_core::{Checkpoint, Intake, RecoverError};

use crate::world::{Member, World};

/// Reads the topic of `world` to its end.
pub(crate) fn source(world: &Arc<World>) -> Box<dyn Source> {
    let numbers = world.topic().keys().copied().collect();
    topic(world, Member::default(), numbers)
}

/// Reads one partition, until it is told that this is no longer its own.
pub(crate) fn passing(world: &Arc<World>, member: Member, number: i32) -> Box<dyn Source> {
    topic(world, member, vec![number])
}

fn topic(world: &Arc<World>, member: Member, numbers: Vec<i32>) -> Box<dyn Source> {
    Box::new(SimulatedTopic {
        world: Arc::clone(world),
        member,
        numbers,
        lent: BTreeMap::new(),
        positions: BTreeMap::new(),
        late: Vec::new(),
    })
}

struct SimulatedTopic {
    world: Arc<World>,
    member: Member,
    numbers: Vec<i32>,
    /// Partitions that are another member's, and after how many batches this one is told.
    lent: BTreeMap<i32, u32>,
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
        let read = self.read(&intake).await;
        if self.member == Member::default() {
            self.world.end_reading();
        }
        read
    }
}

impl SimulatedTopic {
    async fn read(&mut self, intake: &Intake) -> Result<(), SourceError> {
        for number in self.numbers.clone() {
            self.assign(intake, number).await?;
        }
        if self.member != Member::default() {
            return self.pass(intake).await;
        }
        while !intake.is_stopping() {
            if !self.read_one(intake).await && !self.end_loans(intake).await? {
                break;
            }
            if self.world.has_group() {
                self.turn(intake).await?;
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
        self.let_go(intake, &all, timeout).await;
        Ok(())
    }

    async fn assign(&mut self, intake: &Intake, number: i32) -> Result<(), SourceError> {
        self.world.step().await;
        let partition = World::partition(number);
        if !self.world.has_group() {
            if intake.clear(&partition).await.is_ok() {
                intake.open_unkept(&partition);
                self.positions.insert(number, 0);
            }
            return Ok(());
        }
        let mut committed = self.world.committed(number).unwrap_or_default();
        while let Err(error) = intake.recover(&partition, &committed.1).await {
            match error {
                RecoverError::Stopped(_) => return Ok(()),
                RecoverError::Impossible(error) => return Err(error),
                RecoverError::Gone(error) => {
                    let now = self.world.committed(number).unwrap_or_default();
                    if now == committed {
                        return Err(error);
                    }
                    committed = now;
                }
            }
        }
        intake.open_at(&partition, committed.0);
        self.positions.insert(number, committed.0);
        Ok(())
    }

    /// What may happen between two batches.
    async fn turn(&mut self, intake: &Intake) -> Result<(), SourceError> {
        if self.world.chance(30) {
            self.commit(intake).await;
        }
        let faults = self.world.faults();
        let last = self.numbers.len() - 1;
        let number = self.numbers[self.world.random(|random| random.usize(0..=last))];
        if self.world.chance(faults.rebalances) {
            self.rebalance(intake, number).await?;
        }
        if self.world.random(|random| random.u32(0..1000)) < faults.members
            && self.positions.contains_key(&number)
            && !self.lent.contains_key(&number)
        {
            self.world.say(&format!("lend {number}"));
            self.world.join(number);
            let batches = self.world.random(|random| random.u32(0..20));
            self.lent.insert(number, batches);
        }
        for (number, batches) in self.lent.clone() {
            match batches.checked_sub(1) {
                Some(left) => drop(self.lent.insert(number, left)),
                None => self.end_loan(intake, number).await?,
            }
        }
        Ok(())
    }

    /// Gets a partition back, and is told now that it was another member's.
    async fn end_loan(&mut self, intake: &Intake, number: i32) -> Result<(), SourceError> {
        self.world.say(&format!("back {number}"));
        self.lent.remove(&number);
        self.positions.remove(&number);
        intake.close(&World::partition(number)).await;
        self.world.give(number, self.member);
        self.assign(intake, number).await
    }

    /// Gets all partitions back that are another member's; `false` where there is none.
    async fn end_loans(&mut self, intake: &Intake) -> Result<bool, SourceError> {
        let lent: Vec<i32> = self.lent.keys().copied().collect();
        for number in &lent {
            self.end_loan(intake, *number).await?;
        }
        Ok(!lent.is_empty())
    }

    /// Reads its partition for a while, until it is told that it is another member's.
    async fn pass(&mut self, intake: &Intake) -> Result<(), SourceError> {
        for _ in 0..self.world.random(|random| random.u32(0..40)) {
            tokio::time::sleep(self.world.random_ms(0..200)).await;
            // At the end of the partition it waits for more.
            let _is_left = self.read_one(intake).await;
            if self.world.chance(50) {
                self.commit(intake).await;
            }
        }
        for number in self.positions.keys() {
            intake.close(&World::partition(*number)).await;
        }
        Ok(())
    }

    /// Hands on one batch of some partition that has one left, if there is room for it soon; `false` at the end of all of them.
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
        let mut batch = Some(batch);
        let sent = tokio::time::timeout(Duration::from_secs(1), intake.send(&mut batch));
        match sent.await {
            Ok(Ok(())) => drop(self.positions.insert(number, next)),
            Ok(Err(_)) => return false,
            // It is read again: what is in the way may wait for a commit, or for this member to be told something.
            Err(_) => self.commit(intake).await,
        }
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
            let world = &self.world;
            let taken = world.commit(self.member, partition.number, *next, metadata);
            self.world.step().await;
            if !taken {
                continue;
            }
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
        if self.lent.contains_key(&number) || self.positions.remove(&number).is_none() {
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
        let draining = intake.drain(partitions, timeout);
        tokio::pin!(draining);
        let drained = loop {
            match tokio::time::timeout(Duration::from_millis(300), &mut draining).await {
                Ok(drained) => break drained,
                // What is in flight may wait for that.
                Err(_) => self.commit(intake).await,
            }
        };
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
