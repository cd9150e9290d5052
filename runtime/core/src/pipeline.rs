//! One pipeline: a source, lanes, and the writers of its sinks, from start to end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::chain::Chain;
use crate::control::{Control, Stop};
use crate::counts::{Counts, Totals};
use crate::delivery::{Context, Delivery, OnRejected, Role};
use crate::error::PipelineError;
use crate::exchange::{Exchange, Gate, Start};
use crate::executor::Executor;
use crate::intake::Intake;
use crate::lane::{Lane, LaneOutlet, LaneSinks};
use crate::ledger::Ledger;
use crate::parking::Parking;
use crate::retry::Backoff;
use crate::reveal::RunStores;
use crate::router::{Claim, Condition, Routes};
use crate::run_writer::{RunLimits, RunWriter};
use crate::sink::{RunSink, RunStore, Sink};
use crate::source::Source;
use crate::stamp::Stamper;
use crate::swap::{LaneEnd, Swapper};
use crate::transform::{Stage, Transform};
use crate::writer::{Writer, WriterLimits};

/// Everything that a pipeline consists of, connected and ready to run.
pub struct Pipeline {
    source: Box<dyn Source>,
    lanes: Vec<LaneStart>,
    sinks: Vec<Outlet>,
    dead: DeadLetters,
    limits: Limits,
    control: Control,
    counts: Arc<Counts>,
    swapper: Swapper,
    exchanges: mpsc::Receiver<Exchange>,
    stamper: Option<Arc<dyn Stamper>>,
}

/// What a lane begins with.
type LaneStart = (Vec<Box<dyn Transform>>, LaneEnd);

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
/// Batches that wait in front of a lane.
const LANE_INBOX_BATCHES: usize = 4;
/// Parcels that wait in front of a writer.
const WRITER_INBOX_PARCELS: usize = 4;
/// How dead letters are written: few, so they wait for each other a little.
const DEAD_LETTER_LIMITS: WriterLimits = WriterLimits {
    records_max: 1000,
    bytes_max: 8 << 20,
    linger: Duration::from_millis(100),
    requests_max: 1,
};

/// How a pipeline ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What went where.
    pub totals: Totals,
    /// Batches that were taken but not settled: they are not committed and will be read again.
    pub unsettled: usize,
}

/// Each resolves when its part ends.
type Parts = JoinSet<()>;

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
        let counts = Arc::new(Counts::new(sinks.iter().map(|sink| sink.name.clone())));
        let control = Control::new();
        let (swapper, ends, exchanges) =
            Swapper::new(lanes.len(), limits.recent_bytes_max, control.clone());
        Self {
            source,
            lanes: lanes.into_iter().zip(ends).collect(),
            sinks,
            dead,
            limits,
            control,
            counts,
            swapper,
            exchanges,
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
            swapper,
            exchanges,
            stamper,
        } = self;
        let has_runs = |sink: &Outlet| matches!(sink.destination, Destination::Runs(..));
        let ledger = Arc::new(Ledger::new(sinks.iter().any(has_runs)));
        let (mut parts, mut revealer) = (Parts::new(), Parts::new());
        let mut build = Build {
            parts: &mut parts,
            executor,
            control: &control,
            counts: &counts,
            limits,
            stamper,
            stores: RunStores::default(),
        };
        let dead = build.letters("dead letters", Role::DeadLetters, dead, OnRejected::Stop);
        let count = lanes.len();
        let writers = build.sinks(sinks, count, &dead);
        let lanes = build.lanes(lanes, writers, dead.clone());
        let stores = std::mem::take(&mut build.stores);
        build.parts = &mut revealer;
        let no_more = build.revealer(&stores, &ledger);
        let room = Arc::new(Semaphore::new(limits.in_flight_bytes_max));
        let gate = Gate {
            room: Arc::clone(&room),
            room_bytes: limits.in_flight_bytes_max,
            ledger: Arc::clone(&ledger),
            lanes: swapper.orders(),
        };
        let intake = Intake {
            ledger: Arc::clone(&ledger),
            lanes,
            room,
            room_bytes: limits.in_flight_bytes_max,
            stores,
            control: control.clone(),
            counts: Arc::clone(&counts),
        };
        let settled = async {
            let again = Again {
                build: Build {
                    parts: &mut parts,
                    executor,
                    control: &control,
                    counts: &counts,
                    limits,
                    stamper: None,
                    stores: RunStores::default(),
                },
                lanes: count,
                dead,
            };
            let ended = tokio::select! {
                biased;
                ended = source.run(intake) => ended,
                never = gate.attend(exchanges, again) => match never {},
            };
            if let Err(error) = ended {
                control.fail(PipelineError::Source(error));
            }
            while parts.join_next().await.is_some() {}
            // Until then the last dead letter may settle the last run.
            drop(no_more);
            while revealer.join_next().await.is_some() {}
        };
        tokio::pin!(settled);
        let in_time = tokio::select! {
            biased;
            () = &mut settled => true,
            () = time_is_up(&control, limits.shutdown_timeout) => false,
        };
        if !in_time {
            Stop(control.clone()).give_up();
            // For the source to commit what is settled. What hangs after that has to be left behind.
            let _late = tokio::time::timeout(LAST_WORDS, settled).await;
        }
        match control.take_error() {
            Some(error) => Err(error),
            None => Ok(Summary {
                totals: counts.totals(),
                unsettled: ledger.unsettled(),
            }),
        }
    }
}

/// A pipeline that stops has so much time; one that has ended, none.
async fn time_is_up(control: &Control, timeout: Duration) {
    control.stopping().await;
    let _ended = tokio::time::timeout(timeout, control.ended()).await;
}

/// Starts the parts of a pipeline, from its end to its beginning.
struct Build<'a> {
    parts: &'a mut Parts,
    executor: &'a Executor,
    control: &'a Control,
    counts: &'a Arc<Counts>,
    limits: Limits,
    stamper: Option<Arc<dyn Stamper>>,
    stores: RunStores,
}

impl Build<'_> {
    fn start(
        &mut self,
        executor: &Executor,
        part: String,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let ended = executor.spawn(&part, work);
        let control = self.control.clone();
        self.parts.spawn(async move {
            if ended.await.is_err() {
                control.fail(PipelineError::Panicked { part });
            }
        });
    }

    fn context(&self, name: &str, role: Role, on_rejected: OnRejected) -> Context {
        Context {
            stage: Stage {
                name: name.to_owned(),
                version: String::new(),
            },
            role,
            on_rejected,
            parking: None,
            control: self.control.clone(),
            counts: Arc::clone(self.counts),
            backoff: self.limits.backoff,
            seed: self.limits.seed,
        }
    }

    fn keyed(
        &mut self,
        context: Context,
        sink: Arc<dyn Sink>,
        limits: WriterLimits,
    ) -> mpsc::Sender<Delivery> {
        let (to, inbox) = mpsc::channel(WRITER_INBOX_PARCELS);
        let name = format!("writer {}", context.stage.name);
        let writer = Writer::new(context, sink, limits, inbox);
        // A task: it waits for answers and computes next to nothing.
        self.start(&Executor::Tasks, name, writer.run());
        to
    }

    /// Starts what writes letters; what both stores refuse goes where `refused` says.
    fn letters(
        &mut self,
        name: &str,
        role: Role,
        to: DeadLetters,
        refused: OnRejected,
    ) -> mpsc::Sender<Delivery> {
        let on_rejected = match to.second {
            Some(second) => {
                let context = self.context(&format!("{name}, second store"), role, refused);
                OnRejected::Forward(self.keyed(context, second, DEAD_LETTER_LIMITS))
            }
            None => refused,
        };
        let context = self.context(name, role, on_rejected);
        self.keyed(context, to.first, DEAD_LETTER_LIMITS)
    }

    /// For each sink, for each lane: where the lane hands its records to.
    fn sinks(
        &mut self,
        sinks: Vec<Outlet>,
        lanes: usize,
        dead: &mpsc::Sender<Delivery>,
    ) -> Vec<SinkStart> {
        let start = |(index, sink): (usize, Outlet)| {
            let context = self.context(
                &sink.name,
                Role::Sink(index),
                OnRejected::Letter(dead.clone()),
            );
            let (outlets, run_limits) = match sink.destination {
                Destination::Keyed(store, limits) => {
                    let parking = self.parking(&sink.name, sink.on_outage, dead);
                    let context = Context { parking, ..context };
                    let to = self.keyed(context, store, limits);
                    (
                        vec![
                            LaneOutlet {
                                to,
                                has_runs: false
                            };
                            lanes
                        ],
                        None,
                    )
                }
                Destination::Runs(sinks, store, limits) => {
                    assert_eq!(sinks.len(), lanes, "one sink with runs for each lane");
                    let waits = matches!(sink.on_outage, OnOutage::Wait);
                    assert!(waits, "runs are shown in order");
                    let to = sinks.into_iter().map(|sink| self.runs(&context, sink));
                    let to = to.collect();
                    // A store refuses no record, and what shows runs outlives the writer of dead letters.
                    let context = self.context(&sink.name, Role::Sink(index), OnRejected::Stop);
                    self.stores.add(context, store);
                    (to, Some(limits))
                }
            };
            SinkStart {
                claim: Claim {
                    routes: sink.routes,
                    condition: sink.condition,
                },
                outlets,
                run_limits,
            }
        };
        sinks.into_iter().enumerate().map(start).collect()
    }

    /// Starts what writes the letters of sink `name` while its store is away. What that refuses is a dead letter.
    fn parking(
        &mut self,
        name: &str,
        on_outage: OnOutage,
        dead: &mpsc::Sender<Delivery>,
    ) -> Option<Arc<Parking>> {
        match on_outage {
            OnOutage::Wait => None,
            OnOutage::Park { after, to } => {
                let name = format!("parking of {name}");
                let refused = OnRejected::Forward(dead.clone());
                let to = self.letters(&name, Role::Parking, to, refused);
                Some(Arc::new(Parking::new(after, to)))
            }
        }
    }

    fn runs(&mut self, context: &Context, sink: Box<dyn RunSink>) -> LaneOutlet {
        let (to, inbox) = mpsc::channel(WRITER_INBOX_PARCELS);
        let writer = RunWriter::new(context.clone(), sink, inbox);
        self.start(
            self.executor,
            format!("writer {}", context.stage.name),
            writer.run(),
        );
        LaneOutlet { to, has_runs: true }
    }

    /// Starts what shows runs, until what is returned is dropped.
    fn revealer(&mut self, stores: &RunStores, ledger: &Arc<Ledger>) -> oneshot::Sender<()> {
        let (no_more, end) = oneshot::channel();
        if !stores.is_empty() {
            let work = stores.clone().run(Arc::clone(ledger), end);
            self.start(self.executor, "revealer".to_owned(), work);
        }
        no_more
    }

    fn lanes(
        &mut self,
        lanes: Vec<LaneStart>,
        sinks: Vec<SinkStart>,
        dead: mpsc::Sender<Delivery>,
    ) -> Vec<mpsc::Sender<crate::lane::LaneMessage>> {
        let start = |(index, (transforms, swaps)): (usize, LaneStart)| {
            let (to, inbox) = mpsc::channel(LANE_INBOX_BATCHES);
            let lane = Lane {
                inbox,
                chain: Chain::new(transforms),
                swaps,
                stamper: self.stamper.clone(),
                sinks: lane_sinks(&sinks, index),
                dead: dead.clone(),
                runs: BTreeMap::new(),
                control: self.control.clone(),
                counts: Arc::clone(self.counts),
            };
            self.start(self.executor, format!("lane {index}"), lane.run());
            to
        };
        lanes.into_iter().enumerate().map(start).collect()
    }
}

/// A sink whose writers run.
struct SinkStart {
    claim: Claim,
    outlets: Vec<LaneOutlet>,
    run_limits: Option<RunLimits>,
}

/// Starts what writes to sinks, while a pipeline runs.
struct Again<'a> {
    build: Build<'a>,
    lanes: usize,
    dead: mpsc::Sender<Delivery>,
}

impl Start for Again<'_> {
    fn start(&mut self, sinks: Vec<Outlet>) -> Vec<LaneSinks> {
        let started = self.build.sinks(sinks, self.lanes, &self.dead);
        let lanes = 0..self.lanes;
        lanes.map(|lane| lane_sinks(&started, lane)).collect()
    }
}

/// Where the lane with this index hands its records to.
fn lane_sinks(sinks: &[SinkStart], index: usize) -> LaneSinks {
    let limits = sinks.iter().filter_map(|sink| sink.run_limits);
    LaneSinks {
        outlets: sinks
            .iter()
            .map(|sink| sink.outlets[index].clone())
            .collect(),
        claims: sinks.iter().map(|sink| sink.claim.clone()).collect(),
        run_limits: limits.reduce(RunLimits::tighter),
    }
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
