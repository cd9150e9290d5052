//! Makes records that a plugin fails on fewer and smaller.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::plugin::records::Record;

/// What may be spent on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) tries: u32,
    pub(super) time: Duration,
}

/// The least of `records` that `fails` is still true of, as far as the budget goes by `clock`.
pub(super) fn shrink(
    records: Vec<Record>,
    budget: Budget,
    mut clock: impl FnMut() -> Instant,
    fails: impl FnMut(&[Record]) -> bool,
) -> Vec<Record> {
    let end = clock() + budget.time;
    let mut shrinking = Shrinking {
        records,
        fails,
        clock,
        tries: budget.tries,
        end,
    };
    let (Ok(()) | Err(Spent)) = shrinking.all();
    shrinking.records
}

/// Records on their way to the least of them.
struct Shrinking<F, C> {
    records: Vec<Record>,
    fails: F,
    clock: C,
    tries: u32,
    end: Instant,
}

/// The budget is: every step to come is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent;

impl<F, C> Shrinking<F, C>
where
    F: FnMut(&[Record]) -> bool,
    C: FnMut() -> Instant,
{
    fn all(&mut self) -> Result<(), Spent> {
        less(self.records.len(), |range| {
            self.step(|records| drop(records.drain(range)))
        })?;
        for index in 0..self.records.len() {
            // Parts that do not matter go as a whole.
            self.step(|records| records[index].key = None)?;
            self.step(|records| records[index].headers.clear())?;
            self.step(|records| records[index].timestamp_ms = None)?;
            self.part(index, |record| &mut record.value)?;
            self.part(index, |record| &mut record.key)?;
        }
        Ok(())
    }

    /// Makes one part of a record smaller.
    fn part(
        &mut self,
        index: usize,
        part: fn(&mut Record) -> &mut Option<Vec<u8>>,
    ) -> Result<(), Spent> {
        let length = part(&mut self.records[index]).as_ref().map_or(0, Vec::len);
        less(length, |range| {
            self.step(|records| {
                if let Some(bytes) = part(&mut records[index]) {
                    drop(bytes.drain(range));
                }
            })
        })
    }

    /// Tries the records with `change`; they stay so if they still fail.
    fn step(&mut self, change: impl FnOnce(&mut Vec<Record>)) -> Result<bool, Spent> {
        if (self.clock)() >= self.end || self.tries == 0 {
            return Err(Spent);
        }
        let mut changed = self.records.clone();
        change(&mut changed);
        if changed == self.records {
            return Ok(false);
        }
        self.tries -= 1;
        let fails = (self.fails)(&changed);
        if fails {
            self.records = changed;
        }
        Ok(fails)
    }
}

/// Goes through `length` items with `leave_out`, which says whether it did without those: first halves, then ever smaller stretches.
fn less(
    mut length: usize,
    mut leave_out: impl FnMut(Range<usize>) -> Result<bool, Spent>,
) -> Result<(), Spent> {
    let mut stretch = length.div_ceil(2);
    while stretch > 0 && length > 0 {
        let (mut at, before) = (0, length);
        while at < length {
            let end = (at + stretch).min(length);
            if leave_out(at..end)? {
                length -= end - at;
            } else {
                at = end;
            }
        }
        // Single ones are gone through again as long as that helps: one can depend on another one behind it.
        if stretch > 1 || length == before {
            stretch /= 2;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::now;

    const BUDGET: Budget = Budget {
        tries: 10_000,
        time: Duration::from_secs(60),
    };

    #[test]
    fn what_is_not_needed_goes() {
        let check = |items: &str, needed: &str| {
            let mut left = items.to_owned();
            let ended = less(items.len(), |range| {
                let mut some = left.clone();
                some.replace_range(range, "");
                let mut wanted = needed.bytes();
                let mut next = wanted.next();
                for byte in some.bytes() {
                    if Some(byte) == next {
                        next = wanted.next();
                    }
                }
                let fails = next.is_none();
                if fails {
                    left = some;
                }
                Ok(fails)
            });
            assert_eq!((ended, &*left), (Ok(()), needed));
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
        let small = shrink(records, BUDGET, now, fails);
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
        let check = |budget: Budget, expected: u64| {
            let (begin, mut looks, mut asked) = (now(), 0, 0);
            // Each look at the clock takes a second, and there is one before each step.
            let clock = || {
                looks += 1;
                begin + Duration::from_secs(looks)
            };
            let mut record = Record::of(vec![b'x'; 100]);
            record.key = Some(b"key".to_vec());
            shrink(vec![record; 100], budget, clock, |_| {
                asked += 1;
                false
            });
            // One look is for its end, and the last one finds it.
            assert_eq!((looks, asked), (expected + 2, expected));
        };
        let (time, tries) = (Duration::from_hours(1), 7);
        check(Budget { tries, time }, 7);
        let time = Duration::from_secs(5);
        check(Budget { time, ..BUDGET }, 4);
    }
}
