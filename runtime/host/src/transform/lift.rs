//! Checks an answer as if it were hostile, and makes of it the rows that go on.

use tamis_core::batch::{Row, Span};
use tamis_core::headers;
use tamis_core::numbers::Numbers;
use tamis_core::transform::{Applied, Rejection, Why};

use crate::contract::{Answer, DROP, EMIT, KEEP, NONE, REJECT, ROW_LEN, SAME, TEXT_BYTES_MAX};
use crate::failure::Cause;
use crate::limits::PluginLimits;

use super::effects::Effects;

/// What became of a stretch of rows.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// What the emitted rows point into.
    pub(super) bytes: Vec<u8>,
    pub(super) applied: Applied,
}

impl Outcome {
    /// Adds what became of the rows behind its own; their spans count with its bytes in front already.
    pub(super) fn absorb(&mut self, mut other: Self) {
        append(&mut self.rows, other.rows);
        append(&mut self.bytes, other.bytes);
        self.applied.dropped += other.applied.dropped;
        self.applied.emitted += other.applied.emitted;
        self.applied.rejected.append(&mut other.applied.rejected);
    }

    /// Refuses one row, since the plugin fails on it.
    pub(super) fn reject(&mut self, row: &Row, why: Why, reason: String) {
        let rejection = Rejection {
            offset: row.offset,
            number: row.number,
            why,
            reason,
        };
        self.applied.rejected.push(rejection);
        self.applied.trapped += 1;
    }
}

/// Adds `other` without a copy where it is the first, as in a batch that needs no search.
fn append<T>(all: &mut Vec<T>, mut other: Vec<T>) {
    if all.is_empty() {
        *all = other
    } else {
        all.append(&mut other)
    }
}

/// Where the bytes of an answer will lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The buffer of the batch.
    pub(super) buffer: usize,
    /// How many bytes of it are in front of them.
    pub(super) base: usize,
}

/// What `answer` makes of `input`, `None` when it keeps all of it; and its effects.
pub(super) fn lift(
    answer: Answer,
    input: &[Row],
    numbers: &Numbers,
    place: Place,
    limits: &PluginLimits,
) -> Result<(Option<Outcome>, Effects), Cause> {
    let Answer {
        fates,
        rows,
        timestamps,
        bytes,
        words,
    } = answer;
    let (rows, ragged) = rows.as_chunks::<ROW_LEN>();
    if fates.len() != input.len() {
        return malformed(format!("{} fates for {} records", fates.len(), input.len()));
    }
    if !ragged.is_empty() {
        return malformed(format!(
            "the last row has {} of {ROW_LEN} numbers",
            ragged.len()
        ));
    }
    if !timestamps.is_empty() && timestamps.len() != rows.len() {
        return malformed(format!(
            "{} timestamps for {} rows",
            timestamps.len(),
            rows.len()
        ));
    }
    if bytes.len().saturating_add(words.text.len()) > limits.output_bytes_max {
        return Err(Cause::Output(limits.output_bytes_max));
    }
    let effects = Effects::of(&words, input)?;
    let nothing_made = rows.is_empty() && bytes.is_empty();
    if nothing_made && fates.iter().all(|fate| *fate == KEEP) {
        return Ok((None, effects));
    }
    let outputs_max = limits.outputs_per_record_max;
    let outcome = Outcome {
        rows: Vec::with_capacity(input.len()),
        ..Outcome::default()
    };
    let mut lift = Lift {
        rows,
        timestamps: &timestamps,
        bytes: &bytes,
        numbers,
        place,
        row: 0,
        at: 0,
        outputs_max,
        outcome,
    };
    for (index, (fate, record)) in fates.iter().zip(input).enumerate() {
        lift.record(index, *fate, record)?;
    }
    let mut outcome = lift.finish(input.len())?;
    outcome.bytes = bytes;
    Ok((Some(outcome), effects))
}

fn malformed<T>(how: String) -> Result<T, Cause> {
    Err(Cause::Malformed(how))
}

/// A walk over an answer: rows and bytes are consumed in order, so no two rows share a byte.
struct Lift<'a> {
    rows: &'a [[i32; ROW_LEN]],
    timestamps: &'a [i64],
    bytes: &'a [u8],
    numbers: &'a Numbers,
    place: Place,
    /// The next row.
    row: usize,
    /// The next byte.
    at: usize,
    outputs_max: u32,
    outcome: Outcome,
}

impl Lift<'_> {
    fn record(&mut self, index: usize, fate: u8, record: &Row) -> Result<(), Cause> {
        let of_record = |row: &&[i32; ROW_LEN]| usize::try_from(row[0]) == Ok(index);
        let count = self.rows[self.row..].iter().take_while(of_record).count();
        match (fate, count) {
            (KEEP, 0) => self.outcome.rows.push(*record),
            (DROP, 0) | (EMIT, 0) => self.outcome.applied.dropped += 1,
            (EMIT, _) if u32::try_from(count).is_ok_and(|count| count <= self.outputs_max) => {
                self.emit(record, u32::try_from(count).expect("a limit is a u32"))?;
            }
            (EMIT, _) => return Err(Cause::Outputs(self.outputs_max)),
            (REJECT, 1) => {
                let reason = self.reason()?;
                self.outcome.reject(record, Why::Refused, reason);
            }
            (KEEP | DROP, _) => {
                return malformed(format!(
                    "record {index} is kept or dropped, yet a row names it"
                ));
            }
            (REJECT, _) => {
                return malformed(format!(
                    "record {index} is rejected by {count} rows, not one"
                ));
            }
            (unknown, _) => {
                return malformed(format!("record {index} has the unknown fate {unknown}"));
            }
        }
        Ok(())
    }

    /// What is made of one record. It is refused where that cannot be numbered, so nothing is taken for something else.
    fn emit(&mut self, record: &Row, count: u32) -> Result<(), Cause> {
        let before = self.outcome.rows.len();
        for index in 0..count {
            // Beyond the last number rows are but looked at.
            let number = self.numbers.output(record, index).unwrap_or_default();
            let row = self.output(record, number)?;
            self.outcome.rows.push(row);
        }
        if self.numbers.output(record, count - 1).is_none() {
            self.outcome.rows.truncate(before);
            let reason = format!("there are no numbers left for {count} outputs of it");
            self.outcome.reject(record, Why::Answer, reason);
        } else {
            self.outcome.applied.emitted += u64::from(count);
        }
        Ok(())
    }

    /// One record to emit.
    fn output(&mut self, record: &Row, number: u32) -> Result<Row, Cause> {
        let [_, value, key, headers, route] = self.rows[self.row];
        let timestamp_ms = self
            .timestamps
            .get(self.row)
            .copied()
            .unwrap_or(record.timestamp_ms);
        let value = self.span(value, Some(record.value))?;
        let key = self.span(key, Some(record.key))?;
        let own_headers = headers > 0;
        let headers = self.span(headers, Some(record.headers))?;
        if own_headers && !headers::is_valid(self.text(headers)) {
            return malformed(format!(
                "the headers of row {} are not in the form",
                self.row
            ));
        }
        let route = self.span(route, None)?;
        if std::str::from_utf8(self.text(route)).is_err() {
            return malformed(format!("the route of row {} is not UTF-8", self.row));
        }
        self.row += 1;
        Ok(Row {
            offset: record.offset,
            timestamp_ms,
            number,
            value,
            key,
            headers,
            route,
        })
    }

    /// The reason of a rejection, which is the value of its row.
    fn reason(&mut self) -> Result<String, Cause> {
        let [_, value, key, headers, route] = self.rows[self.row];
        let reason = self.span(value, None)?;
        if reason.is_none() {
            return malformed(format!("row {} rejects without a reason", self.row));
        }
        for length in [key, headers] {
            self.span(length, Some(Span::NONE))?;
        }
        self.span(route, None)?;
        self.row += 1;
        let text = self.text(reason);
        let text = &text[..text.len().min(TEXT_BYTES_MAX)];
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The next `length` bytes; `same` is what "the same as the record's" stands for, where that may be said.
    fn span(&mut self, length: i32, same: Option<Span>) -> Result<Span, Cause> {
        match (usize::try_from(length), same) {
            (Ok(len), _) if len <= self.bytes.len() - self.at => {
                let span = Span::new(self.place.buffer, self.place.base + self.at, len);
                self.at += len;
                Ok(span)
            }
            (Ok(_), _) => malformed(format!(
                "row {} reaches past the end of {} bytes",
                self.row,
                self.bytes.len()
            )),
            (Err(_), _) if length == NONE => Ok(Span::NONE),
            (Err(_), Some(same)) if length == SAME => Ok(same),
            (Err(_), _) => malformed(format!("row {} has the length {length}", self.row)),
        }
    }

    /// The bytes of a span of this answer.
    fn text(&self, span: Span) -> &[u8] {
        let Some(len) = span.len() else { return &[] };
        let start = span.place().1 - self.place.base;
        &self.bytes[start..start + len]
    }

    fn finish(self, records: usize) -> Result<Outcome, Cause> {
        if let Some(row) = self.rows.get(self.row) {
            let (index, record) = (self.row, row[0]);
            return match usize::try_from(record) {
                Ok(inside) if inside < records => {
                    malformed(format!("row {index} names record {record}: rows fall"))
                }
                Ok(_) | Err(_) => {
                    malformed(format!("row {index} names record {record} of {records}"))
                }
            };
        }
        if self.at != self.bytes.len() {
            let (at, all) = (self.at, self.bytes.len());
            return malformed(format!("the rows take {at} of {all} bytes"));
        }
        Ok(self.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: u64, number: u32) -> Row {
        let start = usize::try_from(offset).unwrap() * 4;
        let none = Span::NONE;
        Row {
            offset,
            timestamp_ms: 0,
            number,
            value: Span::new(0, start, 4),
            key: none,
            headers: none,
            route: none,
        }
    }

    fn lifted(
        input: &[Row],
        fates: &[u8],
        rows: &[[i32; ROW_LEN]],
        bytes: &[u8],
    ) -> Result<Option<Outcome>, Cause> {
        let answer = Answer {
            fates: fates.to_vec(),
            rows: rows.as_flattened().to_vec(),
            bytes: bytes.to_vec(),
            ..Answer::default()
        };
        let limits = PluginLimits {
            memory_bytes_max: 0,
            batch_time: std::time::Duration::ZERO,
            output_bytes_max: 8,
            outputs_per_record_max: 2,
            search_time: std::time::Duration::ZERO,
        };
        let place = Place {
            buffer: 2,
            base: 100,
        };
        let lifted = lift(answer, input, &Numbers::default(), place, &limits)?;
        Ok(lifted.0)
    }

    /// Three records of four bytes each, and what an answer to them comes to.
    fn check(fates: &[u8], rows: &[[i32; ROW_LEN]], bytes: &[u8], expected: Result<&str, &str>) {
        let input = [0, 1, 2].map(|offset| record(offset, 0));
        let outcome = lifted(&input, fates, rows, bytes);
        let told = outcome.map(|outcome| outcome.map_or("kept".into(), |outcome| tell(&outcome)));
        let told = told.map_err(|cause| cause.to_string());
        assert_eq!(told.as_deref().map_err(String::as_str), expected);
    }

    fn tell(outcome: &Outcome) -> String {
        let row = |row: &Row| {
            let ((buffer, start), len) = (row.value.place(), row.value.wire_len());
            format!("{}={buffer}:{start}+{len}", row.offset)
        };
        outcome.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rows_follow_each_other_through_records_and_bytes() {
        check(&[0, 0, 0], &[], b"", Ok("kept"));
        check(&[1, 0, 1], &[], b"", Ok("1=0:4+4"));
        let rows = [[0, 2, -1, -1, -1], [2, -2, -1, -1, 1], [2, 3, -1, -1, -1]];
        check(
            &[2, 0, 2],
            &rows,
            b"abcdef",
            Ok("0=2:100+2 1=0:4+4 2=0:8+4 2=2:103+3"),
        );
        check(
            &[2, 3, 1],
            &[[0, -2, -1, -1, -1], [1, 1, 1, 1, 1]],
            b"abcd",
            Ok("0=0:0+4"),
        );
    }

    #[test]
    fn a_record_whose_outputs_cannot_be_numbered_is_refused_and_its_neighbours_go_on() {
        let input = [record(0, 0), record(1, u32::MAX - 1), record(2, 0)];
        let two = |index| [[index, 1, -1, -1, -1], [index, 1, -1, -1, -1]];
        let rows = [two(0), two(1), two(2)].concat();
        let outcome = lifted(&input, &[2, 2, 2], &rows, b"abcdef");
        let Ok(Some(outcome)) = outcome else {
            panic!("the answer is in order")
        };
        let place = |row: &Row| (row.offset, row.number, row.value.place().1);
        let places: Vec<_> = outcome.rows.iter().map(place).collect();
        assert_eq!(places, [(0, 0, 100), (0, 1, 101), (2, 0, 104), (2, 1, 105)]);
        let refused = &outcome.applied.rejected[..];
        let reason = "there are no numbers left for 2 outputs of it".to_owned();
        let (offset, number) = (1, u32::MAX - 1);
        assert_eq!(
            refused,
            [Rejection {
                offset,
                number,
                why: Why::Answer,
                reason
            }]
        );
    }

    #[test]
    fn rows_out_of_step_with_records_are_malformed() {
        let none = |record| [record, -1, -1, -1, -1];
        let falls = "malformed answer: row 1 names record 0: rows fall";
        check(&[2, 2, 0], &[none(1), none(0)], b"", Err(falls));
        let beyond = "malformed answer: row 1 names record 3 of 3";
        check(&[2, 0, 0], &[none(0), none(3)], b"", Err(beyond));
        let kept = "malformed answer: record 1 is kept or dropped, yet a row names it";
        check(&[2, 0, 0], &[none(0), none(1)], b"", Err(kept));
        check(&[2, 1, 0], &[none(0), none(1)], b"", Err(kept));
        let many = "limit of 2 outputs of one record";
        check(&[2, 0, 0], &[none(0), none(0), none(0)], b"", Err(many));
    }

    #[test]
    fn bytes_out_of_step_with_rows_are_malformed() {
        let row = [0, 2, -1, -1, -1];
        check(
            &[2, 0, 0],
            &[row],
            b"a",
            Err("malformed answer: row 0 reaches past the end of 1 bytes"),
        );
        check(
            &[2, 0, 0],
            &[row],
            b"abc",
            Err("malformed answer: the rows take 2 of 3 bytes"),
        );
        check(
            &[0, 0, 0],
            &[],
            b"abc",
            Err("malformed answer: the rows take 0 of 3 bytes"),
        );
        check(
            &[0, 0, 0],
            &[],
            b"abcdefghi",
            Err("output limit of 8 bytes"),
        );
    }
}
