//! How a number of records is shared by partitions.

/// How many of `wanted` each one gives that has so many: all give the same, and what one does not have the others give.
pub(crate) fn shared(have: &[u64], wanted: u64) -> Vec<u64> {
    let mut order: Vec<usize> = (0..have.len()).collect();
    order.sort_by_key(|index| have[*index]);
    let (mut shares, mut left) = (vec![0; have.len()], wanted);
    for (done, index) in order.into_iter().enumerate() {
        let givers = (have.len() - done) as u64;
        let share = have[index].min(left.div_ceil(givers)).min(left);
        shares[index] = share;
        left -= share;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_does_not_have_the_others_give() {
        let check = |have: &[u64], wanted: u64, expected: &[u64]| {
            assert_eq!(shared(have, wanted), expected, "{wanted} of {have:?}");
        };
        check(&[], 5, &[]);
        check(&[10], 3, &[3]);
        check(&[10, 10], 6, &[3, 3]);
        check(&[10, 1, 10], 9, &[4, 1, 4]);
        check(&[0, 100, 2], 10, &[0, 8, 2]);
        check(&[5, 5], u64::MAX, &[5, 5]);
        check(&[5, 5, 5], 2, &[1, 1, 0]);
        check(&[5, 5], 0, &[0, 0]);
    }
}
