//! Numbers of phones, identity cards and bank cards.

use super::{Match, Pattern, Patterns, goes_on, is_inside};

/// No number has more groups of digits: `+33 6 12 34 56 78`.
const GROUPS_MAX: usize = 6;

/// Looks at the digits, or the plus before them, from `at` on. Gives the place to go on from.
pub(super) fn find(text: &[u8], at: usize, patterns: Patterns, found: &mut Vec<Match>) -> usize {
    let has_plus = text[at] == b'+';
    let start = at + usize::from(has_plus);
    let length = digits(text, start);
    // Without a phone number behind it a plus says nothing of the digits.
    let behind = if has_plus { start } else { start + length };
    if is_inside(text, at) || !is_first_group(text, start, length, has_plus) {
        return behind;
    }
    let groups = Groups::read(text, start);
    let hit = if has_plus {
        // What is Chinese is known to end with its last group: what is behind it is another number.
        let number = || groups.mobile().or_else(|| groups.international());
        let end = patterns.has(Pattern::Phone).then(number).flatten();
        end.map(|end| (end, Pattern::Phone))
    } else {
        groups.hit(patterns)
    };
    match hit {
        Some((end, pattern)) => {
            found.push(Match {
                start: at,
                end,
                pattern,
            });
            end
        }
        None => behind,
    }
}

/// How many digits start here.
fn digits(text: &[u8], start: usize) -> usize {
    let rest = text[start..].iter();
    rest.take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether a number can have these digits first: most are known here not to be one.
fn is_first_group(text: &[u8], start: usize, length: usize, has_plus: bool) -> bool {
    match length {
        0 => false,
        11 | 13..=19 => true,
        2..=4 => has_plus || matches!(text.get(start + length), Some(b' ' | b'-')),
        _ => has_plus,
    }
}

/// Groups of digits with one space or one hyphen between each two. There can be more behind them.
struct Groups<'a> {
    text: &'a [u8],
    start: usize,
    count: usize,
    lengths: [usize; GROUPS_MAX],
    ends: [usize; GROUPS_MAX],
}

impl<'a> Groups<'a> {
    fn read(text: &'a [u8], start: usize) -> Self {
        let mut groups = Self {
            text,
            start,
            count: 0,
            lengths: [0; GROUPS_MAX],
            ends: [start; GROUPS_MAX],
        };
        let mut at = start;
        while groups.count < GROUPS_MAX {
            let length = digits(text, at);
            if length == 0 {
                break;
            }
            groups.lengths[groups.count] = length;
            groups.ends[groups.count] = at + length;
            groups.count += 1;
            at += length;
            if !matches!(text.get(at), Some(b' ' | b'-')) {
                break;
            }
            at += 1;
        }
        groups
    }

    fn lengths(&self) -> &[usize] {
        &self.lengths[..self.count]
    }

    /// Where the first `count` groups end.
    fn end(&self, count: usize) -> usize {
        self.ends[count - 1]
    }

    /// The digits of the first `count` groups.
    fn digits(&self, count: usize) -> impl DoubleEndedIterator<Item = u8> + use<'a> {
        let digits = self.text[self.start..self.end(count)].iter().copied();
        digits.filter(u8::is_ascii_digit)
    }

    /// The text of one group.
    fn group(&self, index: usize) -> &'a [u8] {
        let end = self.ends[index];
        &self.text[end - self.lengths[index]..end]
    }

    /// The number that starts here, if it is one: its end, and what it is.
    fn hit(&self, patterns: Patterns) -> Option<(usize, Pattern)> {
        [Pattern::IdCard, Pattern::Phone, Pattern::BankCard]
            .into_iter()
            .filter(|&pattern| patterns.has(pattern))
            .find_map(|pattern| {
                let end = match pattern {
                    Pattern::IdCard => self.id_card(),
                    Pattern::Phone => self.mobile().or_else(|| self.landline()),
                    Pattern::BankCard => self.bank_card(),
                    Pattern::Email | Pattern::BearerToken => None,
                };
                Some((end?, pattern))
            })
    }

    /// The end of the first `count` groups, if the number ends there.
    fn ends_with(&self, count: usize) -> Option<usize> {
        Some(self.end(count)).filter(|&end| !goes_on(self.text, end))
    }

    /// A plus was before it: 10 to 15 digits, in one group or in as many as fit.
    fn international(&self) -> Option<usize> {
        if self.text.get(self.start) == Some(&b'0') {
            return None;
        }
        std::iter::once(1)
            .chain((2..=self.count).rev())
            .filter(|&count| (10..=15).contains(&self.lengths[..count].iter().sum::<usize>()))
            .find_map(|count| self.ends_with(count))
    }

    /// `13800138000`, `138-0013-8000`, with `86` or `0086` before it or without.
    fn mobile(&self) -> Option<usize> {
        let code = match self.lengths() {
            [2, 11 | 3, ..] if self.group(0) == b"86" => 1,
            [4, 11 | 3, ..] if self.group(0) == b"0086" => 1,
            _ => 0,
        };
        let count = code
            + match &self.lengths()[code..] {
                [11, ..] => 1,
                [3, 4, 4, ..] => 3,
                [13, ..] if code == 0 && self.group(0).starts_with(b"86") => 1,
                [15, ..] if code == 0 && self.group(0).starts_with(b"0086") => 1,
                _ => return None,
            };
        let mut last = self.digits(count).rev().skip(9);
        match (last.next(), last.next()) {
            (Some(b'3'..=b'9'), Some(b'1')) => self.ends_with(count),
            _ => None,
        }
    }

    /// `010-12345678`, `0755-12345678`, `0311-1234567`.
    fn landline(&self) -> Option<usize> {
        let is_shape = matches!(self.lengths(), [3, 8, ..] | [4, 7 | 8, ..])
            && self.text[self.end(1)] == b'-'
            && matches!(self.group(0), [b'0', b'1'..=b'9', ..]);
        if is_shape { self.ends_with(2) } else { None }
    }

    fn id_card(&self) -> Option<usize> {
        let end = match self.lengths() {
            [18, ..] => self.end(1),
            [17, ..] if matches!(self.text.get(self.end(1)), Some(b'x' | b'X')) => self.end(1) + 1,
            _ => return None,
        };
        let number = self.text[self.start..end].first_chunk()?;
        (is_id_card(number) && !goes_on(self.text, end)).then_some(end)
    }

    fn bank_card(&self) -> Option<usize> {
        [5, 4, 3, 1].into_iter().find_map(|count| {
            let lengths = self.lengths().get(..count)?;
            let is_shape = matches!(
                lengths,
                [13..=19] | [4, 6, 4 | 5] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3]
            );
            let end = self.ends_with(count).filter(|_| is_shape)?;
            let is_card = is_of_a_bank(self.digits(count)) && is_luhn(self.digits(count));
            is_card.then_some(end)
        })
    }
}

/// 6 digits of a place, 8 of a date, 3 more, and the check digit of GB 11643, in which X is ten.
fn is_id_card(number: &[u8; 18]) -> bool {
    let value = |&byte: &u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        _ => 10,
    };
    let two = |at: usize| value(&number[at]) * 10 + value(&number[at + 1]);
    let (century, month, day) = (two(6), two(10), two(12));
    let is_born =
        matches!(century, 18..=20) && (1..=12).contains(&month) && (1..=31).contains(&day);
    // The weight of each digit is the power of two that its place, counted from behind, has modulo 11.
    let sum = number
        .iter()
        .fold(0, |sum, byte| (sum * 2 + value(byte)) % 11);
    number[0] != b'0' && is_born && sum == 1
}

/// Whether banks begin the numbers of their cards like this: 3 to 6, and 2221 to 2720. Times in milliseconds and most
/// numbers that are counted up begin otherwise.
fn is_of_a_bank(digits: impl Iterator<Item = u8>) -> bool {
    let first = digits
        .take(4)
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    matches!(first, 2221..=2720 | 3000..=6999)
}

/// Every second digit from behind is doubled; the sum of all digits then ends with a zero.
fn is_luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}
