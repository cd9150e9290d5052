//! What a lane is at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{StoreGauge, lock};
use crate::lane::LaneMessage;
use crate::snapshot::Lane;

#[derive(Debug, Default)]
pub(crate) struct LaneGauge {
    batches: AtomicU64,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// Since when it works on what it has.
    busy: Option<Instant>,
    /// The writer that it waits for, and since when.
    waits: Option<(Arc<StoreGauge>, Instant)>,
    /// It is the lane that keeps it open.
    inbox: Option<mpsc::WeakSender<LaneMessage>>,
}

impl LaneGauge {
    /// Notes where its batches come in.
    pub(crate) fn comes_in(&self, inbox: &mpsc::Sender<LaneMessage>) {
        lock(&self.now).inbox = Some(inbox.downgrade());
    }

    /// Notes that it begins with something.
    pub(crate) fn begin(&self) {
        lock(&self.now).busy = Some(Instant::now());
    }

    /// Notes that it is done with that; whether it was a batch.
    pub(crate) fn end(&self, was_batch: bool) {
        lock(&self.now).busy = None;
        self.batches
            .fetch_add(u64::from(was_batch), Ordering::Relaxed);
    }

    /// Notes that it waits for `store` until what is returned is dropped.
    pub(crate) fn waits_for<'a>(&'a self, store: &Arc<StoreGauge>) -> Waiting<'a> {
        lock(&self.now).waits = Some((Arc::clone(store), Instant::now()));
        Waiting(self)
    }

    pub(crate) fn view(&self, now: Instant) -> Lane {
        let state = lock(&self.now);
        let inbox = state.inbox.as_ref().and_then(mpsc::WeakSender::upgrade);
        let (inbox, inbox_max) = inbox.map_or((0, 0), |it| fill(&it));
        Lane {
            inbox,
            inbox_max,
            batches: self.batches.load(Ordering::Relaxed),
            busy_ms: state.busy.map(|since| super::store::ms(now, since)),
            waits_for: state.waits.as_ref().map(|(it, _)| it.name().to_owned()),
        }
    }
}

/// How many messages are in a channel, and how many may be.
pub(super) fn fill<T>(channel: &mpsc::Sender<T>) -> (u64, u64) {
    let max = channel.max_capacity();
    ((max - channel.capacity()) as u64, max as u64)
}

/// A lane that waits.
pub(crate) struct Waiting<'a>(&'a LaneGauge);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some((store, since)) = lock(&self.0.now).waits.take() {
            store.waited(since.elapsed());
        }
    }
}
