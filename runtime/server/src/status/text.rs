//! The status of a pipeline for a person.

use std::fmt::Write as _;

use tamis_core::snapshot::{Lane, Partition, Plugin, Snapshot, State, Store};

use crate::dead::plain;
use crate::table::Table;
use crate::table::bytes;
use crate::telemetry::Status;

/// All that a person wants to see at once.
pub(super) fn of(status: &Status) -> String {
    let Snapshot {
        source, in_flight, ..
    } = &status.snapshot;
    let mut text = head(status);
    line(
        &mut text,
        &format!(
            "taken: {} records, {}; lag {}; in flight {} of {}",
            source.records,
            bytes(source.bytes as f64),
            source
                .lag
                .map_or("unknown".to_owned(), |lag| lag.to_string()),
            bytes(in_flight.bytes as f64),
            bytes(in_flight.bytes_max as f64),
        ),
    );
    let sections = [
        partitions(&status.snapshot.partitions),
        lanes(&status.snapshot.lanes),
        plugins(&status.snapshot.plugins),
        stores(
            status
                .snapshot
                .sinks
                .iter()
                .chain(&status.snapshot.dead_letters.stores),
        ),
        refused(&status.snapshot),
    ];
    for section in sections.into_iter().filter(|it| !it.is_empty()) {
        text.push('\n');
        text.push_str(&section);
    }
    text
}

/// Whether it does its work, and if not, why.
fn head(status: &Status) -> String {
    let Snapshot {
        state,
        reason,
        ready,
        unready,
        uptime_ms,
        ..
    } = &status.snapshot;
    let state = match state {
        State::Starting => "starts",
        State::Running => "runs",
        State::Pausing => "takes no records, and settles those in flight",
        State::Paused => "is paused",
        State::Draining => "settles what is in flight, and ends",
        State::Stopped => "has ended",
        State::Failed => "has failed",
    };
    let seconds = uptime_ms / 1000;
    let is_ready = if *ready { "ready" } else { "NOT READY" };
    let mut text = String::new();
    let name = plain(&status.pipeline);
    line(
        &mut text,
        &format!("{name} {state}, for {seconds} s: {is_ready}"),
    );
    if let Some(reason) = reason {
        line(&mut text, &format!("  failed: {}", plain(reason)));
    }
    for it in unready {
        line(
            &mut text,
            &format!("  {}: {}", it.cause.name(), plain(&it.what)),
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("text takes text");
}

fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl Iterator<Item = [String; COLUMNS]>,
) -> String {
    let (mut bytes, mut rows) = (Vec::new(), rows.peekable());
    if rows.peek().is_none() {
        return String::new();
    }
    let mut table = Table::new(&mut bytes, None, head);
    let written = rows
        .try_for_each(|row| table.add(row.each_ref().map(|cell| &**cell)))
        .and_then(|()| table.flush());
    written.expect("memory takes bytes");
    String::from_utf8(bytes).expect("a table is text")
}

fn or_dash(number: Option<u64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

fn partitions(all: &[Partition]) -> String {
    let row = |it: &Partition| {
        let split = if it.split > 0 {
            format!("#{}", it.split)
        } else {
            String::new()
        };
        [
            format!("{}/{}{split}", it.topic, it.partition),
            it.lane.to_string(),
            or_dash(it.checkpoint),
            or_dash(it.log_end),
            or_dash(it.lag),
        ]
    };
    table(
        ["PARTITION", "LANE", "CHECKPOINT", "END", "LAG"],
        all.iter().map(row),
    )
}

fn lanes(all: &[Lane]) -> String {
    let row = |(index, it): (usize, &Lane)| {
        [
            index.to_string(),
            it.batches.to_string(),
            format!("{}/{}", it.inbox, it.inbox_max),
            or_dash(it.busy_ms),
            it.waits_for.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    table(
        ["LANE", "BATCHES", "INBOX", "BUSY MS", "WAITS FOR"],
        all.iter().enumerate().map(row),
    )
}

fn plugins(all: &[Plugin]) -> String {
    let row = |it: &Plugin| {
        [
            it.name.clone(),
            it.records.to_string(),
            it.records_out.to_string(),
            it.dropped.to_string(),
            it.rejected.to_string(),
            (it.nanos / it.records.max(1)).to_string(),
            bytes(it.memory_bytes as f64),
            format!(
                "{}{}",
                it.version,
                if it.current { "" } else { " (before)" }
            ),
        ]
    };
    table(
        [
            "PLUGIN",
            "IN",
            "OUT",
            "DROPPED",
            "REJECTED",
            "NS/RECORD",
            "MEMORY",
            "VERSION",
        ],
        all.iter().map(row),
    )
}

fn stores<'a>(all: impl Iterator<Item = &'a Store>) -> String {
    let ms = |it: &Store, share| match it.latency.quantile_us(share) {
        Some(us) => format!("≤{}", us as f64 / 1e3),
        None if it.latency.count > 0 => ">10000".to_owned(),
        None => "-".to_owned(),
    };
    let row = |it: &Store| {
        let state = match (it.parking, it.away_ms) {
            (true, _) => "away, parking".to_owned(),
            (false, Some(ms)) => format!("away for {} s", ms / 1000),
            (false, None) => "-".to_owned(),
        };
        [
            it.name.clone(),
            it.records.to_string(),
            bytes(it.bytes as f64),
            ms(it, 0.5),
            ms(it, 0.99),
            it.failures.to_string(),
            it.retried.to_string(),
            format!("{}/{}", it.inbox, it.inbox_max),
            state,
        ]
    };
    table(
        [
            "STORE", "RECORDS", "BYTES", "P50 MS", "P99 MS", "FAILURES", "RETRIED", "INBOX",
            "STATE",
        ],
        all.map(row),
    )
}

fn refused(snapshot: &Snapshot) -> String {
    let row = |it: &tamis_core::snapshot::Refused| {
        [it.stage.clone(), it.records.to_string(), it.reason.clone()]
    };
    table(
        ["REFUSED BY", "RECORDS", "REASON"],
        snapshot.dead_letters.refused.iter().map(row),
    )
}
