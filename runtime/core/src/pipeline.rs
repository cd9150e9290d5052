//! One pipeline: a source, lanes, and the writers of its sinks, from start to end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::control::{Control, Stop};
use crate::counts::{Counts, Totals};
use crate::delivery::{OnRejected, Role};
use crate::error::PipelineError;
use crate::executor::Executor;
use crate::gate::{Gate, GateOrder};
use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::monitor::Monitor;
use crate::retry::Backoff;
use crate::room::Room;
use crate::router::{Condition, Routes};
use crate::run_writer::RunLimits;
use crate::sink::{RunSink, RunStore, Sink};
use crate::source::Source;
use crate::stamp::Stamper;
use crate::swap::Swapper;
use crate::transform::Transform;
use crate::valve::Flow;
use crate::writer::WriterLimits;
use build::{Again, Build, DEAD_LETTERS, LaneStart, Parts};

mod build;

/// Everything that a pipeline consists of, connected and ready to run.
pub struct Pipeline {
    source: Box<dyn Source>,
    lanes: Vec<LaneStart>,
    sinks: Vec<Outlet>,
    dead: DeadLetters,
    limits: Limits,
    control: Control,
    counts: Arc<Counts>,
    ledger: Arc<Ledger>,
    room: Arc<Room>,
    swapper: Swapper,
    gate: mpsc::Receiver<GateOrder>,
    stamper: Option<Arc<dyn Stamper>>,
}

/// One sink of a pipeline.
pub struct Outlet {
    /// Its name.
    pub name: String,
    /// Which records it takes.
    pub routes: Routes,
    /// What a record must be like besides; `None` where any will do.
    pub condition: Option<Arc<dyn Condition>>,
    /// The store.
    pub destination: Destination,
    /// What becomes of records while the store is away.
    pub on_outage: OnOutage,
}

/// What becomes of records while a store is away.
pub enum OnOutage {
    /// They wait, and with them whatever is behind them.
    Wait,
    /// For a store that takes each record by itself.
    Park {
        /// How long it may be away before its records are parked.
        after: Duration,
        /// Take them, as letters; what they refuse is a dead letter.
        to: DeadLetters,
    },
}

/// A store, by how its records become visible.
pub enum Destination {
    /// Each record by itself, under its id.
    Keyed(Arc<dyn Sink>, WriterLimits),
    /// Whole runs; one sink for each lane, and their store.
    Runs(Vec<Box<dyn RunSink>>, Arc<dyn RunStore>, RunLimits),
}

/// Where refused records go: to the first store; what that one refuses goes to the second.
pub struct DeadLetters {
    /// Takes the letters.
    pub first: Arc<dyn Sink>,
    /// Takes those that the first one refuses; without it they stop the pipeline.
    pub second: Option<Arc<dyn Sink>>,
}

/// Bounds of a pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of batches taken from the source and not yet let go of by the last sink; below 4 GiB.
    pub in_flight_bytes_max: usize,
    /// Bytes of the last batches that are kept as the source gave them, all lanes together: to try new transforms on.
    pub recent_bytes_max: usize,
    /// How long everything may take to settle once the pipeline was told to stop.
    pub shutdown_timeout: Duration,
    /// Waiting between two tries.
    pub backoff: Backoff,
    /// Seed of the jitter.
    pub seed: u64,
}

/// How long the parts may take to end once time is up.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How a pipeline ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What went where.
    pub totals: Totals,
    /// Batches that were taken but not settled: they are not committed and will be read again.
    pub unsettled: usize,
}

impl Pipeline {
    /// Puts a pipeline together; `lanes` holds the transforms of each lane.
    ///
    /// # Panics
    /// Without a lane or a sink, or where a sink with runs has not one for each lane, or would park.
    #[must_use]
    pub fn new(
        source: Box<dyn Source>,
        lanes: Vec<Vec<Box<dyn Transform>>>,
        sinks: Vec<Outlet>,
        dead: DeadLetters,
        limits: Limits,
    ) -> Self {
        assert!(
            !lanes.is_empty() && !sinks.is_empty(),
            "a pipeline has a lane and a sink"
        );
        let names = sinks.iter().map(|sink| sink.name.clone());
        let counts = Arc::new(Counts::new(names, lanes.len()));
        let has_runs = |sink: &Outlet| matches!(sink.destination, Destination::Runs(..));
        let control = Control::new();
        let (swapper, ends, gate) =
            Swapper::new(lanes.len(), limits.recent_bytes_max, control.clone());
        let ledger = Arc::new(Ledger::new(sinks.iter().any(has_runs)));
        Self {
            source,
            lanes: lanes.into_iter().zip(ends).collect(),
            sinks,
            dead,
            limits,
            control,
            counts,
            ledger,
            room: Arc::new(Room::new(limits.in_flight_bytes_max)),
            swapper,
            gate,
            stamper: None,
        }
    }

    /// Has `stamper` write into each record who decided it, behind the last transform.
    #[must_use]
    pub fn stamped(mut self, stamper: Option<Arc<dyn Stamper>>) -> Self {
        self.stamper = stamper;
        self
    }

    /// What puts other transforms in the place of those that its lanes have.
    #[must_use]
    pub fn swapper(&self) -> Swapper {
        self.swapper.clone()
    }

    /// A handle to stop it with.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.control.clone())
    }

    /// What went where so far.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// What looks at it while it runs, and when it has ended.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor {
            counts: Arc::clone(&self.counts),
            ledger: Arc::clone(&self.ledger),
            room: Arc::clone(&self.room),
            control: self.control.clone(),
        }
    }

    /// Runs until the source ends, or the pipeline was told to stop or failed.
    ///
    /// # Errors
    /// The first failure.
    pub async fn run(self, executor: &Executor) -> Result<Summary, PipelineError> {
        let Self {
            source,
            lanes,
            sinks,
            dead,
            limits,
            control,
            counts,
            ledger,
            room,
            swapper,
            gate: asked,
            stamper,
        } = self;
        let (mut parts, mut revealer) = (Parts::new(), Parts::new());
        let mut build = Build::new(&mut parts, executor, &control, &counts, limits);
        let dead = build.letters(DEAD_LETTERS, Role::DeadLetters, dead, OnRejected::Stop);
        let count = lanes.len();
        let writers = build.sinks(sinks, count, &dead);
        let lanes = build.lanes(lanes, writers, &dead, stamper.as_ref());
        let stores = build.stores();
        let mut build = Build::new(&mut revealer, executor, &control, &counts, limits);
        let no_more = build.revealer(&stores, &ledger);
        let intake = Intake {
            ledger: Arc::clone(&ledger),
            lanes,
            room,
            stores,
            control: control.clone(),
            counts: Arc::clone(&counts),
        };
        let gate = Gate::of(&intake, swapper.orders());
        let settled = async {
            let build = Build::new(&mut parts, executor, &control, &counts, limits);
            let again = Again::new(build, count, dead);
            let ended = tokio::select! {
                biased;
                ended = source.run(intake) => ended,
                never = gate.attend(asked, again) => match never {},
            };
            // Nothing more comes, so there is nothing left that a pause would hold.
            control.set_flow(Flow::Running);
            if let Err(error) = ended {
                control.fail(PipelineError::Source(error));
            }
            while parts.join_next().await.is_some() {}
            // Until then the last dead letter may settle the last run.
            drop(no_more);
            while revealer.join_next().await.is_some() {}
        };
        in_time(settled, &control, limits.shutdown_timeout).await;
        match control.take_error() {
            Some(error) => Err(error),
            None => Ok(Summary {
                totals: counts.totals(),
                unsettled: ledger.unsettled(),
            }),
        }
    }
}

/// Waits until a pipeline has `settled`, for as long as it may take.
async fn in_time(settled: impl Future<Output = ()>, control: &Control, timeout: Duration) {
    tokio::pin!(settled);
    let in_time = tokio::select! {
        biased;
        () = &mut settled => true,
        () = time_is_up(control, timeout) => false,
    };
    if !in_time {
        Stop(control.clone()).give_up();
        // For the source to commit what is settled. What hangs after that has to be left behind.
        let _late = tokio::time::timeout(LAST_WORDS, settled).await;
    }
}

/// A pipeline that stops has so much time; one that has ended, none.
async fn time_is_up(control: &Control, timeout: Duration) {
    control.stopping().await;
    let _ended = tokio::time::timeout(timeout, control.ended()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pipeline_that_has_ended_waits_for_nothing_more() {
        let (control, timeout) = (Control::new(), Duration::from_secs(30));
        let since = tokio::time::Instant::now();
        Stop(control.clone()).stop();
        time_is_up(&control, timeout).await;
        assert_eq!(since.elapsed(), timeout);
        Stop(control.clone()).give_up();
        time_is_up(&control, timeout).await;
        assert_eq!(since.elapsed(), timeout);
    }
}
