//! A request that a store may take in parts: when it refuses all of it because of some of its records, they are looked for by
//! halves. And what an answer comes to in which nothing was taken at all.

use std::ops::Range;

#[cfg(any(feature = "mongodb", feature = "mysql"))]
use tamis_core::sink::{SinkError, Verdict};

/// The parts of a request that are open, as ranges of what is in it.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The first one last.
    open: Vec<Range<usize>>,
}

impl Parts {
    /// These, none of which is empty.
    pub(crate) fn of(
        parts: impl IntoIterator<Item = Range<usize>, IntoIter: DoubleEndedIterator>,
    ) -> Self {
        let open = parts.into_iter().rev().filter(|part| !part.is_empty());
        Self {
            open: open.collect(),
        }
    }

    /// Takes the first one.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        self.open.pop()
    }

    /// Puts `part` back, first of all.
    #[cfg(feature = "mysql")]
    pub(crate) fn again(&mut self, part: Range<usize>) {
        self.open.push(part);
    }

    /// Puts the halves of `part` back, first of all. Each part has a record at least, so that n of them make 2 n requests at most.
    pub(crate) fn halve(&mut self, part: Range<usize>) {
        let half = part.start + part.len() / 2;
        self.put_back([part.start..half, half..part.end]);
    }

    /// Puts `part` back, first of all, in parts of which the one at `guilty` is alone: what is before it is good, and what is behind
    /// it comes in two halves. Where all are bad, trying them together again and again would send each as often as there are others.
    #[cfg(feature = "mysql")]
    pub(crate) fn split(&mut self, part: Range<usize>, guilty: usize) {
        let half = guilty + 1 + (part.end - guilty - 1) / 2;
        self.put_back([
            part.start..guilty,
            guilty..guilty + 1,
            guilty + 1..half,
            half..part.end,
        ]);
    }

    fn put_back<const N: usize>(&mut self, parts: [Range<usize>; N]) {
        let parts = parts.into_iter().rev().filter(|part| !part.is_empty());
        self.open.extend(parts);
    }
}

/// What `verdicts` come to: where each is to be tried again, nothing was said of any record, and the store is away.
#[cfg(any(feature = "mongodb", feature = "mysql"))]
pub(crate) fn settled(verdicts: Vec<Verdict>) -> Result<Vec<Verdict>, SinkError> {
    let is_away = verdicts
        .iter()
        .all(|verdict| matches!(verdict, Verdict::Retry(_)));
    match verdicts.first() {
        Some(Verdict::Retry(words)) if is_away => Err(SinkError::Unavailable(words.clone().into())),
        Some(_) | None => Ok(verdicts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(back: impl Fn(&mut Parts), expected: &[Range<usize>]) {
        let mut parts = Parts::of([]);
        let behind: Range<usize> = 90..91;
        parts.open.push(behind.clone());
        back(&mut parts);
        let found: Vec<_> = std::iter::from_fn(|| parts.next()).collect();
        let expected: Vec<_> = expected.iter().cloned().chain([behind]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_part_comes_back_in_halves() {
        check(|parts| parts.halve(0..2), &[0..1, 1..2]);
        check(|parts| parts.halve(3..8), &[3..5, 5..8]);
    }

    #[test]
    #[cfg(feature = "mysql")]
    fn or_where_the_store_says_which_is_to_blame() {
        check(|parts| parts.split(0..5, 0), &[0..1, 1..3, 3..5]);
        check(|parts| parts.split(3..8, 5), &[3..5, 5..6, 6..7, 7..8]);
        check(|parts| parts.split(0..5, 4), &[0..4, 4..5]);
        check(|parts| parts.split(0..2, 1), &[0..1, 1..2]);
    }

    #[test]
    #[cfg(any(feature = "mongodb", feature = "mysql"))]
    fn a_store_is_away_where_nothing_was_said_of_any_record() {
        let again = || Verdict::Retry("busy".to_owned());
        assert!(matches!(
            settled(vec![again(), again()]),
            Err(SinkError::Unavailable(_))
        ));
        let some = vec![again(), Verdict::Written];
        assert_eq!(settled(some.clone()).unwrap(), some);
        assert_eq!(settled(Vec::new()).unwrap(), []);
    }
}
