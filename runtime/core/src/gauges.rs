//! What the parts of a pipeline are at right now: written by them once per batch or request, read by whoever looks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

mod lane;
mod latency;
mod source;
mod store;

pub(crate) use lane::LaneGauge;
pub(crate) use source::SourceGauge;
pub(crate) use store::{Outage, StoreGauge, StoreKind};

/// Those of one pipeline.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) begun: Instant,
    pub(crate) source: SourceGauge,
    lanes: Vec<Arc<LaneGauge>>,
    /// In the order in which they were first started.
    stores: Mutex<Vec<Arc<StoreGauge>>>,
}

impl Gauges {
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            begun: Instant::now(),
            source: SourceGauge::default(),
            lanes: (0..lanes).map(|_| Arc::default()).collect(),
            stores: Mutex::default(),
        }
    }

    /// Those of the lanes.
    pub(crate) fn lanes(&self) -> &[Arc<LaneGauge>] {
        &self.lanes
    }

    /// That of the store with this name: other sinks in the place of those before go on counting.
    pub(crate) fn store(&self, name: &str, kind: StoreKind) -> Arc<StoreGauge> {
        let mut stores = lock(&self.stores);
        if let Some(known) = stores
            .iter()
            .find(|it| it.name() == name && it.kind() == kind)
        {
            return Arc::clone(known);
        }
        let gauge = Arc::new(StoreGauge::new(name, kind));
        stores.push(Arc::clone(&gauge));
        gauge
    }

    /// Those of all stores.
    pub(crate) fn stores(&self) -> Vec<Arc<StoreGauge>> {
        lock(&self.stores).clone()
    }
}

/// Who panics while writing down a number leaves a number behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
