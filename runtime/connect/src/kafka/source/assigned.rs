//! The partitions that are read, and their records on the way into batches.

use std::collections::VecDeque;
use std::sync::Arc;

use rdkafka::TopicPartitionList;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;

use crate::kafka::batch_read::{Queue, Record, TopicHandle};
use crate::source::BatchLimits;

/// Partitions, sorted by topic and number.
pub(in crate::kafka) struct Assigned {
    slots: Vec<Slot>,
    ready: VecDeque<Batch>,
    limits: BatchLimits,
    headers: Vec<u8>,
}

/// One partition.
struct Slot {
    partition: Arc<Partition>,
    /// The offset of the next record.
    next: u64,
    open: Option<BatchBuilder>,
    /// Records and bytes of the batch before: the next one is likely as large.
    before: (usize, usize),
    /// Its records come through this queue as long as it lives.
    _queue: Queue,
}

impl Assigned {
    pub(in crate::kafka) fn new(limits: BatchLimits) -> Self {
        let (slots, ready, headers) = Default::default();
        Self {
            slots,
            ready,
            limits,
            headers,
        }
    }

    /// Adds a partition that is read from `start` on.
    pub(in crate::kafka) fn add(&mut self, partition: Arc<Partition>, start: u64, queue: Queue) {
        let index = match self.find(&partition.topic, partition.number) {
            Ok(_) => unreachable!("a partition is revoked before it is assigned anew"),
            Err(index) => index,
        };
        let slot = Slot {
            partition,
            next: start,
            open: None,
            before: (0, 0),
            _queue: queue,
        };
        self.slots.insert(index, slot);
    }

    /// Takes partitions away, with what of them was not sent: it will be read again.
    pub(super) fn remove(&mut self, list: &TopicPartitionList) -> Vec<Arc<Partition>> {
        let removed = list.elements().into_iter().filter_map(|element| {
            let index = self.find(element.topic(), element.partition()).ok()?;
            Some(self.slots.remove(index).partition)
        });
        let removed: Vec<_> = removed.collect();
        self.ready
            .retain(|batch| !removed.contains(batch.partition()));
        removed
    }

    /// Takes all partitions away.
    pub(super) fn remove_all(&mut self) -> Vec<Arc<Partition>> {
        self.ready.clear();
        self.slots.drain(..).map(|slot| slot.partition).collect()
    }

    /// The partition of this name, with the offset of the next record.
    pub(super) fn get(&self, topic: &str, number: i32) -> Option<(&Arc<Partition>, u64)> {
        let slot = &self.slots[self.find(topic, number).ok()?];
        Some((&slot.partition, slot.next))
    }

    /// Adds a record to the batch of its partition. `last` is that of the record before in the same batch read.
    ///
    /// What was fetched for a partition that is gone in the meantime, or comes a second time, is left out.
    pub(in crate::kafka) fn push(&mut self, record: &Record, last: &mut Option<Found>) {
        let (topic, number) = (record.handle(), record.partition());
        let index = match last {
            Some(found) if found.topic == topic && found.number == number => found.index,
            _ => {
                let Ok(index) = self.find(record.topic(), number) else {
                    return;
                };
                *last = Some(Found {
                    topic,
                    number,
                    index,
                });
                index
            }
        };
        if record.offset() >= self.slots[index].next {
            self.append(index, record);
        }
    }

    fn append(&mut self, index: usize, record: &Record) {
        let Self {
            slots,
            ready,
            limits,
            headers,
        } = self;
        let slot = &mut slots[index];
        headers.clear();
        record.flatten_headers(headers);
        let (key, value) = (record.key(), record.value());
        let bytes = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers.len();
        let fits = |open: &BatchBuilder| {
            open.len() < limits.records_max && open.bytes() + bytes <= limits.bytes_max
        };
        if slot.open.as_ref().is_some_and(|open| !fits(open)) {
            ready.extend(slot.seal());
        }
        let (records, room) = slot.before;
        let open = slot.open.get_or_insert_with(|| {
            BatchBuilder::new(Arc::clone(&slot.partition), records, room.max(bytes))
        });
        open.push(record.offset(), record.timestamp_ms(), key, value, headers);
        slot.next = record.offset() + 1;
    }

    /// Makes batches of all records, full or not.
    pub(in crate::kafka) fn seal_all(&mut self) {
        for slot in &mut self.slots {
            self.ready.extend(slot.seal());
        }
    }

    /// The batch that is to be sent next.
    pub(in crate::kafka) fn pop(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    /// Puts a batch back that could not be sent.
    pub(super) fn put_back(&mut self, batch: Batch) {
        self.ready.push_front(batch);
    }

    fn find(&self, topic: &str, number: i32) -> Result<usize, usize> {
        self.slots.binary_search_by(|slot| {
            (&*slot.partition.topic, slot.partition.number).cmp(&(topic, number))
        })
    }
}

impl Slot {
    fn seal(&mut self) -> Option<Batch> {
        let open = self.open.take()?;
        self.before = (open.len(), open.bytes());
        Some(open.finish(self.next))
    }
}

/// Where the partition of a record was found.
pub(in crate::kafka) struct Found {
    topic: TopicHandle,
    number: i32,
    index: usize,
}
