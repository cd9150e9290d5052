//! A sink as the laws drive it: in the place of the engine, with nothing between.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tamis_config::{Environment, PluginFiles};
use tamis_core::Destination;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Records, RunSink, RunStore, Sink, SinkError, StagedRun, Verdict};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Case, Store};
use crate::wait::LONG;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// A sink that is connected.
pub struct Subject {
    runtime: Runtime,
    kind: Kind,
}

enum Kind {
    /// With how many requests it may have under way.
    Keyed(Arc<dyn Sink>, usize),
    /// What is written is a run, which is shown at once.
    Runs(Mutex<Box<dyn RunSink>>, Arc<dyn RunStore>),
}

impl Subject {
    /// The usual sink of `store`.
    ///
    /// # Panics
    /// Where it cannot be connected.
    pub fn of<S: Store>(store: &S) -> Self {
        let address = store.address().unwrap_or_default();
        let sink = store.sink(&address, Case::Usual);
        let sink = sink.expect("every store has the usual case");
        Self::connect(&sink).unwrap_or_else(|error| panic!("{sink}: {error:?}"))
    }

    /// The `sink` of a pipeline, as [`Store::sink`] has it.
    ///
    /// # Errors
    /// Where it cannot be connected.
    ///
    /// # Panics
    /// Where the configuration does not take it, or connecting takes too long.
    pub fn connect(sink: &str) -> Result<Self, SinkError> {
        let text = format!(
            "pipeline: laws\nsource: {{ stdin: {{ name: laws }} }}\nsinks: {{ store: {{ {sink} }} }}\n\
             dead_letters: {{ folder: {{ path: /nowhere }} }}\n"
        );
        let file = Path::new("/laws.yaml");
        let files = PluginFiles::MayBeMissing;
        let spec = tamis_config::load_text(&text, file, &Environment::new(), files);
        let spec = spec.unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let connecting = tamis_connect::sink::connect(&spec.sinks[0], 1, "laws", None);
        let connected = runtime.block_on(async { tokio::time::timeout(LONG, connecting).await });
        let kind = match connected.expect("to connect is bounded in time")? {
            Destination::Keyed(sink, limits) => Kind::Keyed(sink, limits.requests_max),
            Destination::Runs(mut sinks, store, _) => {
                let sink = sinks.pop().expect("one for each lane");
                Kind::Runs(Mutex::new(sink), store)
            }
        };
        Ok(Self { runtime, kind })
    }

    /// Whether it takes each record by its id.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        matches!(self.kind, Kind::Keyed(..))
    }

    /// How many writes may be under way at once.
    #[must_use]
    pub fn writes_max(&self) -> usize {
        match &self.kind {
            Kind::Keyed(_, max) => *max,
            Kind::Runs(..) => 1,
        }
    }

    /// One write, which must end.
    ///
    /// # Errors
    /// Where it says nothing about any record.
    ///
    /// # Panics
    /// Where it takes too long, or does not give one verdict a record.
    pub fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let answer = self.write_within(records, LONG);
        let verdicts = answer.expect("a write is bounded in time")?;
        assert_eq!(verdicts.len(), records.len(), "one verdict for each record");
        Ok(verdicts)
    }

    /// One write, which is dropped when it has not ended within `patience`; `None` where it was.
    pub fn write_within(
        &self,
        records: &Records,
        patience: Duration,
    ) -> Option<Result<Vec<Verdict>, SinkError>> {
        self.runtime.block_on(async {
            match &self.kind {
                Kind::Keyed(sink, _) => {
                    let write = sink.write(records);
                    tokio::time::timeout(patience, write).await.ok()
                }
                Kind::Runs(sink, store) => {
                    let mut sink = sink.lock().await;
                    let shown = patience > Duration::ZERO;
                    write_run(&mut **sink, &**store, records, shown).await
                }
            }
        })
    }

    /// Writes until each of `records` is written or rejected, as the engine does; returns the last verdict on each.
    ///
    /// # Panics
    /// Where that takes too long, or the sink wants to stop.
    pub fn settle(&self, records: &Records) -> Vec<Verdict> {
        let settled = self.try_settle(records);
        settled.unwrap_or_else(|error| panic!("the sink stops: {error:?}"))
    }

    /// The same, but for a sink that may want to stop.
    ///
    /// # Errors
    /// Where it does.
    ///
    /// # Panics
    /// Where it takes too long.
    pub fn try_settle(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let started = Instant::now();
        let mut verdicts = vec![Verdict::Retry("never written".to_owned()); records.len()];
        let mut open: Vec<usize> = (0..records.len()).collect();
        while !open.is_empty() {
            assert!(started.elapsed() < LONG, "not settled: {verdicts:?}");
            match self.write(&records.select(open.iter().copied())) {
                Ok(written) => {
                    for (index, verdict) in open.iter().zip(written) {
                        verdicts[*index] = verdict;
                    }
                    open.retain(|index| matches!(verdicts[*index], Verdict::Retry(_)));
                }
                Err(SinkError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
            if !open.is_empty() {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(verdicts)
    }
}

/// Writes a run and shows it twice; or drops it, as one does whose partition is another's now.
async fn write_run(
    sink: &mut dyn RunSink,
    store: &dyn RunStore,
    records: &Records,
    shown: bool,
) -> Option<Result<Vec<Verdict>, SinkError>> {
    let Some(first) = records.iter().next() else {
        return Some(sink.append(records).await);
    };
    let partition = first.partition();
    let appended = match sink.append(records).await {
        Ok(verdicts) => verdicts,
        Err(error) => return Some(Err(error)),
    };
    if !shown {
        sink.abandon(partition).await;
        return None;
    }
    let last = records.iter().last().expect("it has a first one");
    let range = OffsetRange {
        start: first.id().offset,
        next: last.id().offset + 1,
    };
    Some(show(sink, store, partition, range).await.map(|()| appended))
}

async fn show(
    sink: &mut dyn RunSink,
    store: &dyn RunStore,
    partition: &Partition,
    range: OffsetRange,
) -> Result<(), SinkError> {
    let staged: Option<StagedRun> = sink.stage(partition, range).await?;
    let Some(run) = staged else { return Ok(()) };
    // A repeat changes nothing.
    store.reveal(partition, &run).await?;
    store.reveal(partition, &run).await?;
    store.discard(partition, &run).await
}
