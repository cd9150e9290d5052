//! How lines differ from those that were expected: which are missing, which came beside them, and in which fields others differ.

use std::path::Path;

use crate::fields::{self, text};

/// Lines that are laid side by side; of more only the first are, or memory would grow with their square.
const LINES_MAX: usize = 1_000;

/// One step through both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Same,
    Changed(usize, usize),
    Missing(usize),
    Extra(usize),
}

/// What is to be said of `came` where the file `path` has `expected`.
pub(super) fn lines(path: &Path, expected: &[Vec<u8>], came: &[Vec<u8>]) -> Vec<String> {
    let path = path.display();
    let mut problems = Vec::new();
    for step in steps(expected, came) {
        match step {
            Step::Same => {}
            Step::Missing(at) => {
                let line = text(&expected[at]);
                problems.push(format!(
                    "{path}:{}: expected, but did not come: {line}",
                    at + 1
                ));
            }
            Step::Extra(at) => {
                problems.push(format!(
                    "{path}: not expected, but came: {}",
                    text(&came[at])
                ));
            }
            Step::Changed(at, other) => {
                let place = format!("{path}:{}", at + 1);
                let said = fields::changed(&expected[at], &came[other], ["expected", "came"]);
                problems.extend(said.into_iter().map(|said| format!("{place}: {said}")));
            }
        }
    }
    problems
}

/// The way from one to the other: what they have in common stays, between that lines are taken for each other in order.
fn steps(expected: &[Vec<u8>], came: &[Vec<u8>]) -> Vec<Step> {
    let alike = |(one, other): &(&Vec<u8>, &Vec<u8>)| one == other;
    let front = expected.iter().zip(came).take_while(alike).count();
    let (rest, other) = (&expected[front..], &came[front..]);
    let back = rest
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take_while(alike)
        .count();
    let (rest, other) = (&rest[..rest.len() - back], &other[..other.len() - back]);

    let mut steps = vec![Step::Same; front];
    let (mut at, mut to) = (0, 0);
    let common = common(
        &rest[..rest.len().min(LINES_MAX)],
        &other[..other.len().min(LINES_MAX)],
    );
    for (next, next_other) in common.into_iter().chain([(rest.len(), other.len())]) {
        while at < next || to < next_other {
            let step = match (at < next, to < next_other) {
                (true, true) => Step::Changed(front + at, front + to),
                (true, false) => Step::Missing(front + at),
                (false, _) => Step::Extra(front + to),
            };
            steps.push(step);
            at += usize::from(at < next);
            to += usize::from(to < next_other);
        }
        if at < rest.len() && to < other.len() {
            steps.push(Step::Same);
            (at, to) = (at + 1, to + 1);
        }
    }
    steps.extend(vec![Step::Same; back]);
    steps
}

/// The longest row of pairs of equal lines in the order of both.
fn common(expected: &[Vec<u8>], came: &[Vec<u8>]) -> Vec<(usize, usize)> {
    let width = came.len() + 1;
    let mut longest = vec![0_u16; (expected.len() + 1) * width];
    for (at, line) in expected.iter().enumerate().rev() {
        for (to, other) in came.iter().enumerate().rev() {
            let here = at * width + to;
            longest[here] = if line == other {
                longest[here + width + 1] + 1
            } else {
                longest[here + width].max(longest[here + 1])
            };
        }
    }
    let (mut pairs, mut at, mut to) = (Vec::new(), 0, 0);
    while at < expected.len() && to < came.len() {
        let here = at * width + to;
        if expected[at] == came[to] {
            pairs.push((at, to));
            (at, to) = (at + 1, to + 1);
        } else if longest[here + width] >= longest[here + 1] {
            at += 1;
        } else {
            to += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &[&str], came: &[&str], said: &[&str]) {
        let owned = |lines: &[&str]| {
            lines
                .iter()
                .map(|it| it.as_bytes().to_vec())
                .collect::<Vec<_>>()
        };
        let problems = lines(Path::new("out"), &owned(expected), &owned(came));
        assert_eq!(problems, said);
    }

    #[test]
    fn equal_lines_are_nothing_to_speak_of() {
        check(&[], &[], &[]);
        check(&["a", "b"], &["a", "b"], &[]);
    }

    #[test]
    fn a_line_more_or_less_leaves_the_others_alone() {
        let missing = "out:2: expected, but did not come: b";
        check(&["a", "b", "c"], &["a", "c"], &[missing]);
        check(
            &["a", "c"],
            &["a", "b", "c"],
            &["out: not expected, but came: b"],
        );
        let extra = "out: not expected, but came: e";
        check(
            &["a", "b", "c", "d"],
            &["a", "c", "d", "e"],
            &[missing, extra],
        );
        check(
            &["x", "b", "y", "d"],
            &["1", "b", "2", "d"],
            &["out:1: expected x, came 1", "out:3: expected y, came 2"],
        );
        let last = "out:3: expected, but did not come: c";
        check(&["a", "b", "c"], &["a", "b"], &[last]);
    }

    #[test]
    fn fields_that_differ_are_named_by_their_pointer() {
        let expected = r#"{"level":"error","Field":{"a/b":[1,2]},"gone":null}"#;
        let came = r#"{"level":"warn","Field":{"a/b":[1,3]},"new":true}"#;
        let said = [
            r#"out:1: /level: expected "error", came "warn""#,
            "out:1: /Field/a~1b/1: expected 2, came 3",
            "out:1: /gone: expected null, came nothing",
            "out:1: /new: expected nothing, came true",
        ];
        check(&[expected], &[came], &said);
        check(
            &["1"],
            &["[]"],
            &["out:1: the whole value: expected 1, came []"],
        );
    }

    #[test]
    fn the_same_json_in_other_bytes_is_told_apart() {
        let said = r#"out:1: the same JSON, but not the same bytes, from byte 5 on: expected 1}, came  1}"#;
        check(&[r#"{"a":1}"#], &[r#"{"a": 1}"#], &[said]);
    }
}
