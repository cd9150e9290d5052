//! One simulation by its seed, and how to make a failing one smaller.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use crate::Outcome;
use crate::world::World;

/// A kind of trouble that a world may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Fault {
    /// The process dies between any two steps.
    Deaths,
    /// The process is asked to stop.
    Stops,
    /// Calls of stores fail, or their answers get lost.
    Calls,
    /// Stores ask for some records again.
    Items,
    /// Stores take their time.
    Slow,
    /// The process stands still for up to two minutes.
    Pauses,
    /// Someone pauses the pipeline and resumes it.
    Holds,
    /// Partitions are revoked, lost and assigned again.
    Rebalances,
    /// Another member gets partitions and loses them again, and each of the two is told late.
    Members,
    /// Someone takes away what is staged, and puts it back.
    Thefts,
    /// Commits are refused, have an effect without an answer, or are answered late.
    Commits,
    /// A plugin stops the pipeline.
    Plugins,
    /// Plugins are swapped for others, some of which have to be taken back.
    Swaps,
}

/// What went wrong in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which law was broken, or what panicked.
    pub law: String,
    /// Everything that happened until then, line by line.
    pub trace: String,
}

/// A simulation: a seed, with bounds that make it smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// All randomness comes from it.
    pub seed: u64,
    /// At most this many partitions.
    pub partitions_max: usize,
    /// At most this many records in each.
    pub records_max: usize,
    /// Troubles that it does not have.
    pub without: BTreeSet<Fault>,
}

impl Case {
    /// The whole simulation of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            partitions_max: usize::MAX,
            records_max: usize::MAX,
            without: BTreeSet::new(),
        }
    }

    /// Runs it; the same case gives the same outcome.
    ///
    /// # Errors
    /// Which law was broken, or what panicked.
    pub fn run(&self) -> Result<Outcome, Broken> {
        let world = World::new(self);
        panic::catch_unwind(AssertUnwindSafe(|| crate::run(&world))).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Broken {
                law: text.unwrap_or_default(),
                trace: world.trace(),
            }
        })
    }

    /// A smaller case that fails too; itself where none was found.
    #[must_use]
    pub fn shrink(&self) -> Self {
        let mut best = self.clone();
        while let Some(smaller) = best.smaller().into_iter().find(|case| case.run().is_err()) {
            best = smaller;
        }
        best
    }

    /// Cases that are a step smaller, the smallest first.
    fn smaller(&self) -> Vec<Self> {
        let mut cases = Vec::new();
        let partitions = self.partitions_max.min(4);
        let records = self.records_max.min(120);
        let bounds = [(1, records), (partitions - 1, records)];
        let halves = [
            (partitions, records / 2),
            (partitions, records - records / 4),
        ];
        let single = [(partitions, records - 1)];
        for (partitions_max, records_max) in bounds.into_iter().chain(halves).chain(single) {
            let is_smaller = partitions_max < partitions || records_max < records;
            if is_smaller && partitions_max > 0 && records_max > 0 {
                cases.push(Self {
                    partitions_max,
                    records_max,
                    ..self.clone()
                });
            }
        }
        for fault in <Fault as clap::ValueEnum>::value_variants() {
            let mut case = self.clone();
            if case.without.insert(*fault) {
                cases.push(case);
            }
        }
        cases
    }
}

/// The arguments of `simulate` that run just this.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--seed {}", self.seed)?;
        if self.partitions_max < usize::MAX {
            write!(f, " --partitions {}", self.partitions_max)?;
        }
        if self.records_max < usize::MAX {
            write!(f, " --records {}", self.records_max)?;
        }
        for fault in &self.without {
            let name = format!("{fault:?}").to_lowercase();
            write!(f, " --without {name}")?;
        }
        Ok(())
    }
}
