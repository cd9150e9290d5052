//! What came of a proof.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::judge::{InStore, Judgement};
use super::options::Options;
use super::plan::Window;
use crate::data::Counts;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// For each death of a member that counts: how many batches were unsettled in it.
    pub(super) kills: BTreeMap<Window, Vec<u64>>,
    /// How many of them were static members.
    pub(super) static_kills: usize,
    /// Deaths with nothing unsettled, which were died again.
    pub(super) in_vain: usize,
    pub(super) rebalances: usize,
    pub(super) broker_kills: usize,
    pub(super) server_kills: usize,
    pub(super) freezes: usize,
}

/// What was done, and what became of the records.
#[derive(Debug)]
pub struct Report {
    options: Options,
    counts: Counts,
    tally: Tally,
    doubled: usize,
    lost: usize,
    letters_again: usize,
    stores: Vec<InStore>,
    took: Duration,
    /// What does not hold; nothing in a proof that succeeded.
    pub problems: Vec<String>,
}

impl Report {
    pub(super) fn new(
        options: Options,
        counts: Counts,
        tally: Tally,
        judgement: Judgement,
        took: Duration,
    ) -> Self {
        let Judgement {
            doubled,
            lost,
            letters_again,
            stores,
            problems,
        } = judgement;
        Self {
            options,
            counts,
            tally,
            doubled,
            lost,
            letters_again,
            stores,
            took,
            problems,
        }
    }

    /// How many members died with something unsettled.
    #[must_use]
    pub fn kills(&self) -> usize {
        self.tally.kills.values().map(Vec::len).sum()
    }

    /// How often servers of stores were killed.
    #[must_use]
    pub fn server_kills(&self) -> usize {
        self.tally.server_kills
    }

    /// How many of the members killed were static, and came back under their names.
    #[must_use]
    pub fn static_kills(&self) -> usize {
        self.tally.static_kills
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row =
            |name: &str, value: &dyn fmt::Display| writeln!(out, "{name:<22} {value:>10}");
        row("records", &self.counts.taken)?;
        row("written", &self.counts.written)?;
        row("dropped", &self.counts.dropped)?;
        row("dead", &self.counts.dead)?;
        for store in &self.stores {
            let value = format!(
                "{:>10}   refused: {}, of them made so: {}",
                store.taken, store.refused, store.impossible
            );
            row(&format!("  in {}", store.name), &value)?;
        }
        row("dead letters again", &self.letters_again)?;
        row("members killed", &self.kills())?;
        for (window, unsettled) in &self.tally.kills {
            let unsettled: Vec<_> = unsettled.iter().map(u64::to_string).collect();
            let value = format!(
                "{:>10}   batches unsettled: {}",
                unsettled.len(),
                unsettled.join(", ")
            );
            row(&format!("  {}", window.name()), &value)?;
        }
        row("  static members", &self.static_kills())?;
        row("kills that hit nothing", &self.tally.in_vain)?;
        row("rebalances", &self.tally.rebalances)?;
        row("broker kills", &self.tally.broker_kills)?;
        row("server kills", &self.tally.server_kills)?;
        row("members frozen", &self.tally.freezes)?;
        row("doubled", &self.doubled)?;
        row("lost", &self.lost)?;
        row("seconds", &format!("{:.1}", self.took.as_secs_f64()))?;
        row("seed", &self.options.seed)?;
        for problem in &self.problems {
            writeln!(out, "FAILED: {problem}")?;
        }
        let verdict = if self.problems.is_empty() {
            "proven: each record once"
        } else {
            "not proven"
        };
        write!(out, "{verdict}")
    }
}
