use std::sync::Arc;

use super::*;
use crate::batch::{BatchBuilder, Span};
use crate::id::Partition;
use crate::transform::{Rejection, Stage, TransformError, Why};

/// Does what a function says.
struct By(Stage, fn(&mut Batch) -> Result<Applied, String>);

fn by(decide: fn(&mut Batch) -> Result<Applied, String>) -> By {
    let stage = Stage {
        name: "by".into(),
        version: String::new(),
    };
    By(stage, decide)
}

impl Transform for By {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn apply(&mut self, _batch: &mut Batch) -> Result<Applied, TransformError> {
        unreachable!("a comparison only attempts")
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        (self.1)(batch)
    }
}

fn keep(_: &mut Batch) -> Result<Applied, String> {
    Ok(Applied::default())
}

/// Writes another value in the place of that at offset 2.
fn change(batch: &mut Batch) -> Result<Applied, String> {
    let mut rows = batch.rows().to_vec();
    for row in rows.iter_mut().filter(|row| row.offset == 2) {
        row.value = Span::new(batch.next_buffer(), 0, 3);
    }
    batch.replace(rows, Some("new".into()));
    Ok(Applied::default())
}

/// Drops what lies at offset 1, refuses what lies at 3.
fn sift(batch: &mut Batch) -> Result<Applied, String> {
    let rows = batch.rows().iter().filter(|row| row.offset == 2);
    batch.replace(rows.copied().collect(), None);
    let rejection = Rejection {
        offset: 3,
        number: 0,
        why: Why::Refused,
        reason: "never".into(),
    };
    Ok(Applied {
        dropped: 1,
        rejected: vec![rejection],
        ..Applied::default()
    })
}

fn fail(_: &mut Batch) -> Result<Applied, String> {
    Err("it fails".to_owned())
}

/// Three records, at the offsets 1 to 3.
fn taken() -> Taken {
    let partition = Partition {
        source: "s".into(),
        topic: "t".into(),
        number: 7,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 3, 0);
    for offset in 1..=3 {
        batch.push(offset, 5, Some(b"k"), Some(b"old"), &[]);
    }
    batch.finish(4).taken_again()
}

fn compare_by(before: &mut [&mut dyn Transform], old: By, new: By, batches: usize) -> Comparison {
    let (mut old, mut new) = (old, new);
    let taken = vec![taken(); batches];
    let time = Duration::from_secs(60);
    compare(before, &mut [&mut old], &mut [&mut new], &taken, time)
}

fn values(became: &Became) -> Vec<&[u8]> {
    let outputs = became.outputs.iter();
    outputs.map(|it| it.value.as_deref().unwrap()).collect()
}

#[test]
fn the_same_decisions_are_no_difference_wherever_their_bytes_lie() {
    let same = compare_by(&mut [&mut by(change)], by(keep), by(keep), 2);
    assert_eq!((same.records, same.differing, same.failed), (6, 0, 0));
    let copied = compare_by(&mut [&mut by(change)], by(change), by(keep), 1);
    assert_eq!((copied.records, copied.differing), (3, 0));
}

#[test]
fn differences_are_counted_and_the_first_are_shown() {
    let changed = compare_by(&mut [], by(keep), by(change), 12);
    assert_eq!((changed.records, changed.differing), (36, 12));
    assert_eq!(changed.changes, [(Change::Value, 12)].into());
    assert_eq!(changed.differences.len(), DIFFERENCES_MAX);
    let Difference {
        topic,
        partition,
        offset,
        old,
        new,
    } = &changed.differences[0];
    assert_eq!((&**topic, *partition, *offset), ("t", 7, 2));
    assert_eq!(
        (values(old), values(new)),
        (vec![&b"old"[..]], vec![&b"new"[..]])
    );
}

/// Gives what lies at offset 1 another key and route, makes two of what lies at 2, and moves 3 in time.
fn turn(batch: &mut Batch) -> Result<Applied, String> {
    let mut rows = batch.rows().to_vec();
    let buffer = batch.next_buffer();
    rows[0].key = Span::NONE;
    rows[0].route = Span::new(buffer, 0, 3);
    rows[2].timestamp_ms = 6;
    rows.insert(
        2,
        Row {
            number: 1,
            ..rows[1]
        },
    );
    batch.replace(rows, Some("new".into()));
    Ok(Applied::default())
}

#[test]
fn a_record_may_differ_in_several_things() {
    let turned = compare_by(&mut [], by(keep), by(turn), 1);
    assert_eq!(turned.differing, 3);
    let changes = [Change::Outputs, Change::Key, Change::Route, Change::Time];
    assert_eq!(turned.changes, changes.map(|change| (change, 1)).into());
}

#[test]
fn what_is_dropped_or_refused_is_a_difference_too() {
    let sifted = compare_by(&mut [], by(sift), by(keep), 1);
    assert_eq!(sifted.differing, 2);
    let changes = [
        (Change::Fate(Fate::Dropped, Fate::Kept), 1),
        (Change::Fate(Fate::Refused, Fate::Kept), 1),
    ];
    assert_eq!(sifted.changes, changes.into());
    assert_eq!((sifted.old.dropped, sifted.old.rejected), (1, 1));
    assert_eq!((sifted.new.dropped, sifted.new.rejected), (0, 0));
    let [dropped, refused] = &sifted.differences[..] else {
        panic!("two of them");
    };
    assert_eq!(dropped.old, Became::default());
    assert_eq!(refused.old.rejected, ["never"]);
    assert_eq!(values(&refused.new), [b"old"]);
}

#[test]
fn new_stages_that_fail_are_given_up_and_what_the_old_ones_fail_on_says_nothing() {
    let failed = compare_by(&mut [], by(keep), by(fail), 100);
    assert_eq!((failed.failed, failed.records), (FAILURES_MAX, 0));
    assert_eq!(failed.failure.as_deref(), Some("it fails"));
    let both = compare_by(&mut [], by(fail), by(fail), 3);
    assert_eq!((both.failed, both.passed_over), (0, 3));
    let before = compare_by(&mut [&mut by(fail)], by(keep), by(keep), 3);
    assert_eq!((before.passed_over, before.records), (3, 0));
}

#[test]
fn a_comparison_ends_when_its_time_has_passed() {
    let (mut old, mut new) = (by(keep), by(keep));
    let nothing = compare(
        &mut [],
        &mut [&mut old],
        &mut [&mut new],
        &[taken()],
        Duration::ZERO,
    );
    assert_eq!(nothing, Comparison::new(DIFFERENCES_MAX));
}
