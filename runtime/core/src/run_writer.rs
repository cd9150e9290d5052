//! The writer of a sink that shows whole runs: one for each lane, so that records of a partition arrive in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::Stopped;
use crate::delivery::{Context, Delivery, Parcel, Request};
use crate::id::Partition;
use crate::ledger::{Cut, Owner, Ticket};
use crate::retry::Tries;
use crate::sink::{RunSink, SinkError};
use crate::step;

/// When a run ends: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Bytes of values, before compression.
    pub bytes_max: u64,
    /// Records.
    pub records_max: u64,
    /// Age of its oldest record.
    pub age_max: Duration,
}

impl RunLimits {
    /// One cut for all sinks of a pipeline: the tighter of both.
    pub(crate) fn tighter(self, other: Self) -> Self {
        Self {
            bytes_max: self.bytes_max.min(other.bytes_max),
            records_max: self.records_max.min(other.records_max),
            age_max: self.age_max.min(other.age_max),
        }
    }
}

pub(crate) struct RunWriter {
    context: Context,
    sink: Box<dyn RunSink>,
    inbox: mpsc::Receiver<Delivery>,
    /// What becomes settled when the run of its partition is safe.
    held: BTreeMap<Arc<Partition>, Vec<(Ticket, usize)>>,
    /// Partitions whose generation is over: what comes of them is thrown away, until they are abandoned.
    late: BTreeSet<Arc<Partition>>,
}

impl RunWriter {
    pub(crate) fn new(
        context: Context,
        sink: Box<dyn RunSink>,
        inbox: mpsc::Receiver<Delivery>,
    ) -> Self {
        Self {
            context,
            sink,
            inbox,
            held: BTreeMap::new(),
            late: BTreeSet::new(),
        }
    }

    /// Runs until there is nothing more to write, or the pipeline has ended; throws away what no cut has reached.
    pub(crate) async fn run(mut self) {
        // Stopped: nothing more is settled, and the records will be read again.
        let _stopped = self.write_all().await;
        for partition in self.held.keys() {
            self.sink.abandon(partition).await;
        }
    }

    async fn write_all(&mut self) -> Result<(), Stopped> {
        loop {
            let delivery = tokio::select! {
                biased;
                () = self.context.control.ended() => return Err(Stopped),
                delivery = self.inbox.recv() => delivery,
            };
            match delivery {
                Some(Delivery::Parcel(parcel)) if self.late.contains(parcel.batch.partition()) => {}
                Some(Delivery::Cut(cut)) if self.late.contains(cut.partition()) => {}
                Some(Delivery::Parcel(parcel)) => self.append(&parcel).await?,
                Some(Delivery::Cut(cut)) => self.cut(&cut).await?,
                // What was forgotten is abandoned already, and the sink may have something of the next generation by now.
                Some(Delivery::Abandon(partition)) if self.late.remove(&partition) => {}
                Some(Delivery::Abandon(partition)) => {
                    self.held.remove(&partition);
                    self.sink.abandon(&partition).await;
                }
                Some(Delivery::Flush) => unreachable!("lanes cut runs instead"),
                None => return Ok(()),
            }
        }
    }

    async fn append(&mut self, parcel: &Parcel) -> Result<(), Stopped> {
        let mut request = Request::default();
        request.push(parcel, 0..parcel.rows.len());
        let mut tries = self.context.tries();
        while !request.records.is_empty() {
            let call = self.context.gauge.call();
            let answer = tokio::select! {
                biased;
                () = self.context.control.ended() => return Err(Stopped),
                answer = self.sink.append(&request.records) => answer,
            };
            drop(call);
            let verdicts = match answer {
                Ok(verdicts) => verdicts,
                Err(error) => {
                    let forgot = self.forget_late(&error).await?;
                    if parcel.ticket.owner().is_over() {
                        self.forget(parcel.batch.partition()).await;
                        return Ok(());
                    }
                    if !forgot {
                        self.context.failed(error, &mut tries).await?;
                    }
                    continue;
                }
            };
            let judged = self.context.judge(&request, verdicts)?;
            self.context.refuse(&request, &judged.refused).await?;
            if judged.written[0] > 0 {
                let held = self
                    .held
                    .entry(Arc::clone(parcel.batch.partition()))
                    .or_default();
                held.push((parcel.ticket.clone(), judged.written[0]));
            }
            if judged.said.is_some() {
                self.context.wait(&mut tries).await?;
            }
            request.records = request.records.select(judged.retry);
        }
        Ok(())
    }

    /// Forgets the open runs whose generation is over, after `error`; says whether there were any. Their next owner may have discarded
    /// their files, and a sink that has to make room would wait for these for ever: the partitions are abandoned behind what
    /// this writer has in hand.
    async fn forget_late(&mut self, error: &SinkError) -> Result<bool, Stopped> {
        let mut late = self.late_ones();
        if late.is_empty() && matches!(error, SinkError::Gone(_)) {
            // One of them is another member's, and this one does not know of it yet; or else it is lost.
            for owner in self.owners() {
                self.context.still_owns(&owner).await?;
            }
            late = self.late_ones();
        }
        for partition in &late {
            self.forget(partition).await;
        }
        Ok(!late.is_empty())
    }

    fn late_ones(&self) -> Vec<Arc<Partition>> {
        let owners = self.owners().filter(Owner::is_over);
        owners.map(|owner| Arc::clone(owner.partition())).collect()
    }

    fn owners(&self) -> impl Iterator<Item = Owner> {
        let first = self.held.values().filter_map(|held| held.first());
        first.map(|(ticket, _)| ticket.owner().clone())
    }

    /// Forgets a partition whose generation is over before it is abandoned; once, since the sink may have something of the next
    /// generation then.
    async fn forget(&mut self, partition: &Arc<Partition>) {
        if self.late.insert(Arc::clone(partition)) {
            self.held.remove(partition);
            self.sink.abandon(partition).await;
        }
    }

    /// Makes a run safe, and settles what is in it: it will be seen once its end is committed.
    async fn cut(&mut self, cut: &Cut) -> Result<(), Stopped> {
        let (partition, sink) = (cut.partition(), self.context.stage.name.clone());
        let Some(held) = self.held.remove(partition) else {
            cut.staged(&sink, None);
            return Ok(());
        };
        let mut tries = self.context.tries();
        let run = loop {
            // What is staged now would lie there until the partition has another owner again; and what was staged already may have
            // been discarded, so that this would go on for ever.
            if cut.owner().is_over() {
                self.forget(partition).await;
                return Ok(());
            }
            let call = self.context.gauge.call();
            let staged = self.sink.stage(partition, cut.range()).await;
            if staged.is_ok() {
                call.answered();
            } else {
                drop(call);
            }
            match staged {
                Ok(run) => break run,
                Err(_) if cut.owner().is_over() => {}
                // Its owner may be one that this member does not know of yet.
                Err(SinkError::Gone(_)) if !self.context.still_owns(cut.owner()).await? => {}
                Err(error) => self.failed(error, &mut tries, partition).await?,
            }
        };
        if let Some((ticket, _)) = held.first() {
            step::reached(step::STAGED, ticket.ledger());
        }
        cut.staged(&sink, run);
        for (ticket, written) in held {
            ticket.settle(written);
        }
        Ok(())
    }

    async fn failed(
        &mut self,
        error: SinkError,
        tries: &mut Tries,
        partition: &Arc<Partition>,
    ) -> Result<(), Stopped> {
        let waited = self.context.failed(error, tries).await;
        if waited.is_err() {
            self.sink.abandon(partition).await;
        }
        waited
    }
}
