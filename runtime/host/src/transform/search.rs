//! Looks in a batch for the records that a plugin fails on, by halves, each half with a fresh instance after a failure.
//!
//! A record is guilty only if it fails alone on an instance that has seen nothing else. The search has a budget of time and
//! of bytes; a plugin that spends it is quarantined.

use std::ops::Range;

use tamis_core::batch::Batch;

use super::effects::Effects;
use super::lift::Outcome;
use super::{PluginTransform, Stopped};
use crate::engine::Engine;
use crate::failure::Failure;

/// The answers to the parts of one batch together have this many times the limit of one.
const OUTPUT_FACTOR: usize = 4;

/// A search that came to no end.
pub(super) struct Undecided {
    /// What became of the rows in front of `rest`.
    pub(super) outcome: Outcome,
    pub(super) effects: Effects,
    /// The first row without an outcome.
    pub(super) rest: usize,
    pub(super) reason: String,
}

impl PluginTransform {
    /// What becomes of every row of `batch`, `None` when all are kept; and what the plugin wants done.
    pub(super) fn decide(
        &mut self,
        batch: &Batch,
    ) -> Result<(Option<Outcome>, Effects), Box<Undecided>> {
        let all = 0..batch.rows().len();
        let (mut outcome, mut effects) = (Outcome::default(), Effects::default());
        let mut budget = Budget {
            end: None,
            failure: None,
        };
        let mut todo = vec![all.clone()];
        while let Some(range) = todo.pop() {
            if let Some(reason) = self.spent(&budget, &outcome) {
                return Err(Box::new(Undecided {
                    outcome,
                    effects,
                    rest: range.start,
                    reason,
                }));
            }
            match self.ask(batch, range.clone(), outcome.bytes.len()) {
                Ok((None, all_effects)) if range == all => return Ok((None, all_effects)),
                Ok((part, part_effects)) => {
                    match part {
                        Some(part) => outcome.absorb(part),
                        None => outcome.rows.extend(&batch.rows()[range]),
                    }
                    effects.absorb(part_effects);
                }
                Err(Stopped::NotStarted(error)) => {
                    let reason = format!("a fresh instance was refused: {error}");
                    return Err(Box::new(Undecided {
                        outcome,
                        effects,
                        rest: range.start,
                        reason,
                    }));
                }
                Err(Stopped::Failed { failure, fresh }) => {
                    let guilty = range.len() == 1 && fresh;
                    if guilty {
                        let (row, why) = (&batch.rows()[range.start], failure.cause.why());
                        outcome.reject(row, why, format!("trap: {failure}"));
                    } else {
                        todo.extend(halves(range));
                    }
                    budget.charge(self, failure);
                }
            }
        }
        Ok((Some(outcome), effects))
    }

    fn spent(&self, budget: &Budget, outcome: &Outcome) -> Option<String> {
        let (end, failure) = (budget.end?, budget.failure.as_ref()?);
        let limits = &self.limits;
        if self.plugin.engine().ticks() >= end {
            let ms = limits.search_time.as_millis();
            return Some(format!(
                "no end of failures in one batch within {ms} ms, last: {failure}"
            ));
        }
        let bytes_max = limits.output_bytes_max.saturating_mul(OUTPUT_FACTOR);
        (outcome.bytes.len() > bytes_max - limits.output_bytes_max)
            .then(|| format!("more than {bytes_max} bytes made of one batch, after: {failure}"))
    }
}

/// What a search may still spend. It starts with the first failure.
struct Budget {
    end: Option<u64>,
    failure: Option<Failure>,
}

impl Budget {
    fn charge(&mut self, transform: &PluginTransform, failure: Failure) {
        let start = transform.plugin.engine().ticks();
        let time = Engine::ticks_in(transform.limits.search_time);
        self.end.get_or_insert(start + time);
        self.failure = Some(failure);
    }
}

/// What to try next, the last first: both halves; or a single row once more, on an instance of its own.
fn halves(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let middle = range.start + range.len() / 2;
    [middle..range.end, range.start..middle]
        .into_iter()
        .filter(|half| !half.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_tried_in_order_and_a_single_row_again() {
        let check = |range: Range<usize>, expected: &[(usize, usize)]| {
            let halves = halves(range).map(|half| (half.start, half.end));
            assert_eq!(halves.collect::<Vec<_>>(), expected);
        };
        check(4..9, &[(6, 9), (4, 6)]);
        check(4..6, &[(5, 6), (4, 5)]);
        check(4..5, &[(4, 5)]);
    }
}
