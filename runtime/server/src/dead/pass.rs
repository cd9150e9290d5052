//! Goes through the stores of dead letters: each letter that is meant, with whether it was replayed and whether it came before.
//!
//! Marks may lie anywhere in a store, and copies of a letter far apart. What has to be remembered of them is bounded: where there
//! are too many, the stores are read more than once, each time for a part of the ids.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tamis_connect::dead::read::{DeadStore, Entry, Found, Unreadable, Wanted};
use tamis_connect::dead_folder::letter::DeadLetter;

use super::select::Select;

/// Letters and marks that one pass may remember: about 64 MiB.
const KEYS_MAX: u64 = 1_000_000;

/// Stands for an id and a stage; two of them have the same one by a chance that needs no thought.
pub(super) type Key = [u64; 2];

/// A letter that is meant.
#[derive(Debug)]
pub(super) struct Seen {
    /// Which of the stores.
    pub(super) store: usize,
    /// Where in it.
    pub(super) place: String,
    pub(super) letter: DeadLetter,
    /// When it was replayed.
    pub(super) replayed: Option<Timestamp>,
    pub(super) key: Key,
    /// Whether one of this id and stage came before.
    pub(super) is_again: bool,
    /// Whether one came before that was replayed, or not, as this one.
    pub(super) is_copy: bool,
    /// In which pass; keys of another one do not come again.
    pub(super) pass: u64,
}

/// Hands each letter of `stores` that `select` means to `take`, and says how much could not be read: the standard error says where.
pub(super) fn each(
    stores: &[DeadStore],
    select: &Select,
    take: impl FnMut(Seen) -> Result<ControlFlow<()>>,
) -> Result<u64> {
    each_within(stores, select, KEYS_MAX, take)
}

fn each_within(
    stores: &[DeadStore],
    select: &Select,
    keys_max: u64,
    mut take: impl FnMut(Seen) -> Result<ControlFlow<()>>,
) -> Result<u64> {
    let mut entries = 0;
    for store in stores {
        entries += store
            .entries_max()
            .with_context(|| store.name().to_owned())?;
    }
    let mut all = Passes {
        stores,
        select,
        hashers: [RandomState::new(), RandomState::new()],
        count: entries.div_ceil(keys_max).max(1),
        pass: 0,
        unreadable: 0,
    };
    while all.pass < all.count {
        if all.run(&mut take)?.is_break() {
            break;
        }
        all.pass += 1;
    }
    Ok(all.unreadable)
}

struct Passes<'a> {
    stores: &'a [DeadStore],
    select: &'a Select,
    hashers: [RandomState; 2],
    count: u64,
    pass: u64,
    unreadable: u64,
}

impl Passes<'_> {
    /// One pass.
    fn run(
        &mut self,
        take: &mut impl FnMut(Seen) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let (marks, mut seen) = (self.marks()?, HashSet::new());
        for (index, store) in self.stores.iter().enumerate() {
            for entry in store.entries(Wanted::Letters)? {
                let found = match entry? {
                    Entry::Letter(found) if self.select.takes(&found.letter) => found,
                    Entry::Letter(_) | Entry::Mark(_) => continue,
                    Entry::Unreadable(what) => {
                        self.say(store, &what);
                        continue;
                    }
                };
                let Some(letter) = self.letter(index, found, &marks, &mut seen) else {
                    continue;
                };
                if take(letter)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What this pass says of a letter; nothing where it is not its concern, or was replayed and is not meant for that.
    fn letter(
        &self,
        store: usize,
        found: Found,
        marks: &HashMap<Key, Timestamp>,
        seen: &mut HashSet<(Key, bool)>,
    ) -> Option<Seen> {
        let Found { place, letter } = found;
        let key = self.key((&letter.id, &letter.stage));
        if !self.has(key) {
            return None;
        }
        let mark = self.key((store, &place, &letter.id, &letter.stage));
        let replayed = marks.get(&mark).copied();
        if replayed.is_some() && !self.select.all {
            return None;
        }
        let is_copy = !seen.insert((key, replayed.is_some()));
        Some(Seen {
            store,
            place,
            letter,
            replayed,
            key,
            is_again: is_copy || seen.contains(&(key, replayed.is_none())),
            is_copy,
            pass: self.pass,
        })
    }

    /// When each letter was replayed, by store, place, id and stage: a letter that was put where another one was is open.
    fn marks(&mut self) -> Result<HashMap<Key, Timestamp>> {
        let mut marks = HashMap::new();
        for (index, store) in self.stores.iter().enumerate() {
            for entry in store.entries(Wanted::Marks)? {
                match entry? {
                    Entry::Mark(mark) if self.select.takes_mark(&mark) => {
                        if self.has(self.key((&mark.id, &mark.stage))) {
                            let key = self.key((index, &mark.place, &mark.id, &mark.stage));
                            marks.insert(key, mark.when.parse().unwrap_or(Timestamp::UNIX_EPOCH));
                        }
                    }
                    Entry::Mark(_) | Entry::Letter(_) => {}
                    Entry::Unreadable(what) => self.say(store, &what),
                }
            }
        }
        Ok(marks)
    }

    fn key(&self, of: impl std::hash::Hash) -> Key {
        [&self.hashers[0], &self.hashers[1]].map(|hasher| hasher.hash_one(&of))
    }

    /// Whether this pass is about `key`.
    fn has(&self, key: Key) -> bool {
        key[0] % self.count == self.pass
    }

    /// Says what cannot be read, in the first pass over it.
    fn say(&mut self, store: &DeadStore, what: &Unreadable) {
        if self.pass == 0 {
            eprintln!("{}: {what}", store.name());
            self.unreadable += 1;
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
