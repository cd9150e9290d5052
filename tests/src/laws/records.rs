//! The records that the laws are about.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Value, json};
use tamis_core::batch::BatchBuilder;
use tamis_core::id::Partition;
use tamis_core::sink::Records;

/// Where the records come from, as their ids begin.
pub const PLACE: &str = "laws/records/0";

/// 2023-01-18 04:05:06.789 UTC; each record is a second after the one before it. All that the laws write is of one day.
const TIME: i64 = 1_674_014_706_789;

/// The id of the record with this number.
#[must_use]
pub fn id(n: u64) -> String {
    format!("{PLACE}/{n}/0")
}

/// The value of the record with this number: a JSON object in one line.
#[must_use]
pub fn value(n: u64) -> Vec<u8> {
    value_to(n, "there")
}

/// One that names its destination.
pub(super) fn value_to(n: u64, to: &str) -> Vec<u8> {
    // Of keys that are not in order, so that it is seen where one is not taken as it is.
    format!(
        r#"{{"n":{n},"to":"{to}","Msg":"第 {n} 条 \"记录\"","Field":{{"big":{},"half":0.5}}}}"#,
        n << 40
    )
    .into_bytes()
}

/// What of a value all stores have, whatever else they add.
pub(super) fn bare(value: Value) -> Value {
    json!({ "n": value["n"], "to": value["to"], "Msg": value["Msg"], "Field": value["Field"] })
}

pub(super) fn bare_of(n: u64) -> Value {
    bare(serde_json::from_slice(&value(n)).expect("it is JSON"))
}

/// The records with these numbers, which are their offsets, too.
#[must_use]
pub fn records(numbers: Range<u64>) -> Records {
    of(numbers.start, numbers.map(value))
}

/// Records with these values, numbered from `first` on.
///
/// # Panics
/// Where there are too many.
pub fn of(first: u64, values: impl IntoIterator<Item = Vec<u8>>) -> Records {
    let partition = Arc::new(Partition {
        source: "laws".into(),
        topic: "records".into(),
        number: 0,
        split: 0,
    });
    let mut batch = BatchBuilder::new(partition, 0, 0);
    let mut next = first;
    for value in values {
        let time = TIME + 1_000 * i64::try_from(next % 50_000).expect("it is small");
        batch.push(next, time, None, Some(&value), &[]);
        next += 1;
    }
    let mut records = Records::default();
    let count = u32::try_from(batch.len()).expect("laws are about few records");
    if count > 0 {
        records.push(&Arc::new(batch.finish(next)), 0..count);
    }
    records
}
