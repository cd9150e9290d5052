//! How the outputs of one input are told apart.

use std::collections::BTreeMap;

use crate::batch::Row;

/// What numbers the outputs of each input of a batch have had: a number is never given twice, even if its output is gone.
///
/// The first output that a plugin makes of a row keeps the row's number. The further ones lie above all numbers that the input has
/// had when the plugin got it, at a distance that their row alone decides: whatever becomes of its neighbours, now or in a
/// replay of a dead letter, they are called the same.
///
/// | rows that a plugin gets | and makes of them            | their numbers |
/// |-------------------------|------------------------------|---------------|
/// | 0                       | three                        | 0 1 2         |
/// | 0 1 2                   | two of each                  | 0 3 1 4 2 5   |
/// | 0 1 2                   | two of the last, refuses 1   | 0 2 5         |
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// By offset: one more than the highest number, where that is not 1.
    bounds: BTreeMap<u64, u32>,
}

impl Numbers {
    /// The number of the output with this index among those made of `row`; `None` where there are no more numbers.
    #[must_use]
    pub fn output(&self, row: &Row, index: u32) -> Option<u32> {
        let bound = self.bounds.get(&row.offset).copied().unwrap_or(1);
        let number = bound.checked_mul(index)?.checked_add(row.number)?;
        // The bound above it must be a number, too.
        (number < u32::MAX).then_some(number)
    }

    /// The number of the row that an output comes from, which a plugin made of it.
    pub(crate) fn parent(&self, offset: u64, output: u32) -> u32 {
        output % self.bounds.get(&offset).copied().unwrap_or(1)
    }

    /// Notes the numbers that `rows` have.
    pub(crate) fn note(&mut self, rows: &[Row]) {
        for row in rows.iter().filter(|row| row.number > 0) {
            let bound = self.bounds.entry(row.offset).or_insert(1);
            *bound = (*bound).max(row.number + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Span;

    fn row(offset: u64, number: u32) -> Row {
        let none = Span::NONE;
        Row {
            offset,
            timestamp_ms: -1,
            number,
            value: none,
            key: none,
            headers: none,
            route: none,
        }
    }

    /// What a plugin makes of rows of one input: for each how many outputs.
    fn check(had: &[u32], made: &[(u32, u32)], expected: &[u32]) {
        let mut numbers = Numbers::default();
        let rows: Vec<_> = had.iter().map(|number| row(7, *number)).collect();
        numbers.note(&rows);
        let outputs = made.iter().flat_map(|(number, count)| {
            let row = row(7, *number);
            (0..*count).map(move |index| (row, index))
        });
        let outputs: Vec<_> = outputs
            .map(|(row, index)| numbers.output(&row, index).unwrap())
            .collect();
        assert_eq!(outputs, expected, "{had:?} {made:?}");
        assert_eq!(numbers.output(&row(8, 0), 2), Some(2), "another input");
    }

    #[test]
    fn further_outputs_lie_above_all_numbers_that_there_were_whatever_becomes_of_neighbours() {
        check(&[0], &[(0, 3)], &[0, 1, 2]);
        check(&[0, 1, 2], &[(0, 2), (1, 2), (2, 2)], &[0, 3, 1, 4, 2, 5]);
        check(&[0, 1, 2], &[(0, 1), (2, 2)], &[0, 2, 5]);
        check(&[0, 1, 2], &[(2, 3)], &[2, 5, 8]);
        check(&[0, 4, 1], &[(1, 2)], &[1, 6]);
    }

    #[test]
    fn an_input_that_has_had_a_number_does_not_give_it_again_when_its_output_is_gone() {
        let mut numbers = Numbers::default();
        numbers.note(&[row(7, 0), row(7, 1), row(7, 2)]);
        numbers.note(&[row(7, 1)]);
        assert_eq!(numbers.output(&row(7, 1), 1), Some(4));
    }

    #[test]
    fn numbers_end() {
        let mut numbers = Numbers::default();
        numbers.note(&[row(7, 0), row(7, 999_999)]);
        assert_eq!(numbers.output(&row(7, 5), 4_294), Some(4_294_000_005));
        assert_eq!(numbers.output(&row(7, 5), 4_295), None);
        numbers.note(&[row(7, u32::MAX - 1)]);
        assert_eq!(numbers.output(&row(7, 0), 1), None);
        assert_eq!(numbers.output(&row(8, u32::MAX), 0), None);
    }
}
