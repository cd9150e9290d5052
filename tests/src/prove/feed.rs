//! Sends the records while members come and go: in bursts, at a pace that leaves some of them to the very end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;

use super::stage::{PARTITIONS, TOPIC};
use crate::data::lines;
use crate::kafka::{Kafka, Message, Sender};

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(10);
/// A burst is what is due after at most this long.
const BURST_MS_MAX: u64 = 1_500;
/// So much is there before anyone reads.
const BEFORE: usize = 10;

/// The thread that sends.
pub(super) struct Feed {
    state: Arc<State>,
    /// None once all is sent.
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    /// Records that the broker has.
    taken: AtomicU64,
    /// For how long the rest should last; zero sends it at once.
    horizon_ms: AtomicU64,
    /// No one waits for the rest any more.
    is_abandoned: AtomicBool,
}

impl Feed {
    /// Sends a tenth of `input`; the rest later.
    pub(super) fn start(kafka: &Kafka, input: Vec<u8>, seed: u64) -> Self {
        let state = Arc::new(State::default());
        state.horizon_ms.store(3_600_000, Ordering::Relaxed);
        let (sender, shared) = (kafka.sender(TOPIC), Arc::clone(&state));
        let thread = thread::spawn(move || send_all(&sender, &input, &shared, seed));
        Self {
            state,
            thread: Some(thread),
        }
    }

    /// How many records the broker has.
    pub(super) fn taken(&self) -> u64 {
        self.state.taken.load(Ordering::Relaxed)
    }

    /// For how long what is left should last.
    pub(super) fn last_for(&self, horizon: Duration) {
        let horizon = u64::try_from(horizon.as_millis()).expect("it is less than an age");
        self.state.horizon_ms.store(horizon, Ordering::Relaxed);
    }

    /// Sends what is left, and waits until the broker has all of it.
    pub(super) fn finish(&mut self) {
        self.last_for(Duration::ZERO);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("all records are sent");
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.state.is_abandoned.store(true, Ordering::Relaxed);
    }
}

fn send_all(sender: &Sender, input: &[u8], state: &State, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let partitions = (0..).take(PARTITIONS).cycle();
    let mut messages = lines(input)
        .zip(partitions)
        .map(|(line, partition)| Message {
            partition,
            ..Message::value(line)
        });
    let mut left = lines(input).count();
    let mut send = |count: usize, left: &mut usize| {
        messages
            .by_ref()
            .take(count)
            .for_each(|it| sender.send(&it));
        *left -= count.min(*left);
    };
    send(left / BEFORE, &mut left);
    let mut last_burst = Instant::now();
    let mut pause = Duration::ZERO;
    while left > 0 && !state.is_abandoned.load(Ordering::Relaxed) {
        state.taken.store(sender.taken(), Ordering::Relaxed);
        let horizon = state.horizon_ms.load(Ordering::Relaxed);
        let waited = last_burst.elapsed();
        if horizon == 0 {
            send(left, &mut left);
        } else if waited >= pause {
            // Of what is left the share of the time that has passed: it never runs out before its time.
            let waited = waited.as_millis().min(horizon.into());
            let share = left as u128 * waited / u128::from(horizon);
            send(
                usize::try_from(share).expect("a part of what is left") + 1,
                &mut left,
            );
            last_burst = Instant::now();
            pause = Duration::from_millis(random.u64(0..=BURST_MS_MAX));
        }
        thread::sleep(TICK);
    }
    if left > 0 {
        return;
    }
    sender.flush();
    state.taken.store(sender.taken(), Ordering::Relaxed);
}
