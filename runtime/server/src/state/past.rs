//! What follows from the entries of a history.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::entry::{Entry, Event};

/// Files are kept of so many versions of each plugin.
pub(super) const VERSIONS_MAX: usize = 16;

/// The versions of one plugin that were promoted and not taken back, oldest first:
///
/// | noted | stand |
/// |---|---|
/// | promoted A, promoted B | A B |
/// | promoted A, promoted B, rolled back B (from A) | A |
/// | promoted A, on probation B, rolled back B (from A) | A |
/// | promoted A, removed A | none |
#[derive(Debug)]
pub(crate) struct Past<'a>(Vec<&'a Entry>);

impl<'a> Past<'a> {
    /// That of `plugin`, by the `entries` of a history.
    pub(crate) fn of(entries: &'a [Entry], plugin: &str) -> Self {
        let mut past = Self(Vec::new());
        let named = entries.iter().enumerate();
        for (index, entry) in named.filter(|(_, entry)| entry.plugin == plugin) {
            match entry.event {
                Event::Refused | Event::Shadowed | Event::OnProbation => {}
                Event::Promoted => {
                    past.0.pop_if(|top| top.sha256 == entry.sha256);
                    past.0.push(entry);
                }
                Event::RolledBack => past.take_back(entry, &entries[..index]),
                Event::Removed => past.0.clear(),
            }
        }
        past
    }

    /// What runs.
    pub(crate) fn running(&self) -> Option<&'a Entry> {
        self.0.last().copied()
    }

    /// What ran before.
    pub(crate) fn before(&self) -> Option<&'a Entry> {
        self.0.iter().nth_back(1).copied()
    }

    /// `from` runs again; it is below, or, where it was dropped from there, in what was noted `earlier`.
    fn take_back(&mut self, entry: &Entry, earlier: &'a [Entry]) {
        // The same file under other settings: it stays.
        if entry.from.as_ref() == Some(&entry.sha256) {
            return;
        }
        self.0.pop_if(|top| top.sha256 == entry.sha256);
        let Some(from) = &entry.from else {
            return;
        };
        if let Some(at) = self.0.iter().rposition(|it| it.sha256 == *from) {
            self.0.truncate(at + 1);
            return;
        }
        let of_from = |it: &&Entry| it.plugin == entry.plugin && it.sha256 == *from;
        self.0.extend(earlier.iter().rfind(of_from));
    }
}

/// The highest version of `plugin` that was ever promoted; what is no version of semver is passed over.
pub(super) fn newest<'a>(entries: &'a [Entry], plugin: &str) -> Option<&'a str> {
    let promoted = entries
        .iter()
        .filter(|entry| entry.plugin == plugin && entry.event == Event::Promoted);
    let versions = promoted.filter_map(|entry| {
        let version = Version::parse(&entry.semver).ok()?;
        Some((version, &*entry.semver))
    });
    let highest = versions.max_by(|(a, _), (b, _)| a.cmp_precedence(b));
    highest.map(|(_, version)| version)
}

/// The digests of the versions whose files are kept: of each plugin those that something was last said of, the running one and
/// the one before.
pub(super) fn versions_to_keep(entries: &[Entry]) -> BTreeSet<&str> {
    let mut latest: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in entries.iter().rev() {
        let versions = latest.entry(&entry.plugin).or_default();
        if versions.len() < VERSIONS_MAX && !versions.contains(&&*entry.sha256) {
            versions.push(&entry.sha256);
        }
    }
    let stand = |plugin: &&str| {
        let past = Past::of(entries, plugin);
        [past.running(), past.before()]
    };
    let standing: Vec<_> = latest.keys().flat_map(stand).flatten().collect();
    let mut keep: BTreeSet<&str> = latest.into_values().flatten().collect();
    keep.extend(standing.iter().map(|entry| &*entry.sha256));
    keep
}

/// `entries` without the oldest ones, so that `most` are left. One without which another version would run, would be the one
/// before or the newest stays, and so does the last one.
pub(super) fn thinned(mut entries: Vec<Entry>, most: usize) -> Vec<Entry> {
    let mut at = 0;
    while entries.len() > most && at + 1 < entries.len() {
        let plugin = entries[at].plugin.clone();
        let standing = Standing::of(&entries, &plugin);
        let dropped = entries.remove(at);
        if Standing::of(&entries, &plugin) != standing {
            entries.insert(at, dropped);
            at += 1;
        }
    }
    entries
}

/// What must not change when entries are dropped.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    running: Option<(String, u64)>,
    before: Option<(String, u64)>,
    newest: Option<String>,
}

impl Standing {
    fn of(entries: &[Entry], plugin: &str) -> Self {
        let past = Past::of(entries, plugin);
        let named = |entry: &Entry| (entry.sha256.clone(), entry.at_ms);
        Self {
            running: past.running().map(named),
            before: past.before().map(named),
            newest: newest(entries, plugin).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
