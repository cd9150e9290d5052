//! Bearer tokens (RFC 6750): `Authorization: Bearer eyJhbGciOi…`.

use super::{Match, Pattern, Patterns, is_inside};

pub(super) const WORD: &[u8] = b"bearer";

/// So long a token needs no digit: the words of a language have some, too.
const LONG: usize = 20;
/// A shorter one is none.
const SHORT: usize = 8;

/// Looks at the word that starts with the letter at `at`. Gives the place to go on from.
pub(super) fn find(text: &[u8], at: usize, patterns: Patterns, found: &mut Vec<Match>) -> usize {
    if !patterns.has(Pattern::BearerToken) {
        return at + 1;
    }
    match token(text, at) {
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

/// From where to where the token behind the word reaches. A look to its end is a long one only where it is one, so that
/// nothing is looked at again.
fn token(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let word = text.get(at..at + WORD.len())?;
    if !word.eq_ignore_ascii_case(WORD) || is_inside(text, at) {
        return None;
    }
    let count = |from: usize, is_part: fn(&u8) -> bool| {
        text[from..].iter().take_while(|byte| is_part(byte)).count()
    };
    let behind = at + WORD.len();
    let spaces = count(behind, |byte| matches!(byte, b' ' | b'\t'));
    if spaces == 0 {
        return None;
    }
    let start = behind + spaces;
    // More than the letters of RFC 6750: not all who call it a bearer token keep to them.
    let length = count(start, |byte| {
        byte.is_ascii_graphic() && !b"\"'`,<>)]}".contains(byte)
    });
    let end = start + length;
    let has_digit = || text[start..end].iter().any(u8::is_ascii_digit);
    let is_token = length >= LONG || (length >= SHORT && has_digit());
    is_token.then_some((start, end))
}
