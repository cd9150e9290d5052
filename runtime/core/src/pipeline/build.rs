//! Starts the parts of a pipeline, from its end to its beginning.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::{DeadLetters, Destination, Limits, OnOutage, Outlet};
use crate::chain::Chain;
use crate::control::Control;
use crate::counts::Counts;
use crate::delivery::{Context, Delivery, OnRejected, Role};
use crate::error::PipelineError;
use crate::exchange::Start;
use crate::executor::Executor;
use crate::gauges::StoreKind;
use crate::lane::{Lane, LaneMessage, LaneOutlet, LaneSinks};
use crate::ledger::Ledger;
use crate::parking::Parking;
use crate::reveal::RunStores;
use crate::router::Claim;
use crate::run_writer::{RunLimits, RunWriter};
use crate::sink::{RunSink, Sink};
use crate::stamp::Stamper;
use crate::swap::LaneEnd;
use crate::transform::{Stage, Transform};
use crate::writer::{Writer, WriterLimits};

/// Each resolves when its part ends.
pub(super) type Parts = JoinSet<()>;

/// What a lane begins with.
pub(super) type LaneStart = (Vec<Box<dyn Transform>>, LaneEnd);

/// What the first store of dead letters is called; no sink may be.
pub(super) const DEAD_LETTERS: &str = "dead letters";
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

/// Starts the parts of a pipeline, from its end to its beginning.
pub(super) struct Build<'a> {
    parts: &'a mut Parts,
    executor: &'a Executor,
    control: &'a Control,
    counts: &'a Arc<Counts>,
    limits: Limits,
    stores: RunStores,
}

impl<'a> Build<'a> {
    pub(super) fn new(
        parts: &'a mut Parts,
        executor: &'a Executor,
        control: &'a Control,
        counts: &'a Arc<Counts>,
        limits: Limits,
    ) -> Self {
        Self {
            parts,
            executor,
            control,
            counts,
            limits,
            stores: RunStores::default(),
        }
    }

    /// The stores of what it has started; it has none after that.
    pub(super) fn stores(&mut self) -> RunStores {
        std::mem::take(&mut self.stores)
    }

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
        let kind = match role {
            Role::Sink(_) => StoreKind::Sink,
            Role::DeadLetters | Role::Parking => StoreKind::Letters,
        };
        Context {
            gauge: self.counts.gauges().store(name, kind),
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
        context.gauge.comes_in(&to);
        let name = format!("writer {}", context.stage.name);
        let writer = Writer::new(context, sink, limits, inbox);
        // A task: it waits for answers and computes next to nothing.
        self.start(&Executor::Tasks, name, writer.run());
        to
    }

    /// Starts what writes letters; what both stores refuse goes where `refused` says.
    pub(super) fn letters(
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
    pub(super) fn sinks(
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
                    let outlet = LaneOutlet {
                        gauge: Arc::clone(&context.gauge),
                        to: self.keyed(context, store, limits),
                        has_runs: false,
                    };
                    (vec![outlet; lanes], None)
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
                let gauge = self.counts.gauges().store(name, StoreKind::Sink);
                let name = format!("parking of {name}");
                let refused = OnRejected::Forward(dead.clone());
                let to = self.letters(&name, Role::Parking, to, refused);
                Some(Arc::new(Parking::new(after, to, gauge)))
            }
        }
    }

    fn runs(&mut self, context: &Context, sink: Box<dyn RunSink>) -> LaneOutlet {
        let (to, inbox) = mpsc::channel(WRITER_INBOX_PARCELS);
        let gauge = Arc::clone(&context.gauge);
        gauge.comes_in(&to);
        let writer = RunWriter::new(context.clone(), sink, inbox);
        self.start(
            self.executor,
            format!("writer {}", context.stage.name),
            writer.run(),
        );
        LaneOutlet {
            to,
            gauge,
            has_runs: true,
        }
    }

    /// Starts what shows runs, until what is returned is dropped.
    pub(super) fn revealer(
        &mut self,
        stores: &RunStores,
        ledger: &Arc<Ledger>,
    ) -> oneshot::Sender<()> {
        let (no_more, end) = oneshot::channel();
        if !stores.is_empty() {
            let work = stores.clone().run(Arc::clone(ledger), end);
            self.start(self.executor, "revealer".to_owned(), work);
        }
        no_more
    }

    pub(super) fn lanes(
        &mut self,
        lanes: Vec<LaneStart>,
        sinks: Vec<SinkStart>,
        dead: &mpsc::Sender<Delivery>,
        stamper: Option<&Arc<dyn Stamper>>,
    ) -> Vec<mpsc::Sender<LaneMessage>> {
        let dead = LaneOutlet {
            to: dead.clone(),
            gauge: self.counts.gauges().store(DEAD_LETTERS, StoreKind::Letters),
            has_runs: false,
        };
        let start = |(index, (transforms, swaps)): (usize, LaneStart)| {
            let (to, inbox) = mpsc::channel(LANE_INBOX_BATCHES);
            let gauge = Arc::clone(&self.counts.gauges().lanes()[index]);
            gauge.comes_in(&to);
            let lane = Lane {
                index,
                gauge,
                inbox,
                chain: Chain::new(transforms).tapped(swaps.tap.clone()),
                swaps,
                stamper: stamper.cloned(),
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
pub(super) struct SinkStart {
    claim: Claim,
    outlets: Vec<LaneOutlet>,
    run_limits: Option<RunLimits>,
}

/// Starts what writes to sinks, while a pipeline runs.
pub(super) struct Again<'a> {
    build: Build<'a>,
    lanes: usize,
    dead: mpsc::Sender<Delivery>,
}

impl<'a> Again<'a> {
    /// Of a pipeline with so many `lanes`, whose dead letters go to `dead`.
    pub(super) fn new(build: Build<'a>, lanes: usize, dead: mpsc::Sender<Delivery>) -> Self {
        Self { build, lanes, dead }
    }
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
