//! What the tests of several connectors need: records, and a pipeline that keeps what it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};
use tamis_core::source::Source;
use tamis_core::{
    Backoff, DeadLetters, Destination, Executor, Limits, OnOutage, Outlet, Pipeline, PipelineError,
    Routes, Summary, WriterLimits,
};
use tokio::sync::mpsc;

pub(crate) fn partition(topic: &str) -> Arc<Partition> {
    Arc::new(Partition {
        source: "test".into(),
        topic: topic.into(),
        number: 0,
        split: 0,
    })
}

/// Records of `partition` with these offsets, times and values.
pub(crate) fn records(partition: &Arc<Partition>, rows: &[(u64, i64, Option<&[u8]>)]) -> Records {
    let mut batch = BatchBuilder::new(Arc::clone(partition), rows.len(), 0);
    for (offset, timestamp_ms, value) in rows {
        batch.push(*offset, *timestamp_ms, None, *value, &[]);
    }
    let next = rows.last().expect("there is a row").0 + 1;
    all(batch.finish(next))
}

/// All records of `batch`.
pub(crate) fn all(batch: Batch) -> Records {
    let mut records = Records::default();
    let count = u32::try_from(batch.rows().len()).expect("tests are small");
    records.push(&Arc::new(batch), 0..count);
    records
}

/// A store in memory; tells of each record that it is given.
#[derive(Debug)]
pub(crate) struct Memory {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
    told: mpsc::Sender<Vec<u8>>,
}

impl Memory {
    pub(crate) fn new() -> (Arc<Self>, mpsc::Receiver<Vec<u8>>) {
        let (told, hears) = mpsc::channel(10_000);
        (
            Arc::new(Self {
                values: Mutex::default(),
                told,
            }),
            hears,
        )
    }

    /// Values by id.
    pub(crate) fn values(&self) -> BTreeMap<String, Vec<u8>> {
        self.values
            .lock()
            .expect("no one panics while holding it")
            .clone()
    }
}

#[async_trait]
impl Sink for Memory {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        for record in records.iter() {
            let value = record.value().expect("lines are no tombstones").to_vec();
            let before = self
                .values
                .lock()
                .expect("no one panics while holding it")
                .insert(record.id().to_string(), value.clone());
            assert_eq!(before, None, "{} came twice", record.id());
            self.told
                .try_send(value)
                .expect("tests send less than the channel holds");
        }
        Ok(vec![Verdict::Written; records.len()])
    }
}

/// A store that takes each record by itself and at once.
pub(crate) fn keyed(store: &Arc<Memory>) -> Destination {
    let limits = WriterLimits {
        records_max: 100,
        bytes_max: 1 << 20,
        linger: Duration::ZERO,
        requests_max: 1,
    };
    Destination::Keyed(Arc::clone(store) as Arc<dyn Sink>, limits)
}

/// `source` into `destination` on this many lanes, with dead letters going to `dead`.
pub(crate) fn pipeline(
    source: Box<dyn Source>,
    lanes: usize,
    destination: Destination,
    dead: Arc<dyn Sink>,
) -> Pipeline {
    let outlet = Outlet {
        name: "store".to_owned(),
        routes: Routes::All,
        condition: None,
        destination,
        on_outage: OnOutage::Wait,
    };
    let limits = Limits {
        in_flight_bytes_max: 1 << 20,
        recent_bytes_max: 0,
        shutdown_timeout: Duration::from_secs(60),
        backoff: Backoff::default(),
        seed: 0,
    };
    let dead = DeadLetters {
        first: dead,
        second: None,
    };
    let lanes = (0..lanes).map(|_| Vec::new()).collect();
    Pipeline::new(source, lanes, vec![outlet], dead, limits)
}

pub(crate) async fn run(pipeline: Pipeline) -> Result<Summary, PipelineError> {
    pipeline
        .run(&Executor::Threads(tokio::runtime::Handle::current()))
        .await
}
