//! Lays the rows of a batch out as the contract has them.

use std::ops::Range;

use tamis_core::batch::{Batch, Row, Span, VALUES};

use crate::contract::{Input, Wants};

/// The vectors behind an [`Input`], used again for every batch.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    values: Part,
    keys: Part,
    headers: Part,
    timestamps: Vec<i64>,
    offsets: Vec<u64>,
    numbers: Vec<u32>,
}

/// Bytes end to end, and their lengths.
#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    lengths: Vec<i32>,
}

impl Lowered {
    /// What a plugin that wants `wants` gets of the rows `range`.
    pub(super) fn lower<'a>(
        &'a mut self,
        batch: &'a Batch,
        range: Range<usize>,
        wants: Wants,
    ) -> Input<'a> {
        let rows = &batch.rows()[range];
        let values = self.values.lay(batch, rows, |row| row.value);
        let keys = self.keys.lay(batch, asked(rows, wants.key), |row| row.key);
        let headers = self
            .headers
            .lay(batch, asked(rows, wants.headers), |row| row.headers);
        // The contract has 0 for no headers, since none and empty are the same.
        self.headers
            .lengths
            .iter_mut()
            .for_each(|length| *length = (*length).max(0));
        refill(&mut self.timestamps, asked(rows, wants.timestamp), |row| {
            row.timestamp_ms
        });
        refill(&mut self.offsets, asked(rows, wants.position), |row| {
            row.offset
        });
        refill(&mut self.numbers, asked(rows, wants.position), |row| {
            row.number
        });
        let partition = wants.position.then(|| batch.partition());
        Input {
            values: values.unwrap_or(&self.values.bytes),
            value_lengths: &self.values.lengths,
            keys: keys.unwrap_or(&self.keys.bytes),
            key_lengths: &self.keys.lengths,
            headers: headers.unwrap_or(&self.headers.bytes),
            header_lengths: &self.headers.lengths,
            timestamps: &self.timestamps,
            source: partition.map_or("", |partition| &partition.source),
            topic: partition.map_or("", |partition| &partition.topic),
            partition: partition.map_or(0, |partition| partition.number),
            offsets: &self.offsets,
            numbers: &self.numbers,
        }
    }
}

impl Part {
    /// Notes the lengths, and gathers the bytes unless they lie end to end where they are: then returns them.
    fn lay<'a>(
        &mut self,
        batch: &'a Batch,
        rows: &[Row],
        span: impl Fn(&Row) -> Span,
    ) -> Option<&'a [u8]> {
        refill(&mut self.lengths, rows, |row| span(row).wire_len());
        self.bytes.clear();
        if let Some((buffer, range)) = stretch(rows, &span) {
            return Some(&batch.buffer(buffer)[range]);
        }
        for row in rows {
            self.bytes
                .extend_from_slice(batch.bytes(span(row)).unwrap_or_default());
        }
        None
    }
}

/// The one stretch of one buffer that the spans of `rows` make up, if they do.
fn stretch(rows: &[Row], span: impl Fn(&Row) -> Span) -> Option<(usize, Range<usize>)> {
    let mut found: Option<(usize, Range<usize>)> = None;
    for row in rows {
        let span = span(row);
        let Some(len) = span.len().filter(|len| *len > 0) else {
            continue;
        };
        let (buffer, start) = span.place();
        match &mut found {
            None => found = Some((buffer, start..start + len)),
            Some((same, range)) if *same == buffer && range.end == start => range.end += len,
            Some(_) => return None,
        }
    }
    Some(found.unwrap_or((VALUES, 0..0)))
}

fn asked(rows: &[Row], wanted: bool) -> &[Row] {
    if wanted { rows } else { &[] }
}

fn refill<T>(column: &mut Vec<T>, rows: &[Row], value: impl Fn(&Row) -> T) {
    column.clear();
    column.extend(rows.iter().map(value));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tamis_core::batch::BatchBuilder;
    use tamis_core::id::Partition;

    use super::*;

    fn batch(values: &[Option<&str>]) -> Batch {
        let partition = Partition {
            source: "here".into(),
            topic: "logs".into(),
            number: 3,
            split: 0,
        };
        let mut builder = BatchBuilder::new(Arc::new(partition), 4, 64);
        for (offset, value) in (10..).zip(values) {
            builder.push(offset, 5, Some(b"key"), value.map(str::as_bytes), b"");
        }
        builder.finish(10 + values.len() as u64)
    }

    #[test]
    fn values_end_to_end_are_handed_over_where_they_lie() {
        let check = |keep: &[usize], expected: &str, copied: bool| {
            let mut batch = batch(&[Some("a"), None, Some(""), Some("bc"), Some("d")]);
            let rows: Vec<Row> = keep.iter().map(|index| batch.rows()[*index]).collect();
            batch.replace(rows, None);
            let mut lowered = Lowered::default();
            let input = lowered.lower(&batch, 0..keep.len(), Wants::ALL);
            assert_eq!(input.values, expected.as_bytes());
            assert_eq!(!lowered.values.bytes.is_empty(), copied, "{keep:?}");
        };
        check(&[0, 1, 2, 3, 4], "abcd", false);
        check(&[3, 4], "bcd", false);
        check(&[1, 2], "", false);
        check(&[0, 4], "ad", true);
    }

    #[test]
    fn metadata_that_is_not_wanted_is_not_sent() {
        let batch = batch(&[Some("a"), Some("b")]);
        let mut lowered = Lowered::default();
        lowered.lower(&batch, 0..2, Wants::ALL);
        let input = lowered.lower(&batch, 0..2, Wants::default());
        assert_eq!(
            (input.keys, input.key_lengths, input.header_lengths),
            (&b""[..], &[][..], &[][..])
        );
        assert_eq!((input.source, input.topic, input.partition), ("", "", 0));
        assert_eq!(
            (input.timestamps, input.offsets, input.numbers),
            (&[][..], &[][..], &[][..])
        );
    }

    #[test]
    fn all_metadata_is_sent_for_a_part_of_the_rows() {
        let batch = batch(&[Some("a"), None, Some("b")]);
        let mut lowered = Lowered::default();
        let input = lowered.lower(&batch, 1..3, Wants::ALL);
        assert_eq!(input.value_lengths, [-1, 1]);
        assert_eq!(
            (input.keys, input.key_lengths),
            (&b"keykey"[..], &[3, 3][..])
        );
        assert_eq!(input.header_lengths, [0, 0]);
        assert_eq!(
            (input.source, input.topic, input.partition),
            ("here", "logs", 3)
        );
        assert_eq!(
            (input.timestamps, input.offsets),
            (&[5, 5][..], &[11, 12][..])
        );
        assert_eq!(input.numbers, [0, 0]);
    }
}
