//! The steps of a record's way that matter when a process dies: to be seen in the log, and to die at in a test.

use tracing::debug;

/// Says that `step` was reached while `unsettled` batches were taken and not settled.
///
/// | step        | what is safe by then                                            |
/// |-------------|-----------------------------------------------------------------|
/// | `taken`     | nothing: the batch is in memory alone                           |
/// | `staged`    | a run is written and fsynced, but neither committed nor visible |
/// | `committed` | its end is committed                                            |
/// | `revealed`  | it is visible                                                   |
/// | `draining`  | nothing more: partitions were revoked, or the end has come      |
/// | `buried`    | dead letters are stored, but their offsets are not committed    |
pub(crate) fn reached(step: &'static str, unsettled: usize) {
    debug!(target: "tamis::step", step, unsettled = unsettled as u64, "reached");
}
