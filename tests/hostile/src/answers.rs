//! Answers that keep to the contract.

use crate::tamis::plugin::records::{Answer, Batch};

pub(crate) const KEEP: u8 = 0;
const DROP: u8 = 1;
pub(crate) const EMIT: u8 = 2;
pub(crate) const REJECT: u8 = 3;
pub(crate) const NONE: i32 = -1;
pub(crate) const SAME: i32 = -2;

/// The values; empty for a tombstone.
pub(crate) fn split(batch: &Batch) -> Vec<&[u8]> {
    let mut rest = batch.values.as_slice();
    let lengths = batch.value_lengths.iter();
    lengths
        .map(|length| rest.split_off(..(*length).max(0) as usize).unwrap())
        .collect()
}

pub(crate) fn is_bad(record: &[u8]) -> bool {
    record.windows(3).any(|word| word == b"bad")
}

pub(crate) fn keep(records: usize) -> Answer {
    Answer {
        fates: vec![KEEP; records],
        rows: vec![],
        timestamps: vec![],
        bytes: vec![],
        count_names: vec![],
        counts: vec![],
        logs: vec![],
        words: vec![],
    }
}

impl Answer {
    /// Adds a row with a value and a route of its own; all else is the record's.
    pub(crate) fn row(&mut self, record: usize, value: Option<&str>, route: Option<&str>) {
        let length = |text: Option<&str>| text.map_or(NONE, |text| text.len() as i32);
        self.rows
            .extend([record as i32, length(value), SAME, SAME, length(route)]);
        self.bytes.extend(value.unwrap_or_default().bytes());
        self.bytes.extend(route.unwrap_or_default().bytes());
    }
}

/// Each record becomes the number of batches that the instance has seen.
pub(crate) fn count(records: &[&[u8]], batches: u32) -> Answer {
    let mut answer = keep(records.len());
    for index in 0..records.len() {
        answer.fates[index] = EMIT;
        answer.row(index, Some(&batches.to_string()), None);
    }
    answer
}

/// Each value is a command, and every record that it does not know is kept.
pub(crate) fn obey(records: &[&[u8]], batch: &Batch) -> Answer {
    let mut answer = keep(records.len());
    let mut lines: Vec<u8> = vec![];
    for (index, record) in records.iter().enumerate() {
        answer.fates[index] = match *record {
            b"drop" => DROP,
            b"nothing" => EMIT,
            b"replace" => {
                answer.row(index, Some("replaced"), None);
                EMIT
            }
            b"empty" => {
                answer.row(index, Some(""), None);
                EMIT
            }
            b"bury" => {
                answer.row(index, None, None);
                EMIT
            }
            b"twice" => {
                answer.row(index, Some("first"), Some("left"));
                answer.row(index, Some("second"), Some("right"));
                EMIT
            }
            b"same" => {
                answer.rows.extend([index as i32, SAME, SAME, SAME, NONE]);
                EMIT
            }
            b"bare" => {
                answer.rows.extend([index as i32, SAME, NONE, NONE, NONE]);
                EMIT
            }
            b"dress" => {
                let headers = b"\x01\0\0\0h\x02\0\0\0hi";
                answer
                    .rows
                    .extend([index as i32, SAME, 3, headers.len() as i32, NONE]);
                answer.bytes.extend(b"new");
                answer.bytes.extend(headers);
                EMIT
            }
            b"where" => {
                let (offset, number) = (batch.offsets[index], batch.numbers[index]);
                let (source, topic, partition) = (&batch.source, &batch.topic, batch.partition);
                let place = format!("{source}/{topic}/{partition}/{offset}/{number}");
                answer.row(index, Some(&place), None);
                EMIT
            }
            b"count" => {
                answer.count_names.push(4);
                answer.counts.push(2);
                answer.words.extend(b"seen");
                KEEP
            }
            b"say" => {
                answer.logs.extend([2, index as i32, 5]);
                lines.extend(b"hello");
                KEEP
            }
            b"trap" => core::arch::wasm32::unreachable(),
            b"reject" => {
                answer.row(index, Some("told to"), None);
                REJECT
            }
            b"reject at length" => {
                answer.row(index, Some(&"no".repeat(5_000)), None);
                REJECT
            }
            b"reject in bytes" => {
                answer.rows.extend([index as i32, 2, NONE, NONE, NONE]);
                answer.bytes.extend(b"\xFFx");
                REJECT
            }
            _ => KEEP,
        };
    }
    answer.words.append(&mut lines);
    // One time a row, and only when there is a record that asks for times.
    if records.contains(&&b"later"[..]) {
        let of_row = |row: &[i32]| batch.timestamps[row[0] as usize] + 1_000;
        answer.timestamps = answer.rows.chunks(5).map(of_row).collect();
    }
    answer
}
