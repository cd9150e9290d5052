//! A lane: takes the batches of its partitions through the plugins, one after the other, and hands them to the writers.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::chain::Chain;
use crate::control::{Control, Stopped};
use crate::counts::Counts;
use crate::dead;
use crate::delivery::{Delivery, Parcel};
use crate::error::PipelineError;
use crate::gauges::{LaneGauge, StoreGauge};
use crate::id::Partition;
use crate::ledger::Ticket;
use crate::router::{self, Claim, Rows};
use crate::run_writer::RunLimits;
use crate::stamp::{Stamp, Stamper};
use crate::swap::{LaneEnd, LaneOrder};
use crate::transform::{Rejection, Stage, Why};

/// From a source to a lane, in the order of each partition.
#[derive(Debug)]
pub(crate) enum LaneMessage {
    /// Records to work on.
    Batch(Batch, Ticket),
    /// Settle what is in flight of this partition without waiting for more.
    Flush(Arc<Partition>),
    /// Forget this partition.
    Abandon(Arc<Partition>),
}

/// Where a lane hands its records to.
#[derive(Debug, Clone)]
pub(crate) struct LaneOutlet {
    pub(crate) to: mpsc::Sender<Delivery>,
    /// That of the store behind it.
    pub(crate) gauge: Arc<StoreGauge>,
    pub(crate) has_runs: bool,
}

/// All of them, and which records each of them is for.
#[derive(Debug)]
pub(crate) struct LaneSinks {
    /// For each sink, in one order with `claims`.
    pub(crate) outlets: Vec<LaneOutlet>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) run_limits: Option<RunLimits>,
}

pub(crate) struct Lane {
    pub(crate) index: usize,
    pub(crate) gauge: Arc<LaneGauge>,
    pub(crate) inbox: mpsc::Receiver<LaneMessage>,
    pub(crate) chain: Chain,
    pub(crate) swaps: LaneEnd,
    pub(crate) stamper: Option<Arc<dyn Stamper>>,
    pub(crate) sinks: LaneSinks,
    pub(crate) dead: LaneOutlet,
    pub(crate) runs: BTreeMap<Arc<Partition>, OpenRun>,
    pub(crate) control: Control,
    pub(crate) counts: Arc<Counts>,
}

/// What went to the sinks with runs since the last cut.
#[derive(Debug)]
pub(crate) struct OpenRun {
    start: u64,
    /// That of its last batch.
    ticket: Ticket,
    bytes: u64,
    records: u64,
    due: Instant,
}

impl Lane {
    /// Runs until no more batches come, or the pipeline has ended.
    pub(crate) async fn run(mut self) {
        // Stopped: what this lane still had in hand is not settled, and will be read again.
        let _stopped = self.work().await;
    }

    async fn work(&mut self) -> Result<(), Stopped> {
        loop {
            let due = self
                .runs
                .iter()
                .map(|(partition, run)| (run.due, partition))
                .min();
            let due = due.map(|(due, partition)| (due, Arc::clone(partition)));
            let message = tokio::select! {
                biased;
                () = self.control.ended() => return Err(Stopped),
                partition = when_due(due) => {
                    self.cut(&partition).await?;
                    continue;
                }
                Some(order) = self.swaps.orders.recv() => {
                    self.obey(order).await?;
                    continue;
                }
                message = self.inbox.recv() => message,
            };
            let Some(message) = message else {
                break;
            };
            self.gauge.begin();
            let was_batch = matches!(message, LaneMessage::Batch(..));
            match message {
                LaneMessage::Batch(batch, ticket) => self.step(batch, ticket).await?,
                LaneMessage::Flush(partition) => self.flush(&partition).await?,
                LaneMessage::Abandon(partition) => self.abandon(&partition).await?,
            }
            self.gauge.end(was_batch);
        }
        self.cut_all().await
    }

    /// Ends the open runs of all partitions.
    async fn cut_all(&mut self) -> Result<(), Stopped> {
        for partition in self.runs.keys().cloned().collect::<Vec<_>>() {
            self.cut(&partition).await?;
        }
        Ok(())
    }

    /// Does what it was told between two batches.
    async fn obey(&mut self, order: LaneOrder) -> Result<(), Stopped> {
        match order {
            LaneOrder::Switch(switch) => {
                switch.switch(&mut self.chain, self.index, &self.counts);
            }
            LaneOrder::Flush => {
                self.cut_all().await?;
                self.flush_all().await?;
            }
            LaneOrder::Sinks(sinks, done) => {
                self.sinks = sinks;
                // Who asked may have gone.
                let _gone = done.send(());
            }
        }
        Ok(())
    }

    /// One batch, from source to writers.
    async fn step(&mut self, mut batch: Batch, ticket: Ticket) -> Result<(), Stopped> {
        self.swaps.recent.note(&batch);
        let all = self.chain.apply(&mut batch).map_err(|error| {
            self.control.fail(PipelineError::Transform(error));
            Stopped
        })?;
        let stages = all.iter().map(|done| self.chain.stage(done));
        batch.set_stamp(Stamp::of(stages));
        for mut done in all {
            let stage = self.chain.stage(&done);
            self.counts.add_stage(self.index, stage, &mut done);
            std::mem::take(&mut done.applied.said).say(&batch);
            if !done.applied.rejected.is_empty() {
                let rejected = &done.applied.rejected;
                self.counts.add_rejections(&stage.name, rejected);
                let letters = dead::letters(&batch, stage, &done.applied.rejected);
                self.bury(letters, &ticket).await?;
            }
        }
        if let Some(stamper) = &self.stamper {
            stamper.stamp(&mut batch);
        }
        self.route(batch, ticket).await
    }

    async fn route(&mut self, batch: Batch, ticket: Ticket) -> Result<(), Stopped> {
        let selection = router::select(&batch, &self.sinks.claims);
        if !selection.unclaimed.is_empty() {
            let count = selection.unclaimed.len();
            self.counts.add_refused(ROUTER, Why::Unclaimed, count);
            let letters = unclaimed(&batch, &selection.unclaimed, &self.sinks.claims);
            self.bury(letters, &ticket).await?;
        }
        let batch = Arc::new(batch);
        for (index, rows) in selection.sinks.into_iter().enumerate() {
            if rows.len() > 0 {
                ticket.add(rows.len());
                let parcel = Parcel {
                    batch: Arc::clone(&batch),
                    rows,
                    ticket: ticket.clone(),
                };
                send(
                    &self.control,
                    &self.gauge,
                    &self.sinks.outlets[index],
                    Delivery::Parcel(parcel),
                )
                .await?;
            }
        }
        ticket.settle(1);
        self.note_run(&batch, ticket).await
    }

    /// Hands dead letters to their writer.
    async fn bury(&mut self, letters: Arc<Batch>, ticket: &Ticket) -> Result<(), Stopped> {
        let count = letters.rows().len();
        ticket.add(count);
        let rows = Rows::All(u32::try_from(count).expect("a batch has few rows"));
        let parcel = Parcel {
            batch: letters,
            rows,
            ticket: ticket.clone(),
        };
        send(
            &self.control,
            &self.gauge,
            &self.dead,
            Delivery::Parcel(parcel),
        )
        .await
    }

    /// Counts `batch` into the open run of its partition, and cuts the run where that makes it large enough.
    async fn note_run(&mut self, batch: &Batch, ticket: Ticket) -> Result<(), Stopped> {
        let Some(limits) = self.sinks.run_limits else {
            return Ok(());
        };
        let run = self
            .runs
            .entry(Arc::clone(batch.partition()))
            .or_insert_with(|| OpenRun {
                start: batch.range().start,
                ticket: ticket.clone(),
                bytes: 0,
                records: 0,
                due: Instant::now() + limits.age_max,
            });
        run.ticket = ticket;
        run.records += batch.rows().len() as u64;
        run.bytes += batch
            .rows()
            .iter()
            .filter_map(|row| row.value.len())
            .sum::<usize>() as u64;
        if run.records >= limits.records_max || run.bytes >= limits.bytes_max {
            return self.cut(batch.partition()).await;
        }
        Ok(())
    }

    /// Ends the open run of `partition` in all sinks with runs, at the same offset.
    async fn cut(&mut self, partition: &Arc<Partition>) -> Result<(), Stopped> {
        let Some(run) = self.runs.remove(partition) else {
            return Ok(());
        };
        let with_runs = || self.sinks.outlets.iter().filter(|outlet| outlet.has_runs);
        let cut = run.ticket.cut(run.start, with_runs().count());
        for outlet in with_runs() {
            send(
                &self.control,
                &self.gauge,
                outlet,
                Delivery::Cut(cut.clone()),
            )
            .await?;
        }
        Ok(())
    }

    async fn flush(&mut self, partition: &Arc<Partition>) -> Result<(), Stopped> {
        self.cut(partition).await?;
        self.flush_all().await
    }

    /// Has what takes each record by itself write what it has gathered.
    async fn flush_all(&mut self) -> Result<(), Stopped> {
        for outlet in self.sinks.outlets.iter().filter(|outlet| !outlet.has_runs) {
            send(&self.control, &self.gauge, outlet, Delivery::Flush).await?;
        }
        send(&self.control, &self.gauge, &self.dead, Delivery::Flush).await
    }

    async fn abandon(&mut self, partition: &Arc<Partition>) -> Result<(), Stopped> {
        self.runs.remove(partition);
        for outlet in self.sinks.outlets.iter().filter(|outlet| outlet.has_runs) {
            send(
                &self.control,
                &self.gauge,
                outlet,
                Delivery::Abandon(Arc::clone(partition)),
            )
            .await?;
        }
        Ok(())
    }
}

async fn when_due(due: Option<(Instant, Arc<Partition>)>) -> Arc<Partition> {
    match due {
        Some((due, partition)) => {
            tokio::time::sleep_until(due).await;
            partition
        }
        None => std::future::pending().await,
    }
}

async fn send(
    control: &Control,
    gauge: &LaneGauge,
    outlet: &LaneOutlet,
    delivery: Delivery,
) -> Result<(), Stopped> {
    let _waiting = gauge.waits_for(&outlet.gauge);
    tokio::select! {
        biased;
        () = control.ended() => Err(Stopped),
        sent = outlet.to.send(delivery) => sent.map_err(|_| Stopped),
    }
}

/// Whose words are those on rows that no sink takes.
const ROUTER: &str = "router";

/// The dead letters of rows that no sink takes.
fn unclaimed(batch: &Batch, rows: &[u32], claims: &[Claim]) -> Arc<Batch> {
    let stage = Stage {
        name: ROUTER.to_owned(),
        version: String::new(),
    };
    let rejections: Vec<_> = rows
        .iter()
        .map(|row| {
            let row = &batch.rows()[*row as usize];
            let route = batch.bytes(row.route);
            let reason = match route {
                _ if claims.iter().any(|claim| claim.has_route(route)) => {
                    "it is not as the `when` of any sink says".to_owned()
                }
                Some(route) => format!("no sink takes route {:?}", String::from_utf8_lossy(route)),
                None => "no sink takes records without a route".to_owned(),
            };
            Rejection {
                offset: row.offset,
                number: row.number,
                why: Why::Unclaimed,
                reason,
            }
        })
        .collect();
    dead::letters(batch, &stage, &rejections)
}
