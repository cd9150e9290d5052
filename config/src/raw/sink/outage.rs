//! What a file may say of a sink whose store is away.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::raw::{RawDeadFolder, RawDeadTopic};

/// What becomes of records while a store is away.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawOnOutage {
    /// They wait.
    #[default]
    Wait,
    /// They go to a topic, a folder, or both, in the form of dead letters, until the store answers again. What is parked is
    /// sent once more by `tamis dead replay --parked SINK`.
    Park(RawPark),
}

/// Where records are parked, and when. With both, the folder takes what the topic refuses; what neither takes is a dead letter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPark {
    /// A Kafka topic.
    pub(crate) kafka: Option<RawDeadTopic>,
    /// A folder on a disk.
    pub(crate) folder: Option<RawDeadFolder>,
    /// How long the store may be away before the first record is parked. A minute outlasts a restart.
    #[serde(default = "after_ms")]
    #[schemars(range(min = 0, max = 86_400_000))]
    pub(crate) after_ms: u64,
}

fn after_ms() -> u64 {
    60_000
}
