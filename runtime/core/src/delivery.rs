//! What lanes hand to writers, and what writers do with a sink's verdicts.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::batch::Batch;
use crate::control::{Control, Stopped};
use crate::counts::Counts;
use crate::dead;
use crate::error::{PipelineError, causes};
use crate::gauges::StoreGauge;
use crate::id::Partition;
use crate::ledger::{Cut, Owner, Ticket};
use crate::parking::{Heard, Parking};
use crate::retry::{Backoff, Tries};
use crate::router::Rows;
use crate::sink::{Records, SinkError, Verdict};
use crate::step;
use crate::transform::{Rejection, Stage, Why};

/// From a lane to a writer, in the order of each partition.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Records to write.
    Parcel(Parcel),
    /// Write what is gathered now.
    Flush,
    /// A run ends; for sinks with runs alone.
    Cut(Cut),
    /// Throw the open run of this partition away; for sinks with runs alone.
    Abandon(Arc<Partition>),
}

/// Rows of one batch for one sink.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) batch: Arc<Batch>,
    pub(crate) rows: Rows,
    pub(crate) ticket: Ticket,
}

/// Records on their way into a sink, with the ticket of each of their batches.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) records: Records,
    pub(crate) tickets: Vec<Ticket>,
}

impl Request {
    /// Adds the rows at these positions of `parcel`.
    pub(crate) fn push(&mut self, parcel: &Parcel, positions: std::ops::Range<usize>) {
        self.records
            .push(&parcel.batch, parcel.rows.slice(positions));
        self.tickets.push(parcel.ticket.clone());
    }
}

/// What a writer writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The sink with this index.
    Sink(usize),
    /// A store of dead letters.
    DeadLetters,
    /// A store of letters for a sink that is away.
    Parking,
}

/// Where records go that the sink refused.
#[derive(Debug, Clone)]
pub(crate) enum OnRejected {
    /// They become dead letters.
    Letter(mpsc::Sender<Delivery>),
    /// They are dead letters already, and go to the next store of them.
    Forward(mpsc::Sender<Delivery>),
    /// There is no place left where they could go.
    Stop,
}

/// What every writer has.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) stage: Stage,
    pub(crate) role: Role,
    pub(crate) on_rejected: OnRejected,
    /// Where records go while the store is away; without it they wait.
    pub(crate) parking: Option<Arc<Parking>>,
    pub(crate) control: Control,
    pub(crate) counts: Arc<Counts>,
    pub(crate) gauge: Arc<StoreGauge>,
    pub(crate) backoff: Backoff,
    pub(crate) seed: u64,
}

impl Context {
    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.backoff, self.seed)
    }

    /// Makes of a failed call a wait, or the end of the pipeline.
    pub(crate) async fn failed(&self, error: SinkError, tries: &mut Tries) -> Result<(), Stopped> {
        match error {
            SinkError::Unavailable(error) => {
                let (sink, error) = (&self.stage.name, causes(&*error));
                self.is_away(tries, &error);
                if tries.should_say() {
                    warn!(sink, error, "sink is unavailable, trying again");
                }
                self.wait(tries).await
            }
            SinkError::Misconfigured(error) | SinkError::Gone(error) => {
                Err(self.stop(causes(&*error)))
            }
        }
    }

    /// Shows that nothing gets through to the store.
    pub(crate) fn is_away(&self, tries: &mut Tries, error: &str) {
        tries.failed(error, || self.gauge.outage(error));
    }

    /// Notes what a request that began at `begun` tells of the store; whether its records are parked from here on, so that no one
    /// has to wait.
    pub(crate) fn is_parking(&self, begun: Instant, heard: Heard<'_>) -> bool {
        let (sink, now) = (&self.stage.name, Instant::now());
        let Some(parking) = &self.parking else {
            return false;
        };
        match heard {
            Heard::Away(error) => {
                if parking.failed(begun, now, error) {
                    warn!(sink, error, "sink is unavailable, parking its records");
                }
            }
            Heard::Answer => {
                if let Some(was_away) = parking.answered(now) {
                    info!(
                        sink,
                        ?was_away,
                        "sink is back; what was parked is to be replayed"
                    );
                }
            }
            Heard::Nothing => parking.undecided(now),
        }
        let parks = parking.parks();
        self.gauge.parks(parks);
        parks
    }

    /// Parks `request` where its store is away for long; says whether that is so.
    pub(crate) async fn park(&self, request: &Request) -> Result<bool, Stopped> {
        let parking = self.parking.as_ref();
        let Some((parking, reason)) =
            parking.and_then(|parking| Some((parking, parking.reason(Instant::now())?)))
        else {
            return Ok(false);
        };
        let parked = (0..request.records.len()).map(|index| {
            let batch = request.records.batch_of(index);
            (batch, index, reason.clone())
        });
        let parked: Vec<_> = parked.collect();
        for of_batch in parked.chunk_by(|a, b| a.0 == b.0) {
            self.letter(&parking.to, request, of_batch).await?;
        }
        Ok(true)
    }

    /// Whether the partition of `owner` is still its own, now that something of it is gone.
    pub(crate) async fn still_owns(&self, owner: &Owner) -> Result<bool, Stopped> {
        tokio::select! {
            biased;
            () = self.control.ended() => Err(Stopped),
            still_owns = owner.still_owns() => Ok(still_owns),
        }
    }

    /// Waits before the next try.
    pub(crate) async fn wait(&self, tries: &mut Tries) -> Result<(), Stopped> {
        tokio::select! {
            biased;
            () = self.control.ended() => Err(Stopped),
            () = tries.wait() => Ok(()),
        }
    }

    /// Counts what became of the records of `request`, and returns what is left open.
    pub(crate) fn judge(
        &self,
        request: &Request,
        verdicts: Vec<Verdict>,
    ) -> Result<Judged, Stopped> {
        let Request { records, tickets } = request;
        if verdicts.len() != records.len() {
            let (said, sent) = (verdicts.len(), records.len());
            return Err(self.stop(format!("it gave {said} verdicts on {sent} records")));
        }
        let mut judged = Judged {
            written: vec![0; tickets.len()],
            refused: Vec::new(),
            retry: Vec::new(),
            said: None,
        };
        let mut bytes = 0;
        for (index, verdict) in verdicts.into_iter().enumerate() {
            let batch = records.batch_of(index);
            match verdict {
                Verdict::Written => {
                    judged.written[batch] += 1;
                    bytes += records.bytes_of(index);
                }
                Verdict::Retry(reason) => {
                    judged.retry.push(index);
                    judged.said.get_or_insert(reason);
                }
                Verdict::Rejected(reason) => judged.refused.push((batch, index, reason)),
            }
        }
        let written: usize = judged.written.iter().sum();
        self.gauge.took(written, bytes);
        self.gauge.sends_again(judged.retry.len());
        match self.role {
            Role::Sink(sink) => {
                self.counts.add_written(sink, written);
                if let Some(ticket) = tickets.first().filter(|_| written > 0) {
                    step::reached(step::WRITTEN, ticket.ledger());
                }
            }
            Role::Parking => self.counts.add_parked(written),
            Role::DeadLetters => {
                self.counts.add_dead(written);
                if let Some(ticket) = tickets.first().filter(|_| written > 0) {
                    step::reached(step::BURIED, ticket.ledger());
                }
            }
        }
        self.counts.add_retried(judged.retry.len());
        Ok(judged)
    }

    /// Sees to it that `refused` records of `request` are dead letters.
    pub(crate) async fn refuse(
        &self,
        request: &Request,
        refused: &[(usize, usize, String)],
    ) -> Result<(), Stopped> {
        for of_batch in refused.chunk_by(|a, b| a.0 == b.0) {
            self.refuse_of_batch(request, of_batch).await?;
        }
        Ok(())
    }

    /// Hands records of one batch on as dead letters, which take their share of the ticket along.
    async fn refuse_of_batch(
        &self,
        request: &Request,
        refused: &[(usize, usize, String)],
    ) -> Result<(), Stopped> {
        let indexes = refused.iter().map(|(_, index, _)| *index);
        match &self.on_rejected {
            OnRejected::Letter(dead) => {
                let (stage, why) = (&self.stage.name, Why::Refused);
                self.counts.add_refused(stage, why, refused.len());
                self.letter(dead, request, refused).await
            }
            OnRejected::Forward(next) => {
                let ticket = request.tickets[refused[0].0].clone();
                let (source, rows) = request.records.rows_of(indexes);
                let batch = Arc::clone(source);
                self.hand_on(
                    next,
                    Parcel {
                        batch,
                        rows: Rows::Some(rows),
                        ticket,
                    },
                )
                .await
            }
            OnRejected::Stop => {
                let (source, rows) = request.records.rows_of(indexes);
                let letter = source.id(&source.rows()[rows[0] as usize]);
                let reason = &refused[0].2;
                Err(self.stop(format!("it refused the dead letter of {letter}: {reason}")))
            }
        }
    }

    /// Hands letters of records of one batch to whoever writes them.
    async fn letter(
        &self,
        to: &mpsc::Sender<Delivery>,
        request: &Request,
        refused: &[(usize, usize, String)],
    ) -> Result<(), Stopped> {
        let ticket = request.tickets[refused[0].0].clone();
        let indexes = refused.iter().map(|(_, index, _)| *index);
        let (source, rows) = request.records.rows_of(indexes);
        let rejection = |(row, (_, _, reason)): (&u32, &(usize, usize, String))| {
            let row = source.rows()[*row as usize];
            Rejection {
                offset: row.offset,
                number: row.number,
                why: Why::Refused,
                reason: reason.clone(),
            }
        };
        let rejections: Vec<_> = rows.iter().zip(refused).map(rejection).collect();
        let batch = dead::letters(source, &self.stage, &rejections);
        let rows = Rows::All(u32::try_from(rows.len()).expect("a batch has few rows"));
        let parcel = Parcel {
            batch,
            rows,
            ticket,
        };
        self.hand_on(to, parcel).await
    }

    async fn hand_on(&self, to: &mpsc::Sender<Delivery>, parcel: Parcel) -> Result<(), Stopped> {
        tokio::select! {
            biased;
            () = self.control.ended() => Err(Stopped),
            sent = to.send(Delivery::Parcel(parcel)) => sent.map_err(|_| Stopped),
        }
    }

    /// Ends the pipeline: going on would lose records.
    pub(crate) fn stop(&self, reason: String) -> Stopped {
        self.control.fail(PipelineError::Sink {
            sink: self.stage.name.clone(),
            reason,
        });
        Stopped
    }
}

/// What is left to do after a sink's verdicts.
#[derive(Debug)]
pub(crate) struct Judged {
    /// For each batch of the request: records that were written.
    pub(crate) written: Vec<usize>,
    /// Records that become dead letters, those of a batch side by side: the batch, the index, and why.
    pub(crate) refused: Vec<(usize, usize, String)>,
    /// Records to write again.
    pub(crate) retry: Vec<usize>,
    /// Why the first of them.
    pub(crate) said: Option<String>,
}

impl Judged {
    /// What they tell of the store. One that takes nothing at all is as good as away; a sink refuses some records unasked.
    pub(crate) fn heard(&self) -> Heard<'_> {
        if self.written.iter().any(|written| *written > 0) {
            return Heard::Answer;
        }
        match &self.said {
            Some(said) if self.refused.is_empty() => Heard::Away(said),
            Some(_) | None => Heard::Nothing,
        }
    }
}
