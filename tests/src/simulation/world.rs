//! What outlives a process: the topic, what was committed, the stores; and what each of them should hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tamis_core::id::Partition;

/// What the plugins of the simulation decide on one input, known without running them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// It goes on as it is.
    Keep,
    /// It is filtered out.
    Drop,
    /// The first plugin refuses it.
    RejectEarly,
    /// The second plugin refuses it.
    RejectLate,
    /// The first plugin makes two of it.
    Twice,
    /// The first plugin gives it a route that a sink takes.
    Audit,
    /// The first plugin gives it a route that only the sink for everything takes.
    Elsewhere,
    /// The keyed sink can never write it.
    Impossible,
    /// The first plugin refuses it, and the first store of dead letters refuses the letter.
    TooLarge,
}

const PLANS: [Plan; 9] = [
    Plan::Keep,
    Plan::Drop,
    Plan::RejectEarly,
    Plan::RejectLate,
    Plan::Twice,
    Plan::Audit,
    Plan::Elsewhere,
    Plan::Impossible,
    Plan::TooLarge,
];

/// Which kinds of trouble this world has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Faults {
    /// Of 100 calls of a store, how many fail.
    pub(super) calls: u32,
    /// Of 100 records written, how many have to be written again.
    pub(super) items: u32,
    /// Milliseconds that a call may take.
    pub(super) slow_ms: u64,
    /// Of 100 batches, after how many a partition is taken away.
    pub(super) rebalances: u32,
    /// Whether some lives end by a request to stop instead.
    pub(super) stops: bool,
}

/// Stores: what is under each key, by name of the store.
pub(super) type Stores = BTreeMap<&'static str, BTreeMap<String, String>>;

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    trace: String,
    committed: BTreeMap<i32, u64>,
    stores: Stores,
}

/// Lives on when a process dies.
#[derive(Debug)]
pub struct World {
    seed: u64,
    /// For each partition its records: offset and plan.
    topic: BTreeMap<i32, Vec<(u64, Plan)>>,
    faults: Faults,
    state: Mutex<State>,
}

/// What came of a world; the same for the same seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that happened, line by line.
    pub trace: String,
    /// Records in all stores together.
    pub stored: usize,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let mut random = fastrand::Rng::with_seed(seed);
        let partitions = random.i32(1..=4);
        let topic = (0..partitions)
            .map(|partition| (partition, records(&mut random)))
            .collect();
        let faults = Faults {
            calls: random.u32(0..40),
            items: random.u32(0..20),
            slow_ms: random.u64(1..400),
            rebalances: random.u32(0..10),
            stops: random.bool(),
        };
        let state = State {
            random,
            trace: String::new(),
            committed: BTreeMap::new(),
            stores: Stores::new(),
        };
        Arc::new(Self {
            seed,
            topic,
            faults,
            state: Mutex::new(state),
        })
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn faults(&self) -> Faults {
        self.faults
    }

    pub(super) fn topic(&self) -> &BTreeMap<i32, Vec<(u64, Plan)>> {
        &self.topic
    }

    pub(super) fn plan(&self, partition: i32, offset: u64) -> Plan {
        let records = &self.topic[&partition];
        let index = records.binary_search_by_key(&offset, |record| record.0);
        records[index.expect("the record exists")].1
    }

    pub(super) fn partition(number: i32) -> Arc<Partition> {
        Arc::new(Partition {
            source: "sim".into(),
            topic: "t".into(),
            number,
            split: 0,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding the world")
    }

    pub(super) fn random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.state().random)
    }

    pub(super) fn random_ms(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random(|random| random.u64(range)))
    }

    /// Whether something happens that happens `of_100` times in 100.
    pub(super) fn chance(&self, of_100: u32) -> bool {
        self.random(|random| random.u32(0..100)) < of_100
    }

    pub(super) fn say(&self, what: String) {
        let mut state = self.state();
        state.trace.push_str(&what);
        state.trace.push('\n');
    }

    pub(super) fn committed(&self, partition: i32) -> u64 {
        self.state().committed.get(&partition).copied().unwrap_or(0)
    }

    /// Puts `value` under `key`; a repeat has to be the same.
    pub(super) fn store(&self, store: &'static str, key: String, value: String) {
        let before = self
            .state()
            .stores
            .entry(store)
            .or_default()
            .insert(key.clone(), value.clone());
        let same = before.is_none_or(|before| before == value);
        assert!(
            same,
            "seed {}: {store} has another value for {key}",
            self.seed
        );
    }

    /// Commits, and checks the first law: no committed checkpoint passes an unsettled record.
    pub(super) fn commit(&self, partition: i32, next: u64) {
        self.say(format!("commit {partition}@{next}"));
        let before = self.state().committed.insert(partition, next);
        assert!(
            before <= Some(next),
            "seed {}: the checkpoint went back",
            self.seed
        );
        let state = self.state();
        for (offset, plan) in self.topic[&partition]
            .iter()
            .filter(|record| record.0 < next)
        {
            for (store, key, value) in expected(partition, *offset, *plan) {
                let found = state
                    .stores
                    .get(store)
                    .and_then(|records| records.get(&key));
                let seed = self.seed;
                assert_eq!(
                    found,
                    Some(&value),
                    "seed {seed}: {next} is committed, {store} lacks {key}"
                );
            }
        }
    }

    /// Checks the second law: everything is committed, and the stores hold what they would without any fault.
    pub(super) fn judge(&self) -> Outcome {
        let state = self.state();
        let mut wanted = Stores::new();
        for (partition, records) in &self.topic {
            let end = records.last().map(|record| record.0 + 1);
            assert_eq!(
                state.committed.get(partition).copied(),
                end,
                "seed {}: work left",
                self.seed
            );
            for (offset, plan) in records {
                for (store, key, value) in expected(*partition, *offset, *plan) {
                    wanted.entry(store).or_default().insert(key, value);
                }
            }
        }
        for store in wanted
            .keys()
            .chain(state.stores.keys())
            .collect::<BTreeSet<_>>()
        {
            let found = state
                .stores
                .get(store)
                .unwrap_or(const { &BTreeMap::new() });
            let wanted = wanted.get(store).unwrap_or(const { &BTreeMap::new() });
            assert_eq!(found, wanted, "seed {}: {store}", self.seed);
        }
        let stored = state.stores.values().map(BTreeMap::len).sum();
        let mut trace = state.trace.clone();
        writeln!(trace, "{stored} stored").expect("a string takes all");
        Outcome { trace, stored }
    }
}

/// Records with gaps between their offsets, as compaction leaves them.
fn records(random: &mut fastrand::Rng) -> Vec<(u64, Plan)> {
    let mut offset = random.u64(0..5);
    let count = random.usize(1..120);
    let mut record = || {
        offset += if random.u8(0..10) == 0 {
            random.u64(2..30)
        } else {
            1
        };
        let plan = if random.bool() {
            Plan::Keep
        } else {
            PLANS[random.usize(0..PLANS.len())]
        };
        (offset, plan)
    };
    (0..count).map(|_| record()).collect()
}

/// Everything that a record leaves behind: store, key and value.
fn expected(partition: i32, offset: u64, plan: Plan) -> Vec<(&'static str, String, String)> {
    let id = |number: u32| format!("sim/t/{partition}/{offset}/{number}");
    let value = |number: u32| format!("{partition}.{offset}.{number}");
    let both = |number| {
        vec![
            ("keyed", id(number), value(number)),
            ("runs", id(number), value(number)),
        ]
    };
    let dead = |store, stage: &str| (store, format!("{stage} {}", id(0)), value(0));
    match plan {
        Plan::Keep => both(0),
        Plan::Drop => vec![],
        Plan::RejectEarly => vec![dead("dead", "first")],
        Plan::RejectLate => vec![dead("dead", "second")],
        Plan::Twice => [both(0), both(1)].concat(),
        Plan::Audit => vec![("audit", id(0), value(0)), ("runs", id(0), value(0))],
        Plan::Elsewhere => vec![("runs", id(0), value(0))],
        Plan::Impossible => vec![dead("dead", "keyed"), ("runs", id(0), value(0))],
        Plan::TooLarge => vec![dead("last resort", "first")],
    }
}
