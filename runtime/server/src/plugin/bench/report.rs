//! What was measured, for a person or a script.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::Side;
use crate::plugin::guest::Outcome;
use crate::plugin::records::Record;

/// All of it.
pub(super) struct Report<'a> {
    pub(super) records: &'a [Record],
    pub(super) sides: &'a [Side],
    /// What each side makes of the records.
    pub(super) outcomes: &'a [Outcome],
}

/// The numbers of one side.
struct Numbers {
    ns_per_record: f64,
    boundary_ns_per_record: f64,
    plugin_ns_per_record: f64,
    records_per_s: f64,
    bytes_in_per_record: f64,
    bytes_out_per_record: f64,
    memory_mib: f64,
    spread: f64,
}

impl Report<'_> {
    fn numbers(&self) -> impl Iterator<Item = Numbers> {
        let records = self.records.len() as f64;
        let values = self
            .records
            .iter()
            .filter_map(|record| record.value.as_ref());
        let bytes_in = values.map(Vec::len).sum::<usize>() as f64;
        let sides = self.sides.iter().zip(self.outcomes);
        sides.map(move |(side, outcome)| {
            let ns = |time: Duration| time.as_secs_f64() * 1e9 / records;
            let taken = &side.taken;
            let (whole, boundary) = (ns(taken.best), ns(taken.boundary));
            Numbers {
                ns_per_record: whole,
                boundary_ns_per_record: boundary,
                // A plugin that does nothing can seem to take less than nothing.
                plugin_ns_per_record: (whole - boundary).max(0.0),
                records_per_s: 1e9 / whole,
                bytes_in_per_record: bytes_in / records,
                bytes_out_per_record: outcome.value_bytes() as f64 / records,
                memory_mib: side.stage.memory_bytes() as f64 / f64::from(1 << 20),
                spread: taken.worst.as_secs_f64() / taken.best.as_secs_f64() - 1.0,
            }
        })
    }

    /// The first record of which the sides make different things; `None` where there is one side, or no such record.
    fn difference(&self) -> Option<usize> {
        let [one, other] = self.outcomes else {
            return None;
        };
        let out = first_difference(&one.out, &other.out);
        let refused = first_difference(&one.refused, &other.refused);
        [out, refused].into_iter().flatten().min()
    }

    /// One object.
    pub(super) fn json(&self) -> Value {
        let plugins = self.numbers().zip(self.sides).zip(self.outcomes);
        let plugins = plugins.map(|((numbers, side), outcome)| {
            let description = side.plugin.description();
            json!({
                "file": side.file,
                "name": description.name,
                "version": description.version,
                "ns_per_record": numbers.ns_per_record,
                "boundary_ns_per_record": numbers.boundary_ns_per_record,
                "plugin_ns_per_record": numbers.plugin_ns_per_record,
                "records_per_s": numbers.records_per_s,
                "bytes_in_per_record": numbers.bytes_in_per_record,
                "bytes_out_per_record": numbers.bytes_out_per_record,
                "memory_bytes": side.stage.memory_bytes(),
                "spread": numbers.spread,
                "passes": side.taken.passes,
                "out": outcome.out.len(),
                "dropped": outcome.dropped,
                "refused": outcome.refused.len(),
            })
        });
        let plugins: Vec<_> = plugins.collect();
        let mut report = json!({ "records": self.records.len(), "plugins": plugins });
        if self.sides.len() > 1 {
            report["same"] = json!(self.difference().is_none());
        }
        report
    }

    /// A table, with a column for each side.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (side, outcome) in self.sides.iter().zip(self.outcomes) {
            let description = side.plugin.description();
            line(
                &mut text,
                format_args!(
                    "{}: {} {}; {} records, of which {} came out, {} dropped, {} refused; {} passes",
                    side.file,
                    description.name,
                    description.version,
                    self.records.len(),
                    outcome.out.len(),
                    outcome.dropped,
                    outcome.refused.len(),
                    side.taken.passes
                ),
            );
        }
        if let Some(index) = self.difference() {
            line(
                &mut text,
                format_args!("they make different things of line {}", index + 1),
            );
        }
        let numbers: Vec<_> = self.numbers().collect();
        for (name, number) in ROWS {
            let values: Vec<_> = numbers.iter().map(number).collect();
            let mut row = format!("{name:<20}");
            for value in &values {
                row.push_str(&format!("{value:>12.1}"));
            }
            if let [one, other] = values.as_slice() {
                row.push_str(&format!("{:>+9.0} %", (one / other - 1.0) * 100.0));
            }
            line(&mut text, format_args!("{row}"));
        }
        text
    }
}

type Row = (&'static str, fn(&Numbers) -> f64);

const ROWS: [Row; 8] = [
    ("ns a record", |it| it.ns_per_record),
    ("  boundary", |it| it.boundary_ns_per_record),
    ("  plugin", |it| it.plugin_ns_per_record),
    ("records a ms", |it| it.records_per_s / 1e3),
    ("bytes a record, in", |it| it.bytes_in_per_record),
    ("bytes a record, out", |it| it.bytes_out_per_record),
    ("memory, MiB", |it| it.memory_mib),
    ("spread, %", |it| it.spread * 100.0),
];

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes what is written");
}

/// The input of the first item that is not the same on both sides.
fn first_difference<T: PartialEq>(one: &[(usize, T)], other: &[(usize, T)]) -> Option<usize> {
    let same = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count();
    let rest = [one.get(same), other.get(same)].into_iter().flatten();
    rest.map(|(index, _)| *index).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_that_of_the_earlier_record() {
        let check = |one: &[(usize, char)], other: &[(usize, char)], expected| {
            assert_eq!(first_difference(one, other), expected);
            assert_eq!(first_difference(other, one), expected);
        };
        check(&[], &[], None);
        check(&[(0, 'a'), (1, 'b')], &[(0, 'a'), (1, 'b')], None);
        check(&[(0, 'a'), (1, 'b')], &[(0, 'a'), (1, 'c')], Some(1));
        check(
            &[(0, 'a'), (1, 'b'), (2, 'c')],
            &[(0, 'a'), (2, 'c')],
            Some(1),
        );
        check(&[(0, 'a')], &[], Some(0));
    }
}
