//! What stands on the screen, as lines: for a terminal, and for `--once`.

use tamis_core::snapshot::{Latency, Partition, Snapshot, State, Store};

use super::follow::Seen;
use super::pressure;
use super::rates::Between;
use crate::dead::plain;
use crate::table::{bytes, columns, cut};

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// The head of a table.
    Head,
    /// The pipeline that is chosen.
    Chosen,
    /// Something a person should look at.
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) look: Look,
}

/// By what pipelines are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Name,
    Rate,
    Lag,
}

impl Order {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Name => Self::Rate,
            Self::Rate => Self::Lag,
            Self::Lag => Self::Name,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Rate => "rate",
            Self::Lag => "lag",
        }
    }

    /// Sorts what is `seen`: the most first.
    pub(super) fn sort(self, seen: &mut [Seen]) {
        seen.sort_by(|one, other| {
            let by_name = one.name.cmp(&other.name);
            match self {
                Self::Name => by_name,
                Self::Rate => taken(other).total_cmp(&taken(one)).then(by_name),
                Self::Lag => lag(other).cmp(&lag(one)).then(by_name),
            }
        });
    }
}

fn taken(seen: &Seen) -> f64 {
    let between = seen.between();
    between
        .and_then(|it| it.of(|it| it.source.records))
        .unwrap_or(0.0)
}

fn lag(seen: &Seen) -> u64 {
    seen.now
        .as_ref()
        .and_then(|it| it.snapshot.source.lag)
        .unwrap_or(0)
}

impl Seen {
    pub(super) fn between(&self) -> Option<Between<'_>> {
        let now = self.now.as_ref().filter(|_| self.gone.is_none())?;
        Some(Between {
            before: self.before.as_ref().map(|it| &it.snapshot),
            now: &now.snapshot,
        })
    }
}

/// Lines of one width.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) columns: usize,
    /// The place of the pipeline that is chosen.
    pub(super) chosen: usize,
}

impl Page {
    /// The table of all pipelines.
    pub(super) fn pipelines(&self, seen: &[Seen], order: Order) -> Vec<Line> {
        let sorted = |column: &str, by: Order| {
            let mark = if by == order { "*" } else { "" };
            format!("{column}{mark}")
        };
        let head = [
            sorted("PIPELINE", Order::Name),
            "STATE".into(),
            sorted("TAKEN/S", Order::Rate),
            "WRITTEN/S".into(),
            sorted("LAG", Order::Lag),
            "IN FLIGHT".into(),
            "WAITS AT".into(),
        ];
        let rows = seen.iter().map(pipeline_row).collect::<Vec<_>>();
        let mut lines = self.table(head, rows, [false, false, true, true, true, true, false]);
        for (index, it) in seen.iter().enumerate() {
            let line = &mut lines[index + 1];
            let is_ready = it.now.as_ref().is_some_and(|it| it.snapshot.ready);
            line.look = if index == self.chosen {
                Look::Chosen
            } else if it.gone.is_some() || !is_ready {
                Look::Bad
            } else {
                Look::Plain
            };
        }
        lines
    }

    /// All there is to say of one of them.
    pub(super) fn pipeline(&self, seen: &Seen) -> Vec<Line> {
        let name = plain(&seen.name);
        if let Some(why) = &seen.gone {
            return vec![self.line(format!("{name} is gone: {}", plain(why)), Look::Bad)];
        }
        let Some(between) = seen.between() else {
            return vec![self.line(format!("{name}: no answer yet"), Look::Plain)];
        };
        let now = between.now;
        let pressure = pressure::of(between);
        let mut lines = vec![self.line(
            format!("{name}: back-pressure: {}", plain(&pressure.said)),
            Look::Plain,
        )];
        if let Some(reason) = &now.reason {
            lines.push(self.line(format!("failed: {}", plain(reason)), Look::Bad));
        }
        lines.extend(now.unready.iter().map(|it| {
            let text = format!("not ready: {}: {}", it.cause.name(), plain(&it.what));
            self.line(text, Look::Bad)
        }));
        if !now.plugins.is_empty() {
            lines.extend(self.plugins(between));
        }
        lines.extend(self.sinks(between));
        lines.push(self.line(letters(between), Look::Plain));
        lines.extend(self.partitions(now));
        lines
    }

    fn plugins(&self, between: Between<'_>) -> Vec<Line> {
        let head = [
            "PLUGIN", "IN/S", "OUT/S", "DROP/S", "REFUSE/S", "NS/REC", "MEMORY", "VERSION",
        ];
        let is_shown = |it: &&tamis_core::snapshot::Plugin| it.current;
        let rows = between.now.plugins.iter().filter(is_shown).map(|it| {
            let rate = |count: fn(&tamis_core::snapshot::Plugin) -> u64| {
                short(between.of_plugin(it, count))
            };
            [
                it.name.clone(),
                rate(|it| it.records),
                rate(|it| it.records_out),
                rate(|it| it.dropped),
                rate(|it| it.rejected),
                or_dash(between.nanos(it)),
                bytes(it.memory_bytes as f64),
                it.version.clone(),
            ]
        });
        let right = [false, true, true, true, true, true, true, false];
        self.table(head.map(str::to_owned), rows.collect(), right)
    }

    fn sinks(&self, between: Between<'_>) -> Vec<Line> {
        let head = [
            "SINK",
            "RECORDS/S",
            "BYTES/S",
            "P50 MS",
            "P99 MS",
            "RETRIED",
            "FAILED",
            "INBOX",
            "STATE",
        ];
        let rows: Vec<_> = between
            .now
            .sinks
            .iter()
            .map(|it| sink_row(between, it))
            .collect();
        let right = [false, true, true, true, true, true, true, true, false];
        let mut lines = self.table(head.map(str::to_owned), rows, right);
        for (line, sink) in lines.iter_mut().skip(1).zip(&between.now.sinks) {
            if sink.away_ms.is_some() {
                line.look = Look::Bad;
            }
        }
        lines
    }

    /// Those with the largest lag first.
    fn partitions(&self, now: &Snapshot) -> Vec<Line> {
        let mut all: Vec<&Partition> = now.partitions.iter().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.lag));
        let rows: Vec<_> = all
            .iter()
            .map(|it| {
                [
                    partition(it),
                    it.lane.to_string(),
                    or_dash(it.committed),
                    or_dash(it.log_end),
                    or_dash(it.lag),
                ]
            })
            .collect();
        let head = ["PARTITION", "LANE", "COMMITTED", "END", "LAG"].map(str::to_owned);
        if rows.is_empty() {
            return Vec::new();
        }
        self.table(head, rows, [false, true, true, true, true])
    }

    /// Columns as wide as what is in them; numbers stand to the `right`.
    fn table<const COLUMNS: usize>(
        &self,
        head: [String; COLUMNS],
        rows: Vec<[String; COLUMNS]>,
        right: [bool; COLUMNS],
    ) -> Vec<Line> {
        let mut all = vec![head];
        all.extend(rows.into_iter().map(|row| row.map(|cell| plain(&cell))));
        let width = |column: usize| all.iter().map(|row| columns(&row[column])).max();
        let widths: Vec<_> = (0..COLUMNS).map(|it| width(it).unwrap_or(0)).collect();
        let text = |row: &[String; COLUMNS]| {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(right) {
                let blank = " ".repeat(width - columns(cell));
                if !line.is_empty() {
                    line.push_str("  ");
                }
                if right {
                    line.push_str(&blank);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&blank);
                }
            }
            line
        };
        let mut lines: Vec<_> = all
            .iter()
            .map(|row| self.line(text(row), Look::Plain))
            .collect();
        lines[0].look = Look::Head;
        lines
    }

    pub(super) fn line(&self, text: String, look: Look) -> Line {
        let text = cut(&text, self.columns);
        Line { text, look }
    }
}

fn pipeline_row(seen: &Seen) -> [String; 7] {
    let name = seen.name.clone();
    let dash = || "-".to_owned();
    let Some(between) = seen.between() else {
        let state = if seen.gone.is_some() { "GONE" } else { "?" };
        return [name, state.into(), dash(), dash(), dash(), dash(), dash()];
    };
    let now = between.now;
    let written = |it: &Snapshot| it.sinks.iter().map(|sink| sink.records).sum();
    [
        name,
        state(now),
        short(between.of(|it| it.source.records)),
        short(between.of(written)),
        or_dash(now.source.lag),
        bytes(now.in_flight.bytes as f64),
        pressure::of(between).at,
    ]
}

fn sink_row(between: Between<'_>, sink: &Store) -> [String; 9] {
    let latency = between.latency(sink);
    let state = match (sink.parking, sink.away_ms) {
        (true, _) => "away, parking".to_owned(),
        (false, Some(ms)) => format!("away for {} s", ms / 1_000),
        (false, None) => "ok".to_owned(),
    };
    [
        sink.name.clone(),
        short(between.of_sink(sink, |it| it.records)),
        between
            .of_sink(sink, |it| it.bytes)
            .map_or("-".to_owned(), bytes),
        millis(&latency, 0.5),
        millis(&latency, 0.99),
        sink.retried.to_string(),
        sink.failures.to_string(),
        format!("{}/{}", sink.inbox, sink.inbox_max),
        state,
    ]
}

fn letters(between: Between<'_>) -> String {
    let letters = &between.now.dead_letters;
    let rate = short(between.of(|it| it.dead_letters.stored));
    let mut text = format!("dead letters: {} ({rate}/s)", letters.stored);
    if letters.parked > 0 {
        text.push_str(&format!(", parked: {}", letters.parked));
    }
    for refused in letters.refused.iter().take(3) {
        let (stage, reason) = (plain(&refused.stage), plain(&refused.reason));
        text.push_str(&format!("; {} by {stage}: {reason}", refused.records));
    }
    text
}

fn partition(it: &Partition) -> String {
    if it.split > 0 {
        format!("{}/{}#{}", it.topic, it.partition, it.split)
    } else {
        format!("{}/{}", it.topic, it.partition)
    }
}

fn state(now: &Snapshot) -> String {
    let state = match now.state {
        State::Starting => "starting",
        State::Running if now.ready => "running",
        State::Running => "NOT READY",
        State::Pausing => "pausing",
        State::Paused => "paused",
        State::Draining => "draining",
        State::Stopped => "stopped",
        State::Failed => "FAILED",
    };
    state.to_owned()
}

fn millis(latency: &Latency, share: f64) -> String {
    match latency.quantile_us(share) {
        Some(us) if us < 1_000 => "<1".to_owned(),
        Some(us) => format!("<{}", us / 1_000),
        None if latency.count > 0 => ">10000".to_owned(),
        None => "-".to_owned(),
    }
}

fn or_dash(number: Option<u64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

/// A rate in few letters.
fn short(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if rate >= 1e6 => format!("{:.1}M", rate / 1e6),
        Some(rate) if rate >= 1e4 => format!("{:.1}k", rate / 1e3),
        Some(rate) if rate >= 10.0 || rate == 0.0 => format!("{rate:.0}"),
        Some(rate) => format!("{rate:.1}"),
    }
}
