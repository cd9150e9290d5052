//! The steps of a record's way that matter when a process dies: to be seen in the log (`--log tamis::step=debug`), and to die at
//! in a test.

use tracing::debug;

use crate::ledger::Ledger;

/// Says that `step` is done while so many batches are taken and not settled.
pub(crate) fn reached(step: &'static str, ledger: &Ledger) {
    debug!(target: "tamis::step", step, unsettled = ledger.unsettled());
}

/// A batch was taken from the source.
pub(crate) const TAKEN: &str = "taken";
/// A sink says that records are written, but what they came of is not settled.
pub(crate) const WRITTEN: &str = "written";
/// A run is safe, but no one has committed it.
pub(crate) const STAGED: &str = "staged";
/// The end of a run is committed, but no one sees it yet.
pub(crate) const COMMITTED: &str = "committed";
/// A run is seen.
pub(crate) const REVEALED: &str = "revealed";
/// Partitions are to settle what they have in flight.
pub(crate) const DRAINING: &str = "draining";
/// Dead letters are stored, but what they came of is not settled.
pub(crate) const BURIED: &str = "buried";
