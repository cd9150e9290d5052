//! Dead letters: refused records on their way to a place where a person can look at them and send them again.
//!
//! A letter is the record as the source gave it (key, value, time, headers), so that a replay runs the whole way again, and
//! the headers below in front of its own. A record has one letter for each stage or sink that refused it.

use std::sync::Arc;

use crate::batch::{Batch, BatchBuilder};
use crate::headers;
use crate::transform::{Rejection, Stage};

/// Version of this form; readers refuse others.
pub const VERSION: &str = "1";
/// Header: the version of the form.
pub const HEADER_VERSION: &str = "tamis-dead";
/// Header: the id of the output that was refused, `source/topic/partition/offset/n`.
pub const HEADER_ID: &str = "tamis-id";
/// Header: the plugin or sink that refused it.
pub const HEADER_STAGE: &str = "tamis-stage";
/// Header: the version of that plugin; empty for a sink.
pub const HEADER_STAGE_VERSION: &str = "tamis-stage-version";
/// Header: why, in words.
pub const HEADER_REASON: &str = "tamis-reason";
/// Header: the record's time in milliseconds since 1970-01-01 UTC; empty where it has none. A topic may set a time of its own.
pub const HEADER_TIME: &str = "tamis-time";
/// Header: the name of the source.
pub const HEADER_SOURCE: &str = "tamis-source";
/// Header: the topic, or the path of the file.
pub const HEADER_TOPIC: &str = "tamis-topic";
/// Header: the partition.
pub const HEADER_PARTITION: &str = "tamis-partition";
/// Header: the offset.
pub const HEADER_OFFSET: &str = "tamis-offset";
/// Header: which output of its input; see [`Numbers`](crate::numbers::Numbers).
pub const HEADER_NUMBER: &str = "tamis-number";

/// Bytes of a reason that a letter keeps.
const REASON_BYTES_MAX: usize = 4096;

/// The letters for `rejections`, which `stage` pronounced over records of `batch`, as a batch of their own.
///
/// # Panics
/// Where there are no rejections, their offsets fall, or one names a record that is not in the batch.
pub(crate) fn letters(batch: &Batch, stage: &Stage, rejections: &[Rejection]) -> Arc<Batch> {
    let mut letters = BatchBuilder::new(Arc::clone(batch.partition()), rejections.len(), 0);
    for rejection in rejections {
        let original = batch
            .original(rejection.offset)
            .expect("a refused record was taken");
        let mut head = describe(batch, stage, rejection, original.timestamp_ms);
        head.extend_from_slice(batch.bytes(original.headers).unwrap_or_default());
        let (key, value) = (batch.bytes(original.key), batch.bytes(original.value));
        letters.push(rejection.offset, original.timestamp_ms, key, value, &head);
        letters.number_last(rejection.number);
    }
    let last = rejections.last().expect("there is a rejection").offset;
    Arc::new(letters.finish(last + 1))
}

fn describe(batch: &Batch, stage: &Stage, rejection: &Rejection, timestamp_ms: i64) -> Vec<u8> {
    let Rejection {
        offset,
        number,
        why: _,
        reason,
    } = rejection;
    let partition = batch.partition();
    let id = crate::id::RecordId {
        partition,
        offset: *offset,
        number: *number,
    };
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    let time = (timestamp_ms >= 0).then(|| timestamp_ms.to_string());
    let mut head = Vec::with_capacity(256 + reason.len());
    let mut push = |name, value: &str| headers::push(&mut head, name, Some(value.as_bytes()));
    push(HEADER_VERSION, VERSION);
    push(HEADER_ID, &id.to_string());
    push(HEADER_STAGE, &stage.name);
    push(HEADER_STAGE_VERSION, &stage.version);
    push(HEADER_REASON, reason);
    push(HEADER_TIME, &time.unwrap_or_default());
    push(HEADER_SOURCE, &partition.source);
    push(HEADER_TOPIC, &partition.topic);
    push(HEADER_PARTITION, &partition.number.to_string());
    push(HEADER_OFFSET, &offset.to_string());
    push(HEADER_NUMBER, &number.to_string());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Partition;

    #[test]
    fn a_letter_is_the_original_record_with_origin_and_reason_in_front_of_its_headers() {
        let partition = Partition {
            source: "s".into(),
            topic: "t".into(),
            number: 3,
            split: 0,
        };
        let mut own = Vec::new();
        headers::push(&mut own, "own", None);
        let mut batch = BatchBuilder::new(Arc::new(partition), 1, 0);
        batch.push(41, 7, None, Some(b"v"), &[]);
        batch.push(42, 8, Some(b"k"), None, &own);
        let mut batch = batch.finish(43);
        batch.replace(Vec::new(), None);

        let stage = Stage {
            name: "mask".into(),
            version: "1.2.0".into(),
        };
        let reason = "名".repeat(2000);
        let letters = letters(
            &batch,
            &stage,
            &[Rejection {
                offset: 42,
                number: 5,
                why: crate::transform::Why::Refused,
                reason,
            }],
        );

        let row = &letters.rows()[0];
        assert_eq!((row.offset, row.number, row.timestamp_ms), (42, 5, 8));
        assert_eq!(
            (letters.bytes(row.key), letters.bytes(row.value)),
            (Some(&b"k"[..]), None)
        );
        let text =
            |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
        let heads: Vec<_> = headers::iter(letters.bytes(row.headers).expect("there are headers"))
            .map(|(name, value)| (name, text(value)))
            .collect();
        let some = |value: &str| Some(value.to_owned());
        assert_eq!(
            heads,
            [
                (HEADER_VERSION, some("1")),
                (HEADER_ID, some("s/t/3/42/5")),
                (HEADER_STAGE, some("mask")),
                (HEADER_STAGE_VERSION, some("1.2.0")),
                (HEADER_REASON, Some("名".repeat(1365))),
                (HEADER_TIME, some("8")),
                (HEADER_SOURCE, some("s")),
                (HEADER_TOPIC, some("t")),
                (HEADER_PARTITION, some("3")),
                (HEADER_OFFSET, some("42")),
                (HEADER_NUMBER, some("5")),
                ("own", None),
            ]
        );
    }
}
