//! Bearer tokens (RFC 6750): `Authorization: Bearer eyJhbGciOi…`.

use super::{Match, Pattern, Patterns, is_inside};

/// So long a token needs no digit: the words of a language have some, too.
const LONG: usize = 20;
/// A shorter one is none.
const SHORT: usize = 8;

/// Looks at the word that starts with the letter at `at`. Gives the place to go on from.
pub(super) fn find(text: &[u8], at: usize, patterns: Patterns, found: &mut Vec<Match>) -> usize {
    match token(text, at).filter(|_| patterns.has(Pattern::BearerToken)) {
        Some((start, end)) => {
            found.push(Match {
                start,
                end,
                pattern: Pattern::BearerToken,
            });
            end
        }
        None => at + 1,
    }
}

/// From where to where the token behind the word reaches.
fn token(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let word = text.get(at..at + 6)?;
    if !word.eq_ignore_ascii_case(b"bearer") || is_inside(text, at) {
        return None;
    }
    let count = |from: usize, is_part: fn(&u8) -> bool| {
        text[from..].iter().take_while(|byte| is_part(byte)).count()
    };
    let spaces = count(at + 6, |byte| matches!(byte, b' ' | b'\t'));
    let start = at + 6 + spaces;
    let length = count(start, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte)
    });
    let end = start + length + count(start + length, |byte| *byte == b'=');
    let has_digit = text[start..end].iter().any(u8::is_ascii_digit);
    let is_token = length >= LONG || (length >= SHORT && has_digit);
    (spaces > 0 && is_token).then_some((start, end))
}
