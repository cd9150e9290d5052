//! What is between the quotes of a JSON string, and what is between the slashes of a pointer.

use std::borrow::Cow;

use super::block;
use super::scan::Span;

/// The four hexadecimal digits of the escape `\uXXXX` that starts at `at`.
pub(crate) fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}

/// The text of a string, given what is between its quotes; `None` where that is none.
pub(crate) fn decode(raw: &[u8], escaped: bool) -> Option<Cow<'_, str>> {
    if !escaped {
        return std::str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    let mut text = String::with_capacity(raw.len());
    for piece in (Pieces { raw }) {
        match piece? {
            Piece::Plain(bytes) => text.push_str(std::str::from_utf8(bytes).ok()?),
            Piece::Escape(character) => text.push(character),
        }
    }
    Some(Cow::Owned(text))
}

/// One reference token of a pointer, as it is written there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'p> {
    written: &'p str,
    head: u64,
    has_tilde: bool,
}

impl<'p> Token<'p> {
    /// The key that it names.
    pub(crate) fn key(self) -> Cow<'p, str> {
        if self.has_tilde {
            Cow::Owned(self.written.replace("~1", "/").replace("~0", "~"))
        } else {
            Cow::Borrowed(self.written)
        }
    }

    /// Whether the key may be another than what is written.
    pub(crate) fn has_tilde(self) -> bool {
        self.has_tilde
    }

    /// The first bytes of what is written, as [`head`] has them.
    pub(crate) fn head(self) -> u64 {
        self.head
    }
}

/// Whether a text is the same between the quotes of a string: nothing in it needs an escape.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    block::special(text, 0) >= text.len()
}

/// The first eight bytes of a key, or those that it has, as a number.
#[inline(always)]
pub(crate) fn head(text: &[u8], key: Span) -> u64 {
    let (start, len) = (key.start as usize, key.end - key.start);
    match text.get(start..).and_then(<[u8]>::first_chunk) {
        Some(bytes) if len >= 8 => u64::from_le_bytes(*bytes),
        Some(bytes) => u64::from_le_bytes(*bytes) & !(u64::MAX << (8 * len)),
        None => short_head(key.of(text)),
    }
}

fn short_head(key: &[u8]) -> u64 {
    key.iter()
        .take(8)
        .rev()
        .fold(0, |head, &byte| head << 8 | u64::from(byte))
}

/// Whether the text of a string, given what is between its quotes, is the key that `token` names.
#[inline(always)]
pub(crate) fn equals(raw: &[u8], escaped: bool, token: Token<'_>) -> bool {
    if escaped || token.has_tilde {
        return decoded_equals(raw, &token.key());
    }
    // Keys are short: going to memcmp would take longer.
    raw.len() == token.written.len() && raw.iter().eq(token.written.as_bytes())
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

/// The first reference token of a pointer and the pointer behind it; `None` where the pointer is empty or none.
#[inline(always)]
pub(crate) fn split_pointer(pointer: &str) -> Option<(Token<'_>, &str)> {
    let rest = pointer.strip_prefix('/')?;
    let (mut end, mut head, mut has_tilde) = (0, 0, false);
    for byte in rest.bytes() {
        if byte == b'/' {
            break;
        }
        if end < 8 {
            head |= u64::from(byte) << (8 * end);
        }
        has_tilde |= byte == b'~';
        end += 1;
    }
    let (written, behind) = rest.split_at(end);
    Some((
        Token {
            written,
            head,
            has_tilde,
        },
        behind,
    ))
}

/// The pointer with these reference tokens: `/keep/debug` for `["keep", "debug"]`.
#[must_use]
pub fn pointer(tokens: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        pointer.push_str(&token.as_ref().replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// Whether `pointer` names a member of the top level, which is what [`JsonMut`](crate::JsonMut) can edit.
#[must_use]
pub fn is_top_level(pointer: &str) -> bool {
    matches!(split_pointer(pointer), Some((_, "")))
}

/// The index of an array that a reference token is.
pub(crate) fn array_index(token: Token<'_>) -> Option<usize> {
    let token = token.written;
    let padded = token.starts_with('+') || (token.starts_with('0') && token.len() > 1);
    if padded { None } else { token.parse().ok() }
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

/// The character of the escape that `raw` starts with, and how many bytes the escape has.
fn unescape(raw: &[u8]) -> Option<(char, usize)> {
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
