//! Makes records that a plugin fails on fewer and smaller.

use std::time::{Duration, Instant};

use crate::plugin::now;
use crate::plugin::records::Record;

/// What may be spent on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) tries: u32,
    pub(super) time: Duration,
}

/// The least of `records` that `fails` is still true of, as far as the budget goes.
pub(super) fn shrink(
    records: Vec<Record>,
    budget: Budget,
    fails: impl FnMut(&[Record]) -> bool,
) -> Vec<Record> {
    let mut judge = Judge {
        fails,
        tries: budget.tries,
        end: now() + budget.time,
    };
    let mut records = less(records, |fewer| judge.fails(fewer));
    for index in 0..records.len() {
        // Parts that do not matter go as a whole.
        let mut with = |change: &dyn Fn(&mut Record)| {
            let mut changed = records.clone();
            change(&mut changed[index]);
            if changed != records && judge.fails(&changed) {
                records = changed;
            }
        };
        with(&|record| record.key = None);
        with(&|record| record.headers.clear());
        with(&|record| record.timestamp_ms = None);
        if let Some(value) = records[index].value.clone() {
            records[index].value = Some(less(value, |value| {
                let mut changed = records.clone();
                changed[index].value = Some(value.to_vec());
                judge.fails(&changed)
            }));
        }
        if let Some(key) = records[index].key.clone() {
            records[index].key = Some(less(key, |key| {
                let mut changed = records.clone();
                changed[index].key = Some(key.to_vec());
                judge.fails(&changed)
            }));
        }
    }
    records
}

/// Asks as long as the budget goes; then nothing more fails.
struct Judge<F> {
    fails: F,
    tries: u32,
    end: Instant,
}

impl<F: FnMut(&[Record]) -> bool> Judge<F> {
    fn fails(&mut self, records: &[Record]) -> bool {
        if self.tries == 0 || now() >= self.end {
            return false;
        }
        self.tries -= 1;
        (self.fails)(records)
    }
}

/// `items` without those that `fails` does not need: first halves are left out, then ever smaller stretches.
fn less<T: Clone>(mut items: Vec<T>, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut stretch = items.len().div_ceil(2);
    while stretch > 0 && !items.is_empty() {
        let (mut at, before) = (0, items.len());
        while at < items.len() {
            let end = (at + stretch).min(items.len());
            let rest = [&items[..at], &items[end..]].concat();
            if fails(&rest) {
                items = rest;
            } else {
                at = end;
            }
        }
        // Single ones are gone through again as long as that helps: one can depend on another one behind it.
        if stretch > 1 || items.len() == before {
            stretch /= 2;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget {
        tries: 10_000,
        time: Duration::from_secs(60),
    };

    #[test]
    fn what_is_not_needed_goes() {
        let check = |items: &str, needed: &str| {
            let left = less(items.bytes().collect(), |some| {
                let mut wanted = needed.bytes();
                let mut next = wanted.next();
                for byte in some {
                    if Some(*byte) == next {
                        next = wanted.next();
                    }
                }
                next.is_none()
            });
            assert_eq!(String::from_utf8(left).unwrap(), needed);
        };
        check("abcdefghijklmnop", "");
        check("abcdefghijklmnop", "c");
        check("abcdefghijklmnop", "aip");
        check("a", "a");
    }

    #[test]
    fn the_guilty_records_are_left_with_the_bytes_that_matter() {
        let mut records = vec![Record::of(b"harmless".to_vec()); 100];
        records[40].value = Some(b"some first thing".to_vec());
        records[40].key = Some(b"key".to_vec());
        records[70].value = Some(b"a second thing".to_vec());
        let has = |record: &Record, word: &[u8]| {
            let value = record.value.as_deref().unwrap_or_default();
            value.windows(word.len()).any(|part| part == word)
        };
        let fails = |records: &[Record]| {
            let first = records.iter().position(|record| has(record, b"first"));
            first.is_some_and(|at| records[at..].iter().any(|record| has(record, b"second")))
        };
        let small = shrink(records, BUDGET, fails);
        assert_eq!(
            small,
            [
                Record::of(b"first".to_vec()),
                Record::of(b"second".to_vec())
            ]
        );
    }

    #[test]
    fn it_ends_with_its_budget() {
        let mut asked = 0;
        let budget = Budget { tries: 7, ..BUDGET };
        let records = vec![Record::of(vec![b'x'; 100]); 100];
        shrink(records, budget, |_| {
            asked += 1;
            false
        });
        assert_eq!(asked, 7);
    }
}
