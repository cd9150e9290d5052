//! The table for a person, and the same as JSON under stable keys.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// What a value has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bar {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bar) => value <= bar,
            Self::AtLeast(bar) => value >= bar,
        }
    }
}

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    key: String,
    value: f64,
    bar: Option<Bar>,
    spread: Option<f64>,
}

/// The times that repetitions of the same thing took; the best one counts, on every side alike.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

impl Times {
    /// Adds that of one more repetition.
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The shortest, in seconds.
    pub(crate) fn best(&self) -> f64 {
        let best = self.0.iter().min().expect("something was measured");
        best.as_secs_f64()
    }

    /// How much longer the longest took, as a share of the shortest.
    fn spread(&self) -> f64 {
        let worst = self.0.iter().max().expect("something was measured");
        worst.as_secs_f64() / self.best() - 1.0
    }
}

impl Report {
    /// Adds a value that has no spread of its own.
    pub(crate) fn value(&mut self, key: &str, value: f64, bar: Option<Bar>) {
        let key = key.to_owned();
        self.rows.push(Row {
            key,
            value,
            bar,
            spread: None,
        });
    }

    /// Adds `NAME.ns_per_record` for `records` in the best of `times`.
    pub(crate) fn ns_per_record(
        &mut self,
        name: &str,
        records: usize,
        times: &Times,
        bar: Option<Bar>,
    ) {
        let value = times.best() * 1e9 / records as f64;
        let (key, spread) = (format!("{name}.ns_per_record"), Some(times.spread()));
        self.rows.push(Row {
            key,
            value,
            bar,
            spread,
        });
    }

    /// Adds `NAME.ms`, the best of `times`.
    pub(crate) fn ms(&mut self, name: &str, times: &Times, bar: Option<Bar>) {
        let (key, spread) = (format!("{name}.ms"), Some(times.spread()));
        self.rows.push(Row {
            key,
            value: times.best() * 1e3,
            bar,
            spread,
        });
    }

    /// Adds `NAME.records_per_s` for `records` in the best of `times`; returns it.
    pub(crate) fn records_per_s(&mut self, name: &str, records: usize, times: &Times) -> f64 {
        let value = records as f64 / times.best();
        let (key, spread) = (format!("{name}.records_per_s"), Some(times.spread()));
        self.rows.push(Row {
            key,
            value,
            bar: None,
            spread,
        });
        value
    }

    /// Adds a line below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("{:<46} {:>12} {:>8} {:>10}\n", "", "value", "spread", "bar");
        for Row {
            key,
            value,
            bar,
            spread,
        } in &self.rows
        {
            let spread = spread.map_or_else(String::new, |it| format!("+{:.0} %", it * 100.0));
            let bar = match bar {
                Some(bar) => {
                    let word = if bar.holds(*value) { "ok" } else { "short" };
                    match bar {
                        Bar::AtMost(bar) => format!("{:>10} {word}", format!("<= {bar}")),
                        Bar::AtLeast(bar) => format!("{:>10} {word}", format!(">= {bar}")),
                    }
                }
                None => String::new(),
            };
            let value = number(*value);
            let line = format!("{key:<46} {value:>12} {spread:>8} {bar}");
            writeln!(table, "{}", line.trim_end()).expect("a string takes what is written");
        }
        for note in &self.notes {
            writeln!(table, "{note}").expect("a string takes what is written");
        }
        table
    }

    /// Each row under its key.
    pub(crate) fn json(&self) -> Value {
        let row = |Row {
                       key,
                       value,
                       bar,
                       spread,
                   }: &Row| {
            let mut row = Map::new();
            row.insert("value".into(), json!(value));
            if let Some(spread) = spread {
                row.insert("spread".into(), json!(spread));
            }
            if let Some(bar) = bar {
                let (name, at) = match bar {
                    Bar::AtMost(at) => ("at_most", at),
                    Bar::AtLeast(at) => ("at_least", at),
                };
                row.insert(name.into(), json!(at));
                row.insert("ok".into(), json!(bar.holds(*value)));
            }
            (key.clone(), Value::Object(row))
        };
        Value::Object(self.rows.iter().map(row).collect())
    }
}

/// Three digits that count, or all in front of the point.
fn number(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => {
            let digits = format!("{value:.0}");
            let first = digits.len() % 3;
            let mut parts: Vec<&str> = Vec::new();
            if first > 0 {
                parts.push(&digits[..first]);
            }
            let mut rest = &digits[first..];
            while !rest.is_empty() {
                parts.push(&rest[..3]);
                rest = &rest[3..];
            }
            parts.join(",")
        }
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
