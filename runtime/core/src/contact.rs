//! What a source says of whom it talks to, for whoever looks at the pipeline.

use std::sync::Arc;

use crate::counts::Counts;
use crate::id::Partition;
use crate::ledger::Ledger;

/// Takes down what is known of the other side.
#[derive(Debug, Clone)]
pub struct Contact {
    pub(crate) counts: Arc<Counts>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Contact {
    /// Notes that the other side gave an answer.
    pub fn answered(&self) {
        self.counts.gauges().source.answered();
    }

    /// Notes whether the source is a member of its group as it is now, with what its client `says` of that.
    pub fn group(&self, is_member: bool, says: &str) {
        self.counts.gauges().source.group(is_member, says);
    }

    /// Notes that the log of `partition` has no record at `end` or beyond, or that its end is not known; of one that is not open,
    /// nothing.
    pub fn log_end(&self, partition: &Partition, end: Option<u64>) {
        self.ledger.log_end(partition, end);
    }

    /// The partitions that are open.
    #[must_use]
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.ledger.partitions()
    }
}
