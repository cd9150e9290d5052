//! Tests of cutting blocks into lines.

use proptest::prelude::*;
use tamis_core::id::OffsetRange;

use super::*;
use crate::testing::partition;

type Record = (u64, Vec<u8>);

const WIDE: BatchLimits = BatchLimits {
    records_max: 1000,
    bytes_max: 1 << 20,
};

/// Everything that `lines` makes of `input`, fed in blocks of this size.
fn cut(mut lines: Lines, input: &[u8], block: usize) -> Result<Vec<Batch>, LineTooLong> {
    let begin = usize::try_from(lines.position()).unwrap();
    let mut batches = Vec::new();
    for mut block in input[begin..].chunks(block) {
        if lines.is_complete() {
            break;
        }
        while let Some(batch) = lines.take(&mut block)? {
            batches.push(batch);
        }
        assert!(block.is_empty(), "a block is used up");
    }
    batches.extend(std::iter::from_fn(|| lines.finish()));
    Ok(batches)
}

fn all_of(limits: BatchLimits) -> Lines {
    Lines::new(partition("t"), limits, 0, u64::MAX)
}

fn records(batches: &[Batch]) -> Vec<Record> {
    let rows = batches
        .iter()
        .flat_map(|batch| batch.rows().iter().map(move |row| (batch, row)));
    rows.map(|(batch, row)| (row.offset, batch.bytes(row.value).unwrap().to_vec()))
        .collect()
}

fn ranges(batches: &[Batch]) -> Vec<(u64, u64)> {
    batches
        .iter()
        .map(Batch::range)
        .map(|OffsetRange { start, next }| (start, next))
        .collect()
}

fn check(input: &str, expected: &[(u64, &str)]) {
    for block in [1, 2, 3, 1000] {
        let batches = cut(all_of(WIDE), input.as_bytes(), block).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|(o, v)| (*o, v.as_bytes().to_vec()))
            .collect();
        assert_eq!(
            records(&batches),
            expected,
            "{input:?} in blocks of {block}"
        );
    }
}

#[test]
fn a_line_ends_with_a_line_feed_or_with_the_input() {
    check("", &[]);
    check("a\nbc\n", &[(0, "a"), (2, "bc")]);
    check("a\nbc", &[(0, "a"), (2, "bc")]);
}

#[test]
fn an_empty_line_is_an_empty_value() {
    check("\n", &[(0, "")]);
    check("a\n\n\nb\n", &[(0, "a"), (2, ""), (3, ""), (4, "b")]);
}

#[test]
fn one_carriage_return_before_a_line_feed_is_not_part_of_the_line() {
    check("a\r\nb\r\r\n\r\n", &[(0, "a"), (3, "b\r"), (7, "")]);
    check("a\rb\nc\r", &[(0, "a\rb"), (4, "c\r")]);
}

#[test]
fn a_batch_is_full_by_records_or_by_bytes_and_a_larger_line_is_one_of_its_own() {
    let input = b"a\nb\nc\nlonger\nd\n";
    let limits = BatchLimits {
        records_max: 2,
        bytes_max: 4,
    };
    for block in [1, 3, 1000] {
        let batches = cut(all_of(limits), input, block).unwrap();
        assert_eq!(
            ranges(&batches),
            [(0, 4), (4, 6), (6, 13), (13, 15)],
            "{block}"
        );
    }
}

#[test]
fn a_line_without_end_stops_with_its_offset() {
    let mut lines = all_of(WIDE);
    lines.line_bytes_max = 10;
    let error = cut(lines, b"short\nfar too long a line\n", 4).unwrap_err();
    assert_eq!(
        error,
        LineTooLong {
            offset: 6,
            bytes_max: 10
        }
    );
}

#[test]
fn what_was_begun_can_be_had_before_the_batch_is_full() {
    let mut lines = all_of(WIDE);
    let mut block = &b"a\nb\nunfin"[..];
    assert!(lines.take(&mut block).unwrap().is_none());
    assert_eq!(ranges(&Vec::from_iter(lines.flush())), [(0, 4)]);
    assert!(lines.flush().is_none());
    let mut block = &b"ished\n"[..];
    assert!(lines.take(&mut block).unwrap().is_none());
    let rest: Vec<_> = lines.finish().into_iter().collect();
    assert_eq!(records(&rest), [(4, b"unfinished".to_vec())]);
}

/// The lines of `input`, in the plainest way.
fn plain(input: &[u8]) -> Vec<Record> {
    let (mut offset, mut records) = (0, Vec::new());
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let value = line.strip_suffix(b"\n").map_or(line, strip);
        records.push((offset, value.to_vec()));
        offset += line.len() as u64;
    }
    records
}

proptest! {
    #[test]
    fn each_line_is_in_exactly_one_split_however_the_input_is_split_and_fed(
        input in proptest::collection::vec(prop::sample::select(b"ab\r\n\n".to_vec()), 0..120),
        mut bounds in proptest::collection::vec(0..120_u64, 0..5),
        block in 1..40_usize,
        records_max in 1..6_usize,
        bytes_max in 1..20_usize,
    ) {
        let size = input.len() as u64;
        bounds.iter_mut().for_each(|bound| *bound = (*bound).min(size));
        bounds.extend([0, size]);
        bounds.sort_unstable();
        let limits = BatchLimits { records_max, bytes_max };
        let mut batches = Vec::new();
        for bound in bounds.windows(2) {
            let lines = Lines::new(partition("t"), limits, bound[0], bound[1]);
            batches.extend(cut(lines, &input, block).unwrap());
        }
        prop_assert_eq!(records(&batches), plain(&input));
        let mut covered = 0;
        for (start, next) in ranges(&batches) {
            prop_assert_eq!(start, covered);
            covered = next;
        }
        prop_assert_eq!(covered, size);
    }
}
