//! What is between the quotes of a JSON string.

use std::borrow::Cow;

use super::block;
use super::pointer::Token;

/// The four hexadecimal digits of the escape `\uXXXX` that starts at `at`.
pub(crate) fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}

/// The text of a string, given what is between its quotes; `None` where that is none.
pub(crate) fn decode(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    if is_plain(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let mut text = Vec::with_capacity(raw.len());
    for piece in (Pieces { raw }) {
        match piece? {
            Piece::Plain(bytes) => text.extend_from_slice(bytes),
            Piece::Escape(character) => {
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    Some(Cow::Owned(text))
}

/// Whether a text is the same between the quotes of a string: nothing in it needs an escape.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    block::special(text, 0) >= text.len()
}

/// The first eight bytes of a key, or those that it has, as a number.
pub(crate) fn head(key: &[u8]) -> u64 {
    key.iter()
        .take(8)
        .rev()
        .fold(0, |head, &byte| head << 8 | u64::from(byte))
}

/// One of 64 bits for each head: a set of heads that may say yes to some that are not in it.
#[inline(always)]
pub(crate) fn head_bit(head: u64) -> u64 {
    1 << (head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

/// Whether the text of a string, given what is between its quotes, is the key that `token` names.
#[inline(always)]
pub(crate) fn equals(raw: &[u8], escaped: bool, token: Token<'_>) -> bool {
    if escaped || token.has_tilde() {
        return decoded_equals(raw, &token.key());
    }
    let written = token.written().as_bytes();
    // Keys are short: going to memcmp would take longer.
    raw.len() == written.len() && raw.iter().eq(written)
}

#[cold]
fn decoded_equals(raw: &[u8], key: &str) -> bool {
    let mut rest = key.as_bytes();
    for piece in (Pieces { raw }) {
        let left = match piece {
            Some(Piece::Plain(bytes)) => rest.strip_prefix(bytes),
            Some(Piece::Escape(character)) => {
                rest.strip_prefix(character.encode_utf8(&mut [0; 4]).as_bytes())
            }
            None => None,
        };
        let Some(left) = left else { return false };
        rest = left;
    }
    rest.is_empty()
}

enum Piece<'a> {
    Plain(&'a [u8]),
    Escape(char),
}

/// The pieces of a string with escapes; `None` is an escape that is none.
struct Pieces<'a> {
    raw: &'a [u8],
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Option<Piece<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = *self.raw.first()?;
        if first != b'\\' {
            let end = self
                .raw
                .iter()
                .position(|&byte| byte == b'\\')
                .unwrap_or(self.raw.len());
            let (plain, rest) = self.raw.split_at(end);
            self.raw = rest;
            return Some(Some(Piece::Plain(plain)));
        }
        let Some((character, width)) = unescape(self.raw) else {
            self.raw = &[];
            return Some(None);
        };
        self.raw = &self.raw[width..];
        Some(Some(Piece::Escape(character)))
    }
}

/// The character of the escape that `raw`, of a JSON string, starts with, and how many bytes the escape has; `None`
/// where it is none.
#[must_use]
pub fn unescape(raw: &[u8]) -> Option<(char, usize)> {
    let character = match raw.get(1)? {
        b'u' => return unicode(raw),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        same @ (b'"' | b'\\' | b'/') => char::from(*same),
        _ => return None,
    };
    Some((character, 2))
}

fn unicode(raw: &[u8]) -> Option<(char, usize)> {
    let first = hex4(raw, 0)?;
    if !(0xd800..=0xdbff).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = hex4(raw, 6).filter(|second| (0xdc00..=0xdfff).contains(second))?;
    let character = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(character)?, 12))
}
