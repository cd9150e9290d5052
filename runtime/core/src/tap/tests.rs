use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::*;
use crate::batch::{BatchBuilder, Row, Span};
use crate::chain::Chain;
use crate::sink::Record;
use crate::transform::{Transform, TransformError, Why};

/// By the first letter of a value: keeps `k`, drops `d`, rejects `r`, makes a capital of `c`, and two of `t`.
struct Letters(Stage);

impl Transform for Letters {
    fn stage(&self) -> &Stage {
        &self.0
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let (mut applied, mut bytes, mut rows) = (Applied::default(), Vec::new(), Vec::new());
        let buffer = batch.next_buffer();
        for row in batch.rows() {
            let value = batch.bytes(row.value).unwrap_or_default();
            let mut emit = |index: u32| {
                let start = bytes.len();
                bytes.extend(value.to_ascii_uppercase());
                let value = Span::new(buffer, start, bytes.len() - start);
                let number = batch.numbers().output(row, index).unwrap();
                rows.push(Row {
                    value,
                    number,
                    ..*row
                });
            };
            match value.first() {
                Some(b'd') => applied.dropped += 1,
                Some(b'r') => applied.rejected.push(Rejection {
                    offset: row.offset,
                    number: row.number,
                    why: Why::Refused,
                    reason: "it begins with r".to_owned(),
                }),
                Some(b'c') => emit(0),
                Some(b't' | b'T') => (0..2).for_each(emit),
                _ => rows.push(*row),
            }
        }
        batch.replace(rows, Some(bytes.into()));
        Ok(applied)
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        self.apply(batch).map_err(|error| error.to_string())
    }
}

struct Holds(&'static [u8]);

impl Condition for Holds {
    fn holds(&self, record: Record<'_>) -> bool {
        record
            .value()
            .is_some_and(|value| value.starts_with(self.0))
    }
}

fn batch(values: &[&str]) -> Batch {
    let partition = Arc::new(Partition {
        source: "s".into(),
        topic: "t".into(),
        number: 3,
        split: 0,
    });
    let mut batch = BatchBuilder::new(partition, values.len(), 0);
    for (offset, value) in (0..).zip(values) {
        batch.push(offset, 5, None, Some(value.as_bytes()), &[]);
    }
    batch.finish(values.len() as u64)
}

fn chain(tap: &Tap) -> Chain {
    let stage = |name: &str| -> Box<dyn Transform> {
        Box::new(Letters(Stage {
            name: name.to_owned(),
            version: "1".to_owned(),
        }))
    };
    Chain::new(vec![stage("first"), stage("second")]).tapped(tap.clone())
}

fn shown(watching: &mut Watching) -> Vec<Tapped> {
    std::iter::from_fn(|| watching.shown.try_recv().ok()).collect()
}

fn text(part: &Part) -> &str {
    std::str::from_utf8(part.value.as_deref().unwrap()).unwrap()
}

/// What is shown of these values, a line for each record.
fn check(look: Look, values: &[&str], expected: &[&str]) {
    let tap = Tap::default();
    let mut watching = tap.watch(look).unwrap();
    chain(&tap).apply(&mut batch(values)).unwrap();
    let line = |tapped: &Tapped| {
        let after: Vec<_> = tapped.after.iter().map(text).collect();
        let (fate, before) = (tapped.fate, text(&tapped.before));
        format!("{fate:?} {before} {}", after.join(","))
    };
    let lines: Vec<_> = shown(&mut watching).iter().map(line).collect();
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    assert_eq!(lines, expected);
}

const VALUES: &[&str] = &["keep", "drop", "reject", "change", "two"];

fn look(stage: Option<&str>) -> Look {
    Look {
        stage: stage.map(str::to_owned),
        rate: 100,
        ..Look::default()
    }
}

#[tokio::test(start_paused = true)]
async fn records_are_shown_in_front_and_behind_with_what_became_of_them() {
    let of_first = [
        "Keep keep keep",
        "Drop drop",
        "Reject reject",
        "Emit change CHANGE",
        "Emit two TWO,TWO",
    ];
    check(look(Some("first")), VALUES, &of_first);
    // The outputs of one input are told apart by their numbers.
    let of_second = [
        "Keep keep keep",
        "Keep CHANGE CHANGE",
        "Emit TWO TWO,TWO",
        "Emit TWO TWO,TWO",
    ];
    check(look(Some("second")), VALUES, &of_second);
    let of_all = [
        "Keep keep keep",
        "Drop drop",
        "Reject reject",
        "Emit change CHANGE",
        "Emit two TWO,TWO,TWO,TWO",
    ];
    check(look(None), VALUES, &of_all);
    check(look(Some("third")), VALUES, &[]);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_is_shown() {
    let fates = Look {
        fates: vec![TapFate::Drop, TapFate::Reject],
        ..look(Some("first"))
    };
    check(fates, VALUES, &["Drop drop", "Reject reject"]);
    let behind = Look {
        filter: Some(Arc::new(Holds(b"CH"))),
        ..look(Some("first"))
    };
    check(behind, VALUES, &["Emit change CHANGE"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_shown_than_was_asked_for_and_the_next_second_shows_more() {
    let tap = Tap::default();
    let mut watching = tap
        .watch(Look {
            rate: 3,
            ..look(None)
        })
        .unwrap();
    let mut chain = chain(&tap);
    let values: Vec<&str> = vec!["keep"; 30];
    let mut offsets = |watching: &mut Watching| -> Vec<u64> {
        chain.apply(&mut batch(&values)).unwrap();
        shown(watching).iter().map(|it| it.place.offset).collect()
    };
    assert_eq!(offsets(&mut watching), [0, 10, 20]);
    assert_eq!(offsets(&mut watching), [0; 0]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(offsets(&mut watching), [0, 10, 20]);
    let looked = Looked {
        passed: 90,
        looked_at: 6,
        lost: 0,
    };
    assert_eq!(watching.looked(), looked);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_keep_up_loses_records_and_holds_up_no_one() {
    let tap = Tap::default();
    let mut watching = tap
        .watch(Look {
            rate: 1_000,
            ..look(None)
        })
        .unwrap();
    let mut chain = chain(&tap);
    for _ in 0..10 {
        chain.apply(&mut batch(&["keep"; 16])).unwrap();
    }
    assert_eq!(shown(&mut watching).len(), WAITING_MAX);
    assert_eq!(watching.looked().lost, 160 - WAITING_MAX as u64);
}

#[tokio::test(start_paused = true)]
async fn few_large_records_wait_for_who_looks() {
    let tap = Tap::default();
    let mut watching = tap.watch(look(None)).unwrap();
    let large = format!("k{}", "x".repeat(64 << 10));
    let mut chain = chain(&tap);
    for _ in 0..4 {
        chain.apply(&mut batch(&[&*large; 10])).unwrap();
        advance(Duration::from_secs(1)).await;
    }
    // Each is copied twice.
    let waiting = WAITING_BYTES_MAX as u64 / (2 * (64 << 10));
    let looked = watching.looked();
    assert_eq!(looked.looked_at - looked.lost, waiting);
    for _ in 0..waiting {
        watching.next().await.unwrap();
    }
    chain.apply(&mut batch(&[&*large])).unwrap();
    assert_eq!(shown(&mut watching).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_at_in_a_second_is_bounded() {
    let tap = Tap::default();
    let filter: Arc<dyn Condition> = Arc::new(Holds(b"nothing"));
    let watching = tap
        .watch(Look {
            filter: Some(filter),
            ..look(None)
        })
        .unwrap();
    let large = format!("k{}", "x".repeat(1 << 20));
    let mut chain = chain(&tap);
    for _ in 0..3 {
        chain.apply(&mut batch(&[&*large; 10])).unwrap();
    }
    // In front and behind, 8 MiB of it.
    let Looked {
        passed, looked_at, ..
    } = watching.looked();
    assert_eq!((passed, looked_at), (30, 4));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_long_is_cut() {
    let tap = Tap::default();
    let mut watching = tap.watch(look(None)).unwrap();
    let large = format!("k{}", "x".repeat(1 << 20));
    chain(&tap).apply(&mut batch(&[&*large])).unwrap();
    let [one] = &shown(&mut watching)[..] else {
        panic!("one is shown");
    };
    let lens = |part: &Part| (part.value.as_ref().unwrap().len(), part.value_bytes);
    assert_eq!(lens(&one.before), (64 << 10, (1 << 20) + 1));
    assert_eq!(one.before, one.after[0]);
}

#[tokio::test(start_paused = true)]
async fn it_is_off_as_soon_as_no_one_looks_and_few_may_look_at_once() {
    let tap = Tap::default();
    assert!(!tap.is_on());
    let mut all: Vec<_> = (0..TAPS_MAX)
        .map(|_| tap.watch(look(None)).unwrap())
        .collect();
    assert!(matches!(tap.watch(look(None)), Err(TooMany)));
    all.pop();
    assert!(tap.is_on());
    drop(tap.watch(look(None)).unwrap());
    drop(all);
    assert!(!tap.is_on());
    assert!(tap.eyes().is_none());
}
