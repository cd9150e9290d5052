//! What there is to say of a pipeline at one moment: the form of `status` at the control socket, which grows by additions alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Partitions that are told one by one; a job on files may have any number.
pub const PARTITIONS_MAX: usize = 1000;

/// One pipeline at one moment. Sums count from the start of its process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Where it is in its life.
    pub state: State,
    /// Why it stopped; `None` where it did not, or was told to.
    pub reason: Option<String>,
    /// Whether it does its work.
    pub ready: bool,
    /// All that keeps it from that.
    pub unready: Vec<Unready>,
    /// How long it runs.
    pub uptime_ms: u64,
    /// Where its records come from.
    pub source: Source,
    /// What was taken and is not settled.
    pub in_flight: InFlight,
    /// Those that this process reads now, but not more than [`PARTITIONS_MAX`].
    pub partitions: Vec<Partition>,
    /// In the order of their numbers.
    pub lanes: Vec<Lane>,
    /// In the order in which records meet them, and the versions of each by name.
    pub plugins: Vec<Plugin>,
    /// As the configuration has them.
    pub sinks: Vec<Store>,
    /// What was refused.
    pub dead_letters: Letters,
}

impl Snapshot {
    /// That of a pipeline that is not there yet, because of this.
    #[must_use]
    pub fn not_begun(because: Unready) -> Self {
        Self {
            state: State::Starting,
            reason: None,
            ready: false,
            unready: vec![because],
            uptime_ms: 0,
            source: Source::default(),
            in_flight: InFlight::default(),
            partitions: Vec::new(),
            lanes: Vec::new(),
            plugins: Vec::new(),
            sinks: Vec::new(),
            dead_letters: Letters::default(),
        }
    }
}

/// Where a pipeline is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not all that it needs is there yet.
    Starting,
    /// Records flow.
    Running,
    /// Someone told it to take none for now, and what is in flight is being settled.
    Pausing,
    /// Someone told it so, and all that it took is settled and committed.
    Paused,
    /// It was told to stop, and settles what is in flight.
    Draining,
    /// Its input has ended, or it was told to stop.
    Stopped,
    /// It could not go on.
    Failed,
}

impl State {
    /// Whether nothing more comes of it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed)
    }
}

/// One thing that keeps a pipeline from its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unready {
    /// What kind of thing.
    pub cause: Cause,
    /// In words for a person.
    pub what: String,
}

/// What can keep a pipeline from its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Something that it needs is not there yet.
    Starting,
    /// It is about to end.
    Draining,
    /// It has ended.
    Stopped,
    /// Where the records come from gives no answer.
    SourceAway,
    /// It is no member of its group, or the group is being rearranged.
    GroupLost,
    /// A lane works on one batch for long.
    LaneStuck,
    /// A store gives no answer.
    StoreSilent,
    /// A store says no, and is asked again and again.
    StoreAway,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::Draining,
        Self::Stopped,
        Self::SourceAway,
        Self::GroupLost,
        Self::LaneStuck,
        Self::StoreSilent,
        Self::StoreAway,
    ];

    /// Its name in JSON and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::SourceAway => "source_away",
            Self::GroupLost => "group_lost",
            Self::LaneStuck => "lane_stuck",
            Self::StoreSilent => "store_silent",
            Self::StoreAway => "store_away",
        }
    }
}

/// Where records come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Records that it gave.
    pub records: u64,
    /// Bytes of their keys, values and headers.
    pub bytes: u64,
    /// How long batches waited until less was in flight.
    pub waited_for_room_ns: u64,
    /// How long they waited until their lane had taken others.
    pub waited_for_lanes_ns: u64,
    /// How long they waited until runs were committed.
    pub waited_for_commits_ns: u64,
    /// Partitions that this process reads now.
    pub partitions: u64,
    /// How much there is to read in all of them; `None` where that is not known of one.
    pub lag: Option<u64>,
    /// Whom it talks to; `None` for what is on this machine.
    pub contact: Option<Contact>,
}

/// The group that a source is a member of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// How long ago it gave an answer; `None` where it never did.
    pub answered_ms_ago: Option<u64>,
    /// How long ago it was last known to be a member of the group as it is; `None` where it never was.
    pub member_ms_ago: Option<u64>,
    /// What the client says of the group.
    pub group: String,
}

/// What was taken and is not let go of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Bytes, as the limit counts them.
    pub bytes: u64,
    /// The limit.
    pub bytes_max: u64,
    /// Batches that are not settled, and runs that are not committed.
    pub unsettled: u64,
}

/// How far one partition is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The topic, or the path of the file.
    pub topic: String,
    /// The number of the partition; 0 for a file.
    pub partition: i32,
    /// Which part of a file.
    pub split: u32,
    /// The lane that has it.
    pub lane: usize,
    /// Behind the last record that was taken; `None` before the first one.
    pub next: Option<u64>,
    /// Nothing before it is unsettled; `None` while nothing is settled.
    pub checkpoint: Option<u64>,
    /// What of that is safe where the source keeps it.
    pub committed: Option<u64>,
    /// The end of what there is to read, as it was last known.
    pub log_end: Option<u64>,
    /// How much there is between the checkpoint and that end; for a file in bytes.
    pub lag: Option<u64>,
    /// Batches of it that are not settled.
    pub unsettled: u64,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Batches that wait in front of it.
    pub inbox: u64,
    /// How many may.
    pub inbox_max: u64,
    /// Batches that it is done with.
    pub batches: u64,
    /// How long it works on the present one; `None` where there is none.
    pub busy_ms: Option<u64>,
    /// The sink whose writer it waits for right now.
    pub waits_for: Option<String>,
}

/// What one version of a plugin did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// The name in the pipeline.
    pub name: String,
    /// With the digest of its file.
    pub version: String,
    /// Whether it decided the last batch of any lane.
    pub current: bool,
    /// Records that it got.
    pub records: u64,
    /// Bytes of their keys, values and headers.
    pub bytes: u64,
    /// Records that went on.
    pub records_out: u64,
    /// Bytes of their keys, values and headers.
    pub bytes_out: u64,
    /// Those that went on as they were.
    pub kept: u64,
    /// Those that it made.
    pub emitted: u64,
    /// Those that it filtered out on purpose.
    pub dropped: u64,
    /// Those that it refused, or failed on.
    pub rejected: u64,
    /// Time that it took, all lanes together.
    pub nanos: u64,
    /// Bytes in the memories of its instances, all lanes together.
    pub memory_bytes: u64,
    /// What it counted by names of its own.
    pub counted: BTreeMap<String, u64>,
}

/// A store that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// The name in the pipeline.
    pub name: String,
    /// Records that it took.
    pub records: u64,
    /// Bytes of their keys, values and headers.
    pub bytes: u64,
    /// Requests, or runs that were made safe.
    pub requests: u64,
    /// Requests without an answer, or with one that sent all away.
    pub failures: u64,
    /// Records that the store asked for once more, one by one; those of requests that failed as a whole are not counted.
    pub retried: u64,
    /// How long requests took that had an answer.
    pub latency: Latency,
    /// Requests that are under way.
    pub under_way: u64,
    /// How long the oldest of them is.
    pub oldest_ms: Option<u64>,
    /// How long it is away already; `None` where it is not, as far as is known.
    pub away_ms: Option<u64>,
    /// What was said of that last.
    pub error: Option<String>,
    /// Whether its records are parked meanwhile.
    pub parking: bool,
    /// Parcels that wait in front of its writers.
    pub inbox: u64,
    /// How many may.
    pub inbox_max: u64,
    /// How long lanes, and other writers, waited to hand something over to it.
    pub waited_ns: u64,
}

/// How long something took, by the upper ends of buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Upper end in microseconds, and how many took as long or less, but longer than the end before; slower ones are in no bucket.
    pub buckets: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum_us: u64,
}

impl Latency {
    /// An upper bound of what this share of them took, in microseconds: the end of its bucket. `None` where there were none, or
    /// where it is beyond all buckets.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> Option<u64> {
        let wanted = (share.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0);
        let mut so_far = 0;
        self.buckets.iter().find_map(|(end, count)| {
            so_far += count;
            (so_far as f64 >= wanted).then_some(*end)
        })
    }
}

/// What was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    /// Dead letters that are stored.
    pub stored: u64,
    /// Letters stored of records whose sink was away.
    pub parked: u64,
    /// Who refused how many, and why.
    pub refused: Vec<Refused>,
    /// The stores of dead letters, and of what is parked.
    pub stores: Vec<Store>,
}

/// Records that one stage refused for one kind of reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The plugin, the sink, or the router.
    pub stage: String,
    /// The kind of reason.
    pub reason: String,
    /// How many.
    pub records: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_end_of_its_bucket() {
        let latency = Latency {
            buckets: vec![(1_000, 50), (5_000, 49), (10_000, 0)],
            count: 100,
            sum_us: 0,
        };
        let check = |share, expected| assert_eq!(latency.quantile_us(share), expected, "{share}");
        check(0.0, Some(1_000));
        check(0.5, Some(1_000));
        check(0.51, Some(5_000));
        check(0.99, Some(5_000));
        check(1.0, None);
        assert_eq!(Latency::default().quantile_us(0.5), None);
    }
}
