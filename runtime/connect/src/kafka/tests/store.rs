//! A sink that keeps what it is given, and how often.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tamis_core::headers;
use tamis_core::sink::{Record, Records, Sink, SinkError, Verdict};
use tokio::sync::watch;
use tokio::time::timeout;

use super::cluster::WAIT;

/// A header.
pub(super) type Header = (String, Option<Vec<u8>>);

/// What a record was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) partition: i32,
    pub(super) offset: u64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) headers: Vec<Header>,
    /// How often it came.
    pub(super) times: usize,
}

/// Takes records until there are `room`.
pub(super) struct Store {
    kept: Mutex<BTreeMap<String, Kept>>,
    count: watch::Sender<usize>,
    room: watch::Sender<usize>,
}

impl Store {
    pub(super) fn with_room(room: usize) -> Self {
        let kept = Mutex::default();
        Self {
            kept,
            count: watch::Sender::new(0),
            room: watch::Sender::new(room),
        }
    }

    pub(super) fn make_room(&self) {
        self.room.send_replace(usize::MAX);
    }

    /// Waits until there are `count` different records.
    pub(super) async fn has(&self, count: usize) {
        let reached = self.reaches(count).await;
        assert!(reached, "{count} expected, {} came", *self.count.borrow());
    }

    /// Whether there will soon be `count` different records.
    pub(super) async fn reaches(&self, count: usize) -> bool {
        let mut counts = self.count.subscribe();
        let reached = timeout(WAIT, counts.wait_for(|kept| *kept >= count)).await;
        reached.is_ok()
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.kept.lock().unwrap().keys().cloned().collect()
    }

    fn keep(&self, record: &Record<'_>) {
        let mut kept = self.kept.lock().unwrap();
        let id = record.id();
        let entry = kept.entry(id.to_string()).or_insert_with(|| Kept {
            partition: id.partition.number,
            offset: id.offset,
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            timestamp_ms: record.timestamp_ms(),
            headers: headers::iter(record.headers())
                .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                .collect(),
            times: 0,
        });
        entry.times += 1;
        self.count.send_replace(kept.len());
    }
}

#[async_trait]
impl Sink for Store {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut room = self.room.subscribe();
        room.wait_for(|room| self.count() < *room).await.unwrap();
        records.iter().for_each(|record| self.keep(&record));
        Ok(vec![Verdict::Written; records.len()])
    }
}
