//! Tests of the way of a replay.

use std::sync::Arc;

use super::*;
use crate::batch::BatchBuilder;
use crate::transform::{Rejection, Why};

fn partition(topic: &str) -> Partition {
    Partition {
        source: "s".into(),
        topic: topic.into(),
        number: 0,
        split: 0,
    }
}

/// Makes three of the record at offset 0, drops that at 1, refuses that at 2.
struct Mixed(Stage);

impl Transform for Mixed {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let (mut rows, mut applied) = (Vec::new(), Applied::default());
        for row in batch.rows() {
            match row.offset {
                0 => rows.extend((0..3).map(|index| Row {
                    number: batch.numbers().output(row, index).unwrap(),
                    ..*row
                })),
                1 => applied.dropped += 1,
                2 => applied.rejected.push(Rejection {
                    offset: 2,
                    number: row.number,
                    why: Why::Refused,
                    reason: "never".to_owned(),
                }),
                _ => rows.push(*row),
            }
        }
        batch.replace(rows, None);
        Ok(applied)
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        self.apply(batch).map_err(|error| error.to_string())
    }
}

fn check(wanted: &[(u64, u32)], left: &[(u64, u32)], missing: &[(u64, u32, Option<&str>)]) {
    let mut set = Wanted::default();
    for (offset, number) in wanted {
        set.add(partition("t"), *offset, *number);
    }
    set.add(partition("other"), 3, 7);
    let set = Arc::new(set);
    let stage = Stage {
        name: "mixed".to_owned(),
        version: String::new(),
    };
    let mut only = Only::new(vec![Box::new(Mixed(stage))], Arc::clone(&set));
    let mut batch = BatchBuilder::new(Arc::new(partition("t")), 0, 0);
    (0..5).for_each(|offset| batch.push(offset, -1, None, Some(b"v"), &[]));
    let mut batch = batch.finish(5);

    let applied = only.apply(&mut batch).unwrap();
    assert_eq!((applied.dropped, applied.rejected.len()), (0, 0));
    let rows = batch.rows().iter().map(|row| (row.offset, row.number));
    assert_eq!(rows.collect::<Vec<_>>(), left, "{wanted:?}");
    let found = set.missing();
    let found = found
        .iter()
        .map(|it| (it.offset, it.number, it.refused.as_deref()));
    assert_eq!(found.collect::<Vec<_>>(), missing, "{wanted:?}");
    // What comes of it has numbers that none of its siblings had.
    if let Some(row) = batch.rows().iter().find(|row| row.offset == 0) {
        assert_eq!(batch.numbers().output(row, 1), Some(row.number + 3));
    }
}

#[test]
fn wanted_outputs_alone_go_on_and_those_that_do_not_come_are_named() {
    check(&[(0, 1), (3, 0)], &[(0, 1), (3, 0)], &[]);
    check(&[(0, 2), (0, 0)], &[(0, 0), (0, 2)], &[]);
    check(&[(0, 3)], &[], &[(0, 3, None)]);
    check(&[(1, 0), (4, 0)], &[(4, 0)], &[(1, 0, None)]);
    check(&[(2, 0)], &[], &[(2, 0, Some("mixed: never"))]);
    check(&[(9, 0)], &[], &[]);
    check(&[], &[], &[]);
}
