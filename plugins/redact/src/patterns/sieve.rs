//! Tells fast that a text has nothing in it: most have nothing.

use memchr::{memchr, memchr2_iter};

use super::token::WORD;
use super::{Pattern, Patterns};

/// A number with a plus has so many digits at least, and one without has more.
const DIGITS_MIN: usize = 10;

/// What a number is written with.
const PARTS: [bool; 256] = super::set(b"0123456789 -");

/// Whether something may be found in `text` as it stands.
pub(in super::super) fn may_have(text: &[u8], patterns: Patterns) -> bool {
    let has_numbers = [Pattern::Phone, Pattern::IdCard, Pattern::BankCard]
        .into_iter()
        .any(|pattern| patterns.has(pattern));
    (patterns.has(Pattern::Email) && memchr(b'@', text).is_some())
        || (patterns.has(Pattern::BearerToken) && has_word(text))
        || (has_numbers && has_digits(text))
}

fn has_word(text: &[u8]) -> bool {
    memchr2_iter(b'b', b'B', text).any(|at| {
        let word = text.get(at..at + WORD.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(WORD))
    })
}

/// Whether there is a stretch of digits, spaces and hyphens with as many digits as a number has. It has so many bytes that
/// a look at each tenth one does not miss it.
fn has_digits(text: &[u8]) -> bool {
    let is_part = |byte: &&u8| PARTS[usize::from(**byte)];
    let mut at = DIGITS_MIN - 1;
    while let Some(byte) = text.get(at) {
        if is_part(&byte) {
            let start = at - text[..at].iter().rev().take_while(is_part).count();
            at += text[at..].iter().take_while(is_part).count();
            if at - start >= DIGITS_MIN && is_long(text, start, at) {
                return true;
            }
        }
        at += DIGITS_MIN;
    }
    false
}

/// Whether the stretch from `start` to `end` has digits enough.
fn is_long(text: &[u8], start: usize, end: usize) -> bool {
    let stretch = text[start..end].iter();
    let digits = stretch.filter(|byte| byte.is_ascii_digit()).count();
    let has_plus = text[..start].ends_with(b"+");
    digits + usize::from(has_plus) > DIGITS_MIN
}
