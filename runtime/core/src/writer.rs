//! The writer of a keyed sink: gathers by count, bytes and linger, sends with bounded concurrency, tries again, settles.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

use crate::control::Stopped;
use crate::delivery::{Context, Delivery, Parcel, Request};
use crate::error::{PipelineError, causes};
use crate::gauges::Trouble;
use crate::parking::Heard;
use crate::sink::{Sink, SinkError};

/// Bounds of the requests to one sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterLimits {
    /// Records in one request.
    pub records_max: usize,
    /// Bytes of keys, values and headers in one request; a single larger record goes alone.
    pub bytes_max: usize,
    /// How long a record may wait for others.
    pub linger: Duration,
    /// Requests under way at once.
    pub requests_max: usize,
}

pub(crate) struct Writer {
    context: Arc<Context>,
    sink: Arc<dyn Sink>,
    limits: WriterLimits,
    inbox: mpsc::Receiver<Delivery>,
    gathered: Request,
    gathered_bytes: usize,
    deadline: Option<Instant>,
    requests: JoinSet<()>,
}

impl Writer {
    pub(crate) fn new(
        context: Context,
        sink: Arc<dyn Sink>,
        limits: WriterLimits,
        inbox: mpsc::Receiver<Delivery>,
    ) -> Self {
        Self {
            context: Arc::new(context),
            sink,
            limits,
            inbox,
            gathered: Request::default(),
            gathered_bytes: 0,
            deadline: None,
            requests: JoinSet::new(),
        }
    }

    /// Runs until there is nothing more to write, or the pipeline has ended.
    pub(crate) async fn run(mut self) {
        if self.write_all().await.is_err() {
            self.requests.shutdown().await;
        }
    }

    async fn write_all(&mut self) -> Result<(), Stopped> {
        let context = Arc::clone(&self.context);
        let ended = context.control.ended();
        tokio::pin!(ended);
        loop {
            let linger = sleep_until(self.deadline);
            tokio::select! {
                biased;
                () = &mut ended => return Err(Stopped),
                Some(done) = self.requests.join_next() => self.done(done)?,
                () = linger => self.send().await?,
                delivery = self.inbox.recv() => match delivery {
                    Some(Delivery::Parcel(parcel)) => self.gather(&parcel).await?,
                    Some(Delivery::Flush) => self.send().await?,
                    Some(Delivery::Cut(..) | Delivery::Abandon(_)) => {
                        unreachable!("lanes send these to sinks with runs")
                    }
                    None => break,
                },
            }
        }
        self.send().await?;
        while let Some(done) = self.requests.join_next().await {
            self.done(done)?;
        }
        Ok(())
    }

    fn done(&self, request: Result<(), tokio::task::JoinError>) -> Result<(), Stopped> {
        request.map_err(|_| {
            let part = format!("sink {}", self.context.stage.name);
            self.context.control.fail(PipelineError::Panicked { part });
            Stopped
        })
    }

    /// Adds a parcel to what is gathered, and sends each time that is enough.
    async fn gather(&mut self, parcel: &Parcel) -> Result<(), Stopped> {
        let rows = parcel.rows.slice(0..parcel.rows.len());
        let (mut from, mut count) = (0, self.gathered.records.len());
        for (position, row) in rows.iter().enumerate() {
            let bytes = parcel.batch.row_bytes(*row);
            let full = count >= self.limits.records_max
                || (count > 0 && self.gathered_bytes + bytes > self.limits.bytes_max);
            if full {
                self.gathered.push(parcel, from..position);
                self.send().await?;
                (from, count) = (position, 0);
            }
            count += 1;
            self.gathered_bytes += bytes;
        }
        self.gathered.push(parcel, from..rows.len());
        if count >= self.limits.records_max || self.gathered_bytes >= self.limits.bytes_max {
            return self.send().await;
        }
        self.deadline
            .get_or_insert_with(|| Instant::now() + self.limits.linger);
        Ok(())
    }

    /// Sends what is gathered as soon as a request may start.
    async fn send(&mut self) -> Result<(), Stopped> {
        self.deadline = None;
        self.gathered_bytes = 0;
        let request = std::mem::take(&mut self.gathered);
        if request.records.is_empty() {
            return Ok(());
        }
        while self.requests.len() >= self.limits.requests_max {
            if let Some(done) = self.requests.join_next().await {
                self.done(done)?;
            }
        }
        let (context, sink) = (Arc::clone(&self.context), Arc::clone(&self.sink));
        self.requests.spawn(async move {
            // Stopped: nothing more is settled, and the records will be read again.
            let _stopped = deliver(&context, &*sink, request).await;
        });
        Ok(())
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Writes `request` until every record of it is written, a dead letter, or parked.
async fn deliver(context: &Context, sink: &dyn Sink, mut request: Request) -> Result<(), Stopped> {
    let mut tries = context.tries();
    while !request.records.is_empty() && !context.park(&request).await? {
        let (begun, call) = (Instant::now(), context.gauge.call());
        let answer = tokio::select! {
            biased;
            () = context.control.ended() => return Err(Stopped),
            answer = sink.write(&request.records) => answer,
        };
        let verdicts = match answer {
            Ok(verdicts) => {
                call.answered();
                verdicts
            }
            Err(SinkError::Unavailable(error))
                if context.is_parking(begun, Heard::Away(&causes(&*error))) =>
            {
                continue;
            }
            Err(error) => {
                drop(call);
                context.failed(error, &mut tries).await?;
                continue;
            }
        };
        let judged = context.judge(&request, verdicts)?;
        for (ticket, written) in request.tickets.iter().zip(&judged.written) {
            ticket.settle(*written);
        }
        if judged.retry.len() < request.records.len() {
            tries.progressed();
        }
        let is_parking = context.is_parking(begun, judged.heard());
        if let Heard::Away(said) = judged.heard()
            && !is_parking
        {
            context.is_away(&mut tries, said);
        }
        context.refuse(&request, &judged.refused).await?;
        if let Some(reason) = judged.said.filter(|_| !is_parking) {
            if let Some(passed_over) = context.should_say(Trouble::AskedAgain, &mut tries) {
                let sink = &context.stage.name;
                warn!(
                    sink,
                    records = judged.retry.len(),
                    reason,
                    passed_over,
                    "sink asked to try again"
                );
            }
            context.wait(&mut tries).await?;
        }
        request.records = request.records.select(judged.retry);
    }
    Ok(())
}
