//! Sends records without end, so that there are always more than the process has read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;

use super::PARTITIONS;
use crate::data::{self, Kind};
use crate::kafka::{Kafka, Message, Sender};

/// Records that are sent and not seen yet: some seconds of them, so that no lane waits for the feed.
const LEAD: u64 = 400_000;
/// Different records, sent again and again under other numbers.
const TEXTS: usize = 5_000;
/// Records with `trap` in them come in stretches, so that a version may meet them on live records first.
const STRETCH: u64 = 100_000;
const TRAPS: u64 = 4_000;
/// One of so many in a stretch.
const TRAP_EACH: u64 = 500;
/// Between two looks at how far it may go.
const TICK: Duration = Duration::from_millis(5);

/// The thread that sends.
pub(super) struct Feed {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    sent: AtomicU64,
    /// Records that no one has to wait for any more.
    seen: AtomicU64,
    is_over: AtomicBool,
}

/// Whether record `number` of a partition has `trap` in it.
pub(super) fn is_trap(number: u64) -> bool {
    number % STRETCH < TRAPS && number.is_multiple_of(TRAP_EACH)
}

impl Feed {
    /// Sends up to `rate` records a second to `topic`, as many as there is room for where it is 0.
    pub(super) fn start(kafka: &Kafka, topic: &str, rate: u64) -> Self {
        let state = Arc::new(State::default());
        let (sender, shared) = (kafka.sender(topic), Arc::clone(&state));
        Self {
            state,
            thread: Some(thread::spawn(move || send(&sender, rate, &shared))),
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::Relaxed)
    }

    /// Says how many records were seen behind the process.
    pub(super) fn seen(&self, records: u64) {
        self.state.seen.store(records, Ordering::Relaxed);
    }

    /// Sends no more; how many records the broker has.
    pub(super) fn finish(&mut self) -> u64 {
        self.state.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("all records are sent");
        }
        self.sent()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
    }
}

fn send(sender: &Sender, rate: u64, state: &State) {
    let texts = data::logs(TEXTS, Kind::Usual);
    // Behind the brace that each of them begins with.
    let texts: Vec<&[u8]> = data::lines(&texts).map(|text| &text[1..]).collect();
    let (begun, partitions) = (Instant::now(), u64::from(PARTITIONS.unsigned_abs()));
    let mut message = Message::value(Vec::new());
    for (index, text) in (0_u64..).zip(texts.iter().cycle()) {
        let due = || match rate {
            0 => state.seen.load(Ordering::Relaxed) + LEAD,
            rate => rate * u64::try_from(begun.elapsed().as_millis()).unwrap_or(0) / 1000,
        };
        while index >= due() && !state.is_over.load(Ordering::Relaxed) {
            thread::sleep(TICK);
        }
        if state.is_over.load(Ordering::Relaxed) {
            break;
        }
        let (number, partition) = (index / partitions, index % partitions);
        let value = message.value.get_or_insert_default();
        value.clear();
        let trap = if is_trap(number) {
            r#""text":"trap","#
        } else {
            ""
        };
        value.extend_from_slice(format!("{{\"n\":{number},{trap}").as_bytes());
        value.extend_from_slice(text);
        message.partition = i32::try_from(partition).expect("they are few");
        sender.send(&message);
        state.sent.store(index + 1, Ordering::Relaxed);
    }
    sender.flush();
}
