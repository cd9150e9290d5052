//! `tamis tap`: records in front of a plugin and behind it, while they flow. What the process shows that runs the pipeline; and, in
//! `show`, who asks it for that.

mod content;
mod filter;
mod show;
mod side;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tamis_connect::dead_folder::letter::Content;
use tamis_core::Valve;
use tamis_core::tap::{self, Look, Looked, Tap, TapFate, Tapped};
use tokio::time::interval;
use tracing::info;

use crate::cli::tap::Fate;
use crate::control::{Ended, Events};

pub(crate) use self::filter::Filter;
pub(crate) use self::show::run;

/// How often it is said how much was looked at: so that a client that went away is noticed, too.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Records a second, at most.
const RATE_MAX: u32 = 1_000;

/// What someone wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// All of them together where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plugin: Option<String>,
    /// Any where there is none.
    #[serde(default)]
    pub(crate) fates: Vec<Fate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
    /// Records a second, at most.
    pub(crate) rate: u32,
}

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Record(Box<Shown>),
    Looked(Progress),
}

/// A record, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    topic: String,
    partition: i32,
    offset: u64,
    /// Which of the outputs of that record it is.
    number: u32,
    /// The version that decided; empty for all plugins together.
    #[serde(default)]
    version: String,
    fate: Fate,
    /// Why it was refused.
    #[serde(default)]
    reasons: Vec<String>,
    before: Part,
    after: Vec<Part>,
    /// How many more there are behind.
    #[serde(default)]
    more: usize,
}

/// A record as it was or is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    value: Option<Content>,
    /// How many bytes the value has, of which this may be the first ones.
    value_bytes: usize,
    key: Option<Content>,
    route: Option<Content>,
    /// In the form of the plugin contract.
    headers: Content,
    timestamp_ms: i64,
}

/// How much was looked at so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// Records that passed.
    passed: u64,
    looked_at: u64,
    /// Records that could not be shown because they were not read fast enough.
    lost: u64,
}

/// Shows what is `wanted` of the pipeline of this name and these plugins, until no one reads it any more.
pub(crate) async fn serve(
    wanted: Wanted,
    (pipeline, plugins): (&str, &[String]),
    tap: &Tap,
    valve: &Valve,
    events: &Events,
) -> Ended {
    if let Some(plugin) = &wanted.plugin
        && !plugins.contains(plugin)
    {
        let plugins = plugins.join(", ");
        return Ended::failed(format!("there is no plugin {plugin}; there are: {plugins}"));
    }
    info!(
        pipeline,
        plugin = wanted.plugin,
        "someone looks at records by tap"
    );
    let fates = wanted.fates.iter().map(|fate| match fate {
        Fate::Keep => TapFate::Keep,
        Fate::Drop => TapFate::Drop,
        Fate::Emit => TapFate::Emit,
        Fate::Reject => TapFate::Reject,
    });
    let look = Look {
        stage: wanted.plugin,
        fates: fates.collect(),
        filter: wanted.filter.map(Filter::condition),
        rate: wanted.rate.clamp(1, RATE_MAX),
    };
    let mut watching = match tap.watch(look) {
        Ok(watching) => watching,
        Err(error) => return Ended::failed(error.to_string()),
    };
    let mut every = interval(TELL_EVERY);
    loop {
        let line = tokio::select! {
            biased;
            () = events.closed() => return Ended::done(""),
            () = valve.stopping() => return Ended::failed("the pipeline takes no more records"),
            _ = every.tick() => Line::Looked(watching.looked().into()),
            Some(tapped) = watching.next() => {
                // Whoever ends with this record wants to know of how many it is one.
                events.say(Line::Looked(watching.looked().into())).await;
                Line::Record(Box::new(tapped.into()))
            }
        };
        events.say(line).await;
    }
}

impl From<Looked> for Progress {
    fn from(looked: Looked) -> Self {
        let Looked {
            passed,
            looked_at,
            lost,
        } = looked;
        Self {
            passed,
            looked_at,
            lost,
        }
    }
}

impl From<Tapped> for Shown {
    fn from(tapped: Tapped) -> Self {
        let tap::Place {
            partition,
            offset,
            number,
        } = tapped.place;
        Self {
            topic: partition.topic.to_string(),
            partition: partition.number,
            offset,
            number,
            version: tapped.stage.map(|stage| stage.version).unwrap_or_default(),
            fate: match tapped.fate {
                TapFate::Keep => Fate::Keep,
                TapFate::Drop => Fate::Drop,
                TapFate::Emit => Fate::Emit,
                TapFate::Reject => Fate::Reject,
            },
            reasons: tapped.reasons,
            before: tapped.before.into(),
            after: tapped.after.into_iter().map(Part::from).collect(),
            more: tapped.more,
        }
    }
}

impl From<tap::Part> for Part {
    fn from(part: tap::Part) -> Self {
        Self {
            value: part.value.map(Content),
            value_bytes: part.value_bytes,
            key: part.key.map(Content),
            route: part.route.map(Content),
            headers: Content(part.headers),
            timestamp_ms: part.timestamp_ms,
        }
    }
}
