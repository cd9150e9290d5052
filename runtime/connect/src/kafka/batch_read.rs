//! Reads records of all partitions from one queue, a batch at a time, without an allocation for each.
//!
//! rdkafka polls one record per call and allocates an event for it. librdkafka's batch read does not, but it must not
//! be used on the queue that also carries rebalances: it would answer them by itself. So records get a queue of their
//! own, to which each partition is forwarded before it is assigned. A forward that the application set survives the
//! start of fetching; the end of fetching clears it, so it is set again with each assignment. Everything here is to be
//! called by the one thread that polls the consumer: in parallel with rebalances, librdkafka loses records.

#![expect(
    unsafe_code,
    reason = "librdkafka's batch read and queues of records have no safe binding"
)]

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
use tamis_core::headers;

use super::source::Consumer;

/// The records of all forwarded partitions.
pub(super) struct RecordQueue {
    // Ahead of the queue, since it must be dropped before.
    records: Vec<Record>,
    queue: Queue,
}

impl RecordQueue {
    /// A queue of `consumer` that hands out at most `records_max` records at once.
    pub(super) fn new(consumer: &Arc<Consumer>, records_max: usize) -> Self {
        // SAFETY: the client is alive, and `Queue` keeps it so.
        let queue = unsafe { native::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = Queue::new(queue, consumer).expect("a new queue is never null");
        Self {
            records: Vec::with_capacity(records_max),
            queue,
        }
    }

    /// Makes the records of a partition come here once it is assigned, for as long as the answer lives.
    pub(super) fn forward(&self, topic: &str, partition: i32) -> Queue {
        let name = CString::new(topic).expect("kafka allows no nul in the name of a topic");
        let consumer = &self.queue.consumer;
        let client = consumer.client().native_ptr();
        // SAFETY: the client is alive, and the name is copied.
        let queue =
            unsafe { native::rd_kafka_queue_get_partition(client, name.as_ptr(), partition) };
        let queue = Queue::new(queue, consumer).expect("a consumer makes what it does not have");
        // SAFETY: both queues are alive; librdkafka counts its own reference to the target.
        unsafe {
            native::rd_kafka_queue_forward(queue.native.as_ptr(), self.queue.native.as_ptr())
        };
        queue
    }

    /// Hands each record to `each` until there are `records_max` or `wait` is over, and tells how many there were.
    pub(super) fn read(
        &mut self,
        records_max: usize,
        wait: Duration,
        mut each: impl FnMut(&Record),
    ) -> usize {
        let room = records_max.min(self.records.capacity());
        let wait = c_int::try_from(wait.as_millis()).expect("waits are short");
        let start = self.records.as_mut_ptr();
        // SAFETY: the queue is alive. `Record` is a transparent pointer that is never null, there is room for as many,
        // and librdkafka fills as many as it says, each ours to destroy.
        let count = unsafe {
            let queue = self.queue.native.as_ptr();
            let count = native::rd_kafka_consume_batch_queue(queue, wait, start.cast(), room);
            let count = usize::try_from(count).unwrap_or(0);
            self.records.set_len(count);
            count
        };
        self.records.drain(..).for_each(|record| each(&record));
        count
    }
}

/// A queue of a consumer that it keeps alive.
pub(super) struct Queue {
    native: NonNull<native::rd_kafka_queue_t>,
    consumer: Arc<Consumer>,
}

impl Queue {
    fn new(queue: *mut native::rd_kafka_queue_t, consumer: &Arc<Consumer>) -> Option<Self> {
        let consumer = Arc::clone(consumer);
        NonNull::new(queue).map(|native| Self { native, consumer })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: it is ours, and dropped once.
        unsafe { native::rd_kafka_queue_destroy(self.native.as_ptr()) }
    }
}

/// Tells topics apart within one batch read, without comparing their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopicHandle(*const native::rd_kafka_topic_t);

/// One record, or an error of its partition. Seen by reference only, so it lives no longer than its batch read.
#[repr(transparent)]
pub(super) struct Record(NonNull<native::rd_kafka_message_t>);

impl Record {
    fn message(&self) -> &native::rd_kafka_message_t {
        // SAFETY: librdkafka made it, it is destroyed only when `self` is dropped, and nothing writes to it meanwhile.
        unsafe { self.0.as_ref() }
    }

    /// Its topic, to compare with that of others in the same batch read.
    pub(super) fn handle(&self) -> TopicHandle {
        TopicHandle(self.message().rkt)
    }

    /// Its topic by name.
    pub(super) fn topic(&self) -> &str {
        // SAFETY: a record holds its topic, whose name ends in nul and does not change.
        let name = unsafe { CStr::from_ptr(native::rd_kafka_topic_name(self.message().rkt)) };
        name.to_str()
            .expect("kafka allows only ASCII in the name of a topic")
    }

    /// The number of its partition.
    pub(super) fn partition(&self) -> i32 {
        self.message().partition
    }

    /// Its offset.
    pub(super) fn offset(&self) -> u64 {
        u64::try_from(self.message().offset).expect("the offset of a record is not negative")
    }

    /// Milliseconds since 1970-01-01 UTC; -1 for none.
    pub(super) fn timestamp_ms(&self) -> i64 {
        let mut kind = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the record is alive, and the kind is ours.
        unsafe { native::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) }
    }

    /// Its key.
    pub(super) fn key(&self) -> Option<&[u8]> {
        // SAFETY: so many bytes are there as long as the record is.
        unsafe { bytes(self.message().key.cast(), self.message().key_len) }
    }

    /// Its value; for an error the words of it.
    pub(super) fn value(&self) -> Option<&[u8]> {
        // SAFETY: so many bytes are there as long as the record is.
        unsafe { bytes(self.message().payload.cast(), self.message().len) }
    }

    /// What is wrong with the partition, where this is no record at all.
    pub(super) fn error(&self) -> Option<RDKafkaErrorCode> {
        let code = self.message().err;
        (code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
    }

    /// Adds its headers to `flat` in the form of the plugin contract.
    pub(super) fn flatten_headers(&self, flat: &mut Vec<u8>) {
        let mut list = ptr::null_mut();
        // SAFETY: the record is alive and keeps the headers; where it has none, an error is returned.
        let found = unsafe { native::rd_kafka_message_headers(self.0.as_ptr(), &raw mut list) };
        if found != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        for index in 0.. {
            let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the list lives as long as the record; beyond its end an error is returned.
            let found = unsafe {
                native::rd_kafka_header_get_all(
                    list,
                    index,
                    &raw mut name,
                    &raw mut value,
                    &raw mut len,
                )
            };
            if found != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return;
            }
            // SAFETY: a name ends in nul, a value has its length, and both live as long as the record.
            let (name, value) = unsafe { (CStr::from_ptr(name), bytes(value.cast(), len)) };
            headers::push(flat, &name.to_string_lossy(), value);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: it is ours, and dropped once.
        unsafe { native::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// # Safety
/// Where `start` is not null, `len` bytes must be there for as long as the caller lets the answer live.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, len) })
}
