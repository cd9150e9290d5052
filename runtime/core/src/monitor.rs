//! Looks at a pipeline that runs, and says whether it does its work.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::control::Control;
use crate::counts::{Counts, Totals};
use crate::gauges::{Gauges, StoreKind};
use crate::ledger::Ledger;
use crate::room::Room;
use crate::snapshot::{
    Cause, Contact, InFlight, Lane, Letters, PARTITIONS_MAX, Partition, Plugin, Refused, Snapshot,
    Source, State, Store, Unready,
};
use crate::valve::Flow;

/// How long something may take, or give no answer, before it counts as what keeps a pipeline from its work: a failure is to be seen
/// within five seconds, and what tells of it comes once a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks at one pipeline; also once that has ended.
#[derive(Debug, Clone)]
pub struct Monitor {
    pub(crate) counts: Arc<Counts>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) room: Arc<Room>,
    pub(crate) control: Control,
}

impl Monitor {
    /// What there is to say now. Locks nothing for longer than it takes to copy a few numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let (totals, gauges) = (self.counts.totals(), self.counts.gauges());
        let lanes: Vec<_> = gauges.lanes().iter().map(|it| it.view(now)).collect();
        let stores = |kind| stores(gauges, kind, now);
        let (sinks, letters) = (stores(StoreKind::Sink), stores(StoreKind::Letters));
        let mut partitions = self.ledger.view();
        let source = source(gauges, &totals, &partitions, now);
        partitions.truncate(PARTITIONS_MAX);
        let state = self.state(source.contact.as_ref());
        let unready = unready(state, &source, &lanes, sinks.iter().chain(&letters));
        Snapshot {
            state,
            reason: None,
            ready: unready.is_empty(),
            unready,
            uptime_ms: millis(now.saturating_duration_since(gauges.begun)),
            source,
            in_flight: InFlight {
                bytes: self.room.held() as u64,
                bytes_max: self.room.bytes_max() as u64,
                unsettled: self.ledger.unsettled() as u64,
            },
            partitions,
            lanes,
            plugins: plugins(&totals),
            sinks,
            dead_letters: Letters {
                stored: totals.dead,
                parked: totals.parked,
                refused: refused(&totals),
                stores: letters,
            },
        }
    }

    /// Whether someone told it to stop, or it failed: one whose input has ended does neither.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        !self.control.is_running()
    }

    fn state(&self, contact: Option<&Contact>) -> State {
        if self.control.is_ended() {
            State::Stopped
        } else if !self.control.is_running() {
            State::Draining
        } else if let Some(state) = held(self.control.flow()) {
            state
        } else if !self.counts.gauges().source.has_begun()
            || contact.is_some_and(|it| it.member_ms_ago.is_none())
        {
            State::Starting
        } else {
            State::Running
        }
    }
}

/// The state of a pipeline that takes no records because someone said so.
fn held(flow: Flow) -> Option<State> {
    match flow {
        Flow::Running => None,
        Flow::Pausing { .. } => Some(State::Pausing),
        Flow::Paused => Some(State::Paused),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn source(gauges: &Gauges, totals: &Totals, partitions: &[Partition], now: Instant) -> Source {
    let source = &gauges.source;
    Source {
        records: totals.taken,
        bytes: totals.taken_bytes,
        waited_for_room_ns: source.room.ns(),
        waited_for_lanes_ns: source.lanes.ns(),
        waited_for_commits_ns: source.commits.ns(),
        partitions: partitions.len() as u64,
        lag: lag(partitions),
        contact: source.view(now),
    }
}

/// That of all of them; too low a sum would look well.
fn lag(partitions: &[Partition]) -> Option<u64> {
    let each = partitions.iter().map(|it| it.lag);
    each.reduce(|one, other| Some(one?.saturating_add(other?)))?
}

fn stores(gauges: &Gauges, kind: StoreKind, now: Instant) -> Vec<Store> {
    let stores = gauges.stores();
    let wanted = stores.iter().filter(|it| it.kind() == kind);
    wanted.map(|it| it.view(now)).collect()
}

fn plugins(totals: &Totals) -> Vec<Plugin> {
    let each = totals.stages.iter().flat_map(|(name, versions)| {
        versions.iter().map(move |(version, did)| {
            Plugin {
                name: name.clone(),
                version: version.clone(),
                current: !did.memory_bytes.is_empty(),
                records: did.records,
                bytes: did.bytes,
                records_out: did.records_out,
                bytes_out: did.bytes_out,
                // What it failed on while it was looked for is in neither.
                kept: did.records_out.saturating_sub(did.emitted),
                emitted: did.emitted,
                dropped: did.dropped,
                rejected: did.rejected,
                nanos: did.nanos,
                memory_bytes: did.memory_bytes.values().sum(),
                counted: did.counted.clone(),
            }
        })
    });
    each.collect()
}

fn refused(totals: &Totals) -> Vec<Refused> {
    let refused = totals.refused.iter();
    let each = refused.map(|((stage, why), records)| Refused {
        stage: stage.clone(),
        reason: why.name().to_owned(),
        records: *records,
    });
    each.collect()
}

/// All that keeps a pipeline from its work that is in this `state`.
fn unready<'a>(
    state: State,
    source: &Source,
    lanes: &[Lane],
    stores: impl Iterator<Item = &'a Store>,
) -> Vec<Unready> {
    let because = |cause, what: &str| {
        let what = what.to_owned();
        vec![Unready { cause, what }]
    };
    match state {
        State::Stopped | State::Failed => return because(Cause::Stopped, "it has ended"),
        State::Draining => {
            return because(Cause::Draining, "it settles what is in flight, and ends");
        }
        State::Starting if source.contact.is_none() => {
            return because(Cause::Starting, "its source has not begun yet");
        }
        State::Starting | State::Running | State::Pausing | State::Paused => {}
    }
    let mut all: Vec<_> = source.contact.iter().flat_map(of_contact).collect();
    all.extend(lanes.iter().enumerate().filter_map(of_lane));
    all.extend(stores.filter_map(of_store));
    all
}

fn is_long(ms: u64) -> bool {
    Duration::from_millis(ms) >= PATIENCE
}

fn of_contact(contact: &Contact) -> Vec<Unready> {
    let Contact {
        answered_ms_ago,
        member_ms_ago,
        group,
    } = contact;
    let mut all = Vec::new();
    let mut because = |cause, what| all.push(Unready { cause, what });
    match answered_ms_ago {
        None => because(
            Cause::Starting,
            "the brokers have given no answer yet".to_owned(),
        ),
        Some(ms) if is_long(*ms) => because(
            Cause::SourceAway,
            format!("the brokers have given no answer for {} s", ms / 1000),
        ),
        Some(_) => {}
    }
    match member_ms_ago {
        None => because(
            Cause::Starting,
            format!("it is no member of its group yet ({group})"),
        ),
        Some(ms) if is_long(*ms) => because(
            Cause::GroupLost,
            format!(
                "it has lost its place in the group for {} s ({group})",
                ms / 1000
            ),
        ),
        Some(_) => {}
    }
    all
}

fn of_lane((index, lane): (usize, &Lane)) -> Option<Unready> {
    // One that waits for a writer is not to blame; what the writer waits for is told by itself.
    let ms = lane.busy_ms.filter(|ms| is_long(*ms))?;
    lane.waits_for.is_none().then(|| Unready {
        cause: Cause::LaneStuck,
        what: format!("lane {index} works on one batch for {} s", ms / 1000),
    })
}

fn of_store(store: &Store) -> Option<Unready> {
    let Store { name, parking, .. } = store;
    // Its records go elsewhere: that is what the configuration asks for.
    if *parking {
        return None;
    }
    if let Some(ms) = store.oldest_ms.filter(|ms| is_long(*ms)) {
        let what = format!("{name} has given no answer for {} s", ms / 1000);
        let cause = Cause::StoreSilent;
        return Some(Unready { cause, what });
    }
    let ms = store.away_ms.filter(|ms| is_long(*ms))?;
    let error = store.error.as_deref().unwrap_or_default();
    Some(Unready {
        cause: Cause::StoreAway,
        what: format!("{name} is unavailable for {} s: {error}", ms / 1000),
    })
}

#[cfg(test)]
mod tests;
