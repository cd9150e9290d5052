//! What the stores hold, and what is staged for those that show whole runs.

use std::collections::BTreeMap;

use crate::stores::PARKING;

type Committed = BTreeMap<i32, (u64, String)>;

/// All stores, by name.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    stores: Stores,
    staging: Staging,
    /// Where the staging is while someone has taken it away.
    away: Option<Staging>,
}

/// What each store has, by its name.
type Stores = BTreeMap<&'static str, BTreeMap<String, String>>;

/// Runs by `STORE/RUN`, as commits name them.
type Staging = BTreeMap<String, Run>;

/// A run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) store: &'static str,
    pub(crate) partition: i32,
    pub(crate) state: State,
}

/// What there is of a run.
#[derive(Debug)]
pub(crate) enum State {
    /// Its owner writes it.
    Open,
    /// It is whole: its end, and what is not moved into its store yet.
    Staged(u64, BTreeMap<String, String>),
    /// All of it is in its store.
    Seen,
}

/// There is nothing of a run.
#[derive(Debug)]
pub(crate) struct Gone;

impl Shelf {
    /// Puts `value` under `key`; a repeat has to be the same.
    pub(crate) fn put(&mut self, store: &'static str, key: String, value: String) {
        let before = self
            .stores
            .entry(store)
            .or_default()
            .insert(key.clone(), value.clone());
        assert!(
            before.is_none_or(|before| before == value),
            "{store} has another value for {key}"
        );
    }

    pub(crate) fn begin(&mut self, name: String, store: &'static str, partition: i32) {
        let state = State::Open;
        let run = Run {
            store,
            partition,
            state,
        };
        let before = self.staging.insert(name, run);
        assert!(before.is_none(), "two runs have one name");
    }

    /// Whether there is anything of the run `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.staging.contains_key(name)
    }

    pub(crate) fn stage(
        &mut self,
        name: &str,
        next: u64,
        records: BTreeMap<String, String>,
    ) -> Result<(), Gone> {
        let run = self.staging.get_mut(name).ok_or(Gone)?;
        run.state = State::Staged(next, records);
        Ok(())
    }

    /// Moves one record of the run `name` to where it is seen; `false` when all of them are. A record is seen once, and not
    /// before its run is committed.
    pub(crate) fn reveal_one(
        &mut self,
        name: &str,
        committed: &Committed,
        has_group: bool,
    ) -> Result<bool, Gone> {
        let run = self.staging.get_mut(name).ok_or(Gone)?;
        let State::Staged(end, records) = &mut run.state else {
            assert!(matches!(run.state, State::Seen), "{name} is not staged");
            return Ok(false);
        };
        let next = committed.get(&run.partition).map(|(next, _)| *next);
        assert!(
            !has_group || Some(*end) <= next,
            "{name} is shown before it is committed"
        );
        let Some((key, value)) = records.pop_first() else {
            run.state = State::Seen;
            return Ok(false);
        };
        let store = self.stores.entry(run.store).or_default();
        let before = store.insert(key.clone(), value);
        assert_eq!(before, None, "{} has {key} twice", run.store);
        Ok(true)
    }

    /// The names of what `store` has staged of `partition`.
    pub(crate) fn staged(&self, store: &str, partition: i32) -> Vec<String> {
        let runs = self.staging.iter();
        let runs = runs.filter(|(_, run)| run.store == store && run.partition == partition);
        runs.map(|(name, _)| name.clone()).collect()
    }

    /// Throws away what there is of a run, which may not be named by the commit of its partition.
    pub(crate) fn discard(&mut self, name: &str, committed: &Committed) {
        if let Some(run) = self.staging.remove(name) {
            let is_named = is_named(name, run.partition, committed);
            assert!(!is_named, "{name} is committed, but discarded");
        }
    }

    /// What `store` has under `key`, or what it will show of the runs that `metadata` names.
    pub(crate) fn find(&self, store: &str, key: &str, metadata: &str) -> Option<&str> {
        let seen = self.stores.get(store).and_then(|records| records.get(key));
        let named = || {
            metadata.split(' ').find_map(|name| {
                let run = self.staging.get(name).filter(|run| run.store == store)?;
                match &run.state {
                    State::Staged(_, records) => records.get(key),
                    State::Open | State::Seen => None,
                }
            })
        };
        seen.or_else(named).map(String::as_str)
    }

    /// Whether the record with this key is parked for `store`.
    pub(crate) fn is_parked(&self, store: &str, key: &str) -> bool {
        let parked = self.stores.get(PARKING);
        parked.is_some_and(|parked| parked.contains_key(&format!("{store} {key}")))
    }

    /// What the stores hold once all that is parked is replayed.
    pub(crate) fn replayed(&self) -> Stores {
        let mut stores = self.stores.clone();
        for (key, value) in stores.remove(PARKING).unwrap_or_default() {
            let id = key.strip_prefix("audit ").expect("no other store parks");
            let audit = stores.entry("audit").or_default();
            audit.entry(id.to_owned()).or_insert(value);
        }
        stores
    }

    /// What is left in staging.
    pub(crate) fn left(&self) -> Vec<&str> {
        self.staging.keys().map(String::as_str).collect()
    }

    /// Someone takes all that is staged away; `false` where it is not missed, since no commit names any of it.
    pub(crate) fn take_away(&mut self, committed: &Committed) -> bool {
        let mut runs = self.staging.iter();
        let is_missed = runs.any(|(name, run)| is_named(name, run.partition, committed));
        if is_missed {
            self.away = Some(std::mem::take(&mut self.staging));
        }
        is_missed
    }

    /// Whether someone has taken away what was staged.
    pub(crate) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Puts it back.
    pub(crate) fn put_back(&mut self) {
        self.staging.extend(self.away.take().unwrap_or_default());
    }
}

fn is_named(name: &str, partition: i32, committed: &Committed) -> bool {
    let named = committed.get(&partition);
    named.is_some_and(|(_, metadata)| metadata.split(' ').any(|word| word == name))
}
