//! Where records wait.

use tamis_core::snapshot::{Snapshot, State, Store};

use super::rates::Between;

/// Waiting for less of the time than this is no back-pressure.
const SHARE_MIN: f64 = 0.05;

/// Where back-pressure arises, in a few words and in a sentence.
pub(super) struct Pressure {
    pub(super) at: String,
    pub(super) said: String,
}

pub(super) fn of(between: Between<'_>) -> Pressure {
    unless_running(between.now.state)
        .or_else(|| in_front_of_sinks(between))
        .unwrap_or_else(|| at_the_source(between))
}

fn at(at: &str, said: &str) -> Pressure {
    Pressure {
        at: at.to_owned(),
        said: said.to_owned(),
    }
}

fn unless_running(state: State) -> Option<Pressure> {
    let said = match state {
        State::Starting => "it starts",
        State::Pausing => "no records are taken; those in flight are being settled",
        State::Paused => "it is paused, and nothing is in flight",
        State::Draining => "it settles what is in flight, and ends",
        State::Stopped | State::Failed => "it has ended",
        State::Running => return None,
    };
    Some(at("-", said))
}

fn in_front_of_sinks(between: Between<'_>) -> Option<Pressure> {
    let now = between.now;
    let is_away = |sink: &&Store| sink.away_ms.is_some() && !sink.parking;
    if let Some(away) = now.sinks.iter().find(is_away) {
        return Some(of_sink(away, 1.0));
    }
    let sinks = now.sinks.iter().map(|sink| {
        let waited = between.of_sink(sink, |it| it.waited_ns);
        (waited.unwrap_or(0.0) / 1e9, sink)
    });
    let (waited, busiest) = sinks.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    let lanes = now.lanes.len().max(1) as f64;
    (waited >= SHARE_MIN).then(|| of_sink(busiest, waited / lanes))
}

fn at_the_source(between: Between<'_>) -> Pressure {
    let room = between.share(|it| it.source.waited_for_room_ns);
    let commits = between.share(|it| it.source.waited_for_commits_ns);
    let inboxes = between.share(|it| it.source.waited_for_lanes_ns);
    let most = room.max(commits).max(inboxes);
    if most < SHARE_MIN {
        return at("source", "none: the lanes wait for records");
    }
    let share = percent(most);
    if most == commits {
        let said =
            format!("runs wait to be committed: the source waits for that {share} of the time");
        return at("commits", &said);
    }
    if most == room
        && let Some(sink) = slowest(between.now)
    {
        let (name, ms) = (&sink.name, sink.oldest_ms.unwrap_or_default());
        let said = format!(
            "what is in flight is at its limit {share} of the time: the oldest request of sink {name} is under way for {ms} ms"
        );
        return at(&format!("sink {name}"), &said);
    }
    let said = format!("the source waits for the lanes {share} of the time");
    match costliest(between) {
        Some((plugin, of_lanes)) => {
            let of_lanes = percent(of_lanes);
            at(
                &format!("plugin {plugin}"),
                &format!("{said}; plugin {plugin} takes {of_lanes} of theirs"),
            )
        }
        None => at("lanes", &said),
    }
}

fn of_sink(sink: &Store, share: f64) -> Pressure {
    let Store {
        name,
        inbox,
        inbox_max,
        ..
    } = sink;
    let why = match (sink.away_ms, sink.oldest_ms) {
        (Some(ms), _) => format!("it is away for {} s", ms / 1_000),
        (None, Some(ms)) => format!("its oldest request is under way for {ms} ms"),
        (None, None) => "it is slower than the lanes".to_owned(),
    };
    let waits = if sink.away_ms.is_some() {
        "lanes wait for it".to_owned()
    } else {
        format!("lanes wait for it {} of the time", percent(share))
    };
    Pressure {
        at: format!("sink {name}"),
        said: format!("sink {name}: {waits}, {inbox} of {inbox_max} parcels in front of it; {why}"),
    }
}

/// The sink whose oldest request is the oldest.
fn slowest(now: &Snapshot) -> Option<&Store> {
    let under_way = now.sinks.iter().filter(|sink| sink.oldest_ms.is_some());
    under_way.max_by_key(|sink| sink.oldest_ms)
}

/// The plugin that takes most of the time of the lanes, and its share of that.
fn costliest(between: Between<'_>) -> Option<(&str, f64)> {
    let lanes = between.now.lanes.len().max(1) as f64;
    let each = between.now.plugins.iter().filter_map(|plugin| {
        let nanos = between.of_plugin(plugin, |it| it.nanos)?;
        Some((&*plugin.name, nanos / 1e9 / lanes))
    });
    each.max_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share.min(1.0) * 100.0)
}
