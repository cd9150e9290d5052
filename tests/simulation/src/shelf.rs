//! What the stores hold, and what is staged for those that show whole runs.

use std::collections::{BTreeMap, BTreeSet};

type Committed = BTreeMap<i32, (u64, String)>;

/// All stores, by name.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    stores: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// By `STORE/RUN`, as commits name them.
    staged: BTreeMap<String, Run>,
    /// Runs that are whole in their store.
    seen: BTreeSet<String>,
}

/// A staged run: what is not moved into its store yet.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) store: &'static str,
    pub(crate) partition: i32,
    pub(crate) next: u64,
    pub(crate) records: BTreeMap<String, String>,
}

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

    pub(crate) fn stage(&mut self, name: String, run: Run) {
        let before = self.staged.insert(name, run);
        assert!(before.is_none(), "two runs have one name");
    }

    /// Moves one record of the run `name` to where it is seen; `false` when all of them are. A record is seen once, and not
    /// before its run is committed.
    pub(crate) fn reveal_one(
        &mut self,
        name: &str,
        committed: &Committed,
        has_group: bool,
    ) -> bool {
        let Some(run) = self.staged.get_mut(name) else {
            assert!(self.seen.contains(name), "{name} is gone, unseen");
            return false;
        };
        let next = committed.get(&run.partition).map(|(next, _)| *next);
        assert!(
            !has_group || Some(run.next) <= next,
            "{name} is shown before it is committed"
        );
        let Some((key, value)) = run.records.pop_first() else {
            self.staged.remove(name);
            self.seen.insert(name.to_owned());
            return false;
        };
        let store = self.stores.entry(run.store).or_default();
        let before = store.insert(key.clone(), value);
        assert_eq!(before, None, "{} has {key} twice", run.store);
        true
    }

    /// Throws away what `store` has staged of `partition`, none of which may be named by its commit.
    pub(crate) fn sweep(&mut self, store: &str, partition: i32, committed: &Committed) {
        let named = committed
            .get(&partition)
            .map_or("", |(_, metadata)| metadata);
        self.staged.retain(|name, run| {
            let is_swept = run.partition == partition && run.store == store;
            let is_named = named.split(' ').any(|word| word == name);
            assert!(!(is_swept && is_named), "{name} is committed, but swept");
            !is_swept
        });
    }

    /// What `store` has under `key`, or what it will show of the runs that `metadata` names.
    pub(crate) fn find(&self, store: &str, key: &str, metadata: &str) -> Option<&str> {
        let seen = self.stores.get(store).and_then(|records| records.get(key));
        let named = || {
            metadata.split(' ').find_map(|name| {
                let run = self.staged.get(name).filter(|run| run.store == store)?;
                run.records.get(key)
            })
        };
        seen.or_else(named).map(String::as_str)
    }

    pub(crate) fn stores(&self) -> &BTreeMap<&'static str, BTreeMap<String, String>> {
        &self.stores
    }

    /// How many runs are staged.
    pub(crate) fn staged(&self) -> usize {
        self.staged.len()
    }
}
