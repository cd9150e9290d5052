//! What outlives a process: the topic, what was committed, the stores; and the laws that they must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tamis_core::id::Partition;
use tokio::sync::Notify;

use crate::case::{Case, Fault};
use crate::plan::{Plan, expected, records};
use crate::shelf::Shelf;
use crate::swaps::Swaps;

/// How much there is of each kind of trouble.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// How many times a process dies.
    pub(crate) deaths: u32,
    /// Of 100 calls of a store, how many fail.
    pub(crate) calls: u32,
    /// Of 100 records written, how many have to be written again.
    pub(crate) items: u32,
    /// Milliseconds that a call may take.
    pub(crate) slow_ms: u64,
    /// Of 1000 steps, at how many the process stands still.
    pub(crate) pauses: u32,
    /// Of 100 batches, after how many a partition is taken away.
    pub(crate) rebalances: u32,
    /// Of 1000 batches, after how many another member gets a partition.
    pub(crate) members: u32,
    /// Whether someone may take away what is staged.
    pub(crate) thefts: bool,
    /// Of 100 commits, how many are not simply answered.
    pub(crate) commits: u32,
    /// Of 1000 batches, at how many a plugin stops the pipeline.
    pub(crate) plugins: u32,
    /// Whether some lives end by a request to stop instead.
    pub(crate) stops: bool,
    /// How many times a life is paused by a person.
    pub(crate) holds: u32,
    /// How many times a life gets other plugins.
    pub(crate) swaps: u32,
}

impl Faults {
    const NONE: Self = Self {
        deaths: 0,
        calls: 0,
        items: 0,
        slow_ms: 1,
        pauses: 0,
        rebalances: 0,
        members: 0,
        thefts: false,
        commits: 0,
        plugins: 0,
        stops: false,
        holds: 0,
        swaps: 0,
    };

    fn draw(random: &mut fastrand::Rng) -> Self {
        Self {
            deaths: random.u32(0..=4),
            calls: random.u32(0..40),
            items: random.u32(0..20),
            slow_ms: random.u64(1..400),
            pauses: random.u32(0..4),
            rebalances: random.u32(0..10),
            members: random.u32(0..60),
            thefts: random.bool(),
            commits: random.u32(0..50),
            plugins: random.u32(0..8),
            stops: random.bool(),
            swaps: random.u32(0..6),
            holds: random.u32(0..4),
        }
    }

    fn without(mut self, fault: Fault) -> Self {
        match fault {
            Fault::Deaths => self.deaths = 0,
            Fault::Stops => self.stops = false,
            Fault::Calls => self.calls = 0,
            Fault::Items => self.items = 0,
            Fault::Slow => self.slow_ms = 1,
            Fault::Pauses => self.pauses = 0,
            Fault::Rebalances => self.rebalances = 0,
            Fault::Members => self.members = 0,
            Fault::Thefts => self.thefts = false,
            Fault::Commits => self.commits = 0,
            Fault::Plugins => self.plugins = 0,
            Fault::Holds => self.holds = 0,
            Fault::Swaps => self.swaps = 0,
        }
        self
    }
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    trace: String,
    faults: Faults,
    life: Life,
    /// Which member each partition is of; the first one where nothing is said.
    owners: BTreeMap<i32, Member>,
    members: u32,
    /// Members that are to join, with their partition.
    joining: Vec<(Member, i32)>,
    committed: BTreeMap<i32, (u64, String)>,
    shelf: Shelf,
    swaps: Swaps,
}

/// A member of the group, by its number. The first one reads all that the others do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Member(u32);

/// One life of a process.
#[derive(Debug, Default)]
struct Life {
    steps: u32,
    dies_at: Option<u32>,
    is_dead: bool,
    /// Whether the first member reads no more.
    is_read: bool,
    /// Whether a plugin wanted to stop the pipeline.
    has_stopped: bool,
    /// Whether none may.
    goes_on: bool,
}

/// Lives on when a process dies.
#[derive(Debug)]
pub(crate) struct World {
    /// For each partition its records: offset and plan.
    topic: BTreeMap<i32, Vec<(u64, Plan)>>,
    /// Whether there is a group that keeps what is committed; without one there is one life alone, as for a file that is read.
    has_group: bool,
    state: Mutex<State>,
    death: Notify,
    joins: Notify,
}

/// What came of a world; the same for the same case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that happened, line by line.
    pub trace: String,
    /// Records in all stores together.
    pub stored: usize,
    /// What became of swaps.
    pub swaps: Swaps,
}

impl World {
    pub(crate) fn new(case: &Case) -> Arc<Self> {
        let mut random = fastrand::Rng::with_seed(case.seed);
        let partitions = random.i32(1..=4);
        let mut topic: BTreeMap<i32, Vec<(u64, Plan)>> = (0..partitions)
            .map(|partition| (partition, records(&mut random)))
            .collect();
        topic.retain(|number, _| usize::try_from(*number).is_ok_and(|it| it < case.partitions_max));
        topic
            .values_mut()
            .for_each(|records| records.truncate(case.records_max));
        let has_group = random.u8(0..8) > 0;
        let mut drawn = Faults::draw(&mut random);
        if !has_group {
            (drawn.deaths, drawn.plugins) = (0, 0);
        }
        let faults = case
            .without
            .iter()
            .fold(drawn, |faults, fault| faults.without(*fault));
        let state = State {
            random,
            trace: String::new(),
            faults,
            life: Life::default(),
            owners: BTreeMap::new(),
            members: 0,
            joining: Vec::new(),
            committed: BTreeMap::new(),
            shelf: Shelf::default(),
            swaps: Swaps::default(),
        };
        Arc::new(Self {
            topic,
            has_group,
            state: Mutex::new(state),
            death: Notify::new(),
            joins: Notify::new(),
        })
    }

    pub(crate) fn faults(&self) -> Faults {
        self.state().faults
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        self.state().faults = Faults::NONE;
    }

    pub(crate) fn has_group(&self) -> bool {
        self.has_group
    }

    pub(crate) fn topic(&self) -> &BTreeMap<i32, Vec<(u64, Plan)>> {
        &self.topic
    }

    pub(crate) fn plan(&self, partition: i32, offset: u64) -> Plan {
        let records = &self.topic[&partition];
        let index = records.binary_search_by_key(&offset, |record| record.0);
        records[index.expect("the record exists")].1
    }

    pub(crate) fn partition(number: i32) -> Arc<Partition> {
        Arc::new(Partition {
            source: "sim".into(),
            topic: "t".into(),
            number,
            split: 0,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A broken law panics with the lock held, in a world that no one goes on with.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.state().random)
    }

    pub(crate) fn random_ms(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random(|random| random.u64(range)))
    }

    /// Whether something happens that happens `of_100` times in 100.
    pub(crate) fn chance(&self, of_100: u32) -> bool {
        self.random(|random| random.u32(0..100)) < of_100
    }

    pub(crate) fn say(&self, what: &str) {
        let mut state = self.state();
        state.trace.push_str(what);
        state.trace.push('\n');
    }

    /// Everything that happened so far, line by line.
    pub(crate) fn trace(&self) -> String {
        self.state().trace.clone()
    }

    /// A new process; it dies before its step number `dies_at`. The other members are no more.
    pub(crate) fn begin_life(&self, dies_at: Option<u32>) {
        let mut state = self.state();
        state.life = Life {
            dies_at,
            ..Life::default()
        };
        state.owners.clear();
        state.joining.clear();
    }

    /// A new member joins and gets `partition`; who had it is not told.
    pub(crate) fn join(&self, partition: i32) {
        let mut state = self.state();
        state.members += 1;
        let member = Member(state.members);
        state.owners.insert(partition, member);
        state.joining.push((member, partition));
        drop(state);
        self.joins.notify_one();
    }

    /// The next member that joins, with its partition.
    pub(crate) async fn next_member(&self) -> (Member, i32) {
        loop {
            let joins = self.joins.notified();
            let next = self.state().joining.pop();
            match next {
                Some(next) => return next,
                None => joins.await,
            }
        }
    }

    /// Gives `partition` to `member`; who had it is not told.
    pub(crate) fn give(&self, partition: i32, member: Member) {
        self.state().owners.insert(partition, member);
    }

    pub(crate) fn is_owner(&self, partition: i32, member: Member) -> bool {
        let owner = self.state().owners.get(&partition).copied();
        owner.unwrap_or_default() == member
    }

    /// Someone takes away what is staged, for a life; `false` where it would not be missed.
    pub(crate) fn rob(&self) -> bool {
        self.faults().thefts
            && self.chance(50)
            && self.shelf(|shelf, committed| shelf.take_away(committed))
    }

    /// Returns when the process dies.
    pub(crate) async fn death(&self) {
        self.death.notified().await;
    }

    /// Stands before everything that has an effect on the world: here a process may stand still, or die.
    pub(crate) async fn step(&self) {
        let (is_dead, pauses) = {
            let mut state = self.state();
            let State { life, faults, .. } = &mut *state;
            life.steps += 1;
            life.is_dead |= Some(life.steps) == life.dies_at;
            (life.is_dead, faults.pauses)
        };
        if is_dead {
            self.death.notify_one();
            future::pending::<()>().await;
        }
        if self.random(|random| random.u32(0..1000)) < pauses {
            tokio::time::sleep(self.random_ms(1_000..120_000)).await;
        }
    }

    /// Notes that the first member reads no more in this life.
    pub(crate) fn end_reading(&self) {
        self.state().life.is_read = true;
    }

    /// Whether the first member reads no more in this life.
    pub(crate) fn is_read(&self) -> bool {
        self.state().life.is_read
    }

    /// Whether a plugin stops the pipeline now.
    pub(crate) fn stops(&self) -> bool {
        let mut state = self.state();
        let State {
            random,
            faults,
            life,
            ..
        } = &mut *state;
        let stops = random.u32(0..1000) < faults.plugins && !life.goes_on;
        life.has_stopped |= stops;
        stops
    }

    /// Whether a plugin wanted to stop the pipeline in this life.
    pub(crate) fn has_stopped(&self) -> bool {
        self.state().life.has_stopped
    }

    /// Has no plugin stop the pipeline, or lets them again.
    pub(crate) fn go_on(&self, goes_on: bool) {
        self.state().life.goes_on = goes_on;
    }

    /// Counts what became of a swap.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Swaps)) {
        count(&mut self.state().swaps);
    }

    /// What the group has committed of `partition`: the next offset and metadata.
    pub(crate) fn committed(&self, partition: i32) -> Option<(u64, String)> {
        self.state().committed.get(&partition).cloned()
    }

    /// Works with what is in the stores, and with what is committed of each partition.
    pub(crate) fn shelf<T>(
        &self,
        work: impl FnOnce(&mut Shelf, &BTreeMap<i32, (u64, String)>) -> T,
    ) -> T {
        let mut state = self.state();
        let State {
            shelf, committed, ..
        } = &mut *state;
        work(shelf, committed)
    }

    /// Commits in the name of `member`, if the partition is its own, and checks the first law: no committed checkpoint passes an
    /// unsettled record.
    pub(crate) fn commit(&self, member: Member, partition: i32, next: u64, metadata: &str) -> bool {
        let is_owner = self.is_owner(partition, member);
        self.say(&format!(
            "commit {partition}@{next} {metadata:?} {is_owner}"
        ));
        if !is_owner {
            return false;
        }
        let mut state = self.state();
        let before = state
            .committed
            .insert(partition, (next, metadata.to_owned()));
        assert!(
            before.is_none_or(|(before, _)| before <= next),
            "the checkpoint went back"
        );
        let settled = |record: &&(u64, Plan)| record.0 < next;
        for (offset, plan) in self.topic[&partition].iter().take_while(settled) {
            for (store, key, value) in expected(partition, *offset, *plan) {
                let found = state.shelf.find(store, &key, metadata);
                assert!(
                    found == Some(&*value) || state.shelf.is_parked(store, &key),
                    "{next} is committed, {store} lacks {key}: {found:?}"
                );
            }
        }
        true
    }

    /// Checks, after a life that ended in peace, that no commit names runs: they are seen, and no one has to look for them.
    pub(crate) fn check_names(&self) {
        for (partition, (next, metadata)) in &self.state().committed {
            assert_eq!(metadata, "", "{partition}@{next} still names runs");
        }
    }

    /// Checks the second law: everything is committed, the stores hold what they would without any fault, and nothing is left of
    /// the work on it.
    pub(crate) fn judge(&self) -> Outcome {
        let state = self.state();
        let mut wanted: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        for (partition, records) in &self.topic {
            let end = records.last().map(|record| (record.0 + 1, String::new()));
            let committed = state.committed.get(partition).cloned();
            assert!(
                !self.has_group || committed == end,
                "work is left of {partition}: {committed:?} is committed, not {end:?}"
            );
            for (offset, plan) in records {
                for (store, key, value) in expected(*partition, *offset, *plan) {
                    wanted.entry(store).or_default().insert(key, value);
                }
            }
        }
        let found = state.shelf.replayed();
        let names: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
        for store in names {
            assert_eq!(found.get(store), wanted.get(store), "{store}");
        }
        let left = state.shelf.left();
        assert_eq!(left, [""; 0], "runs are left in staging");
        let stored = found.values().map(BTreeMap::len).sum();
        let mut trace = state.trace.clone();
        writeln!(trace, "{stored} stored").expect("a string takes all");
        let swaps = state.swaps;
        Outcome {
            trace,
            stored,
            swaps,
        }
    }
}
