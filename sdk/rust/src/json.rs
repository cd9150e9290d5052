//! A lazy view of a JSON value: it reads what it is asked for, in place, and finds what serde_json would find.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Number;

pub(crate) use self::edit::Edits;
pub use self::edit::{EditError, JsonMut};
pub(crate) use self::index::Index;
pub use self::pointer::{AsPointer, Pointer, join};
use self::pointer::{TakeApart, Token};
use self::scan::{BROKEN, Scanner};
use self::shape::Shapes;
pub use self::text::unescape;
pub use self::value::{Fragment, ToJson};

mod block;
mod edit;
mod index;
#[cfg(any(test, fuzzing))]
pub mod oracle;
mod pointer;
mod scan;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod value;

/// Why a value is no JSON that serde_json would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at byte {at}: {problem}")]
pub struct JsonError {
    /// The byte of the value, counted from 0.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// A record's value as the plugin got it, read as JSON.
///
/// Pointers are those of RFC 6901: `/Type`, `/Field/user_id`, `/list/0`; the empty one is the whole value. In an
/// object with the same key twice the last one counts. For a value that is no valid JSON, or none at all, the view
/// may answer anything, mostly `None`; [`Record::json_checked`](crate::Record::json_checked) refuses such a value.
#[derive(Debug, Clone, Copy)]
pub struct Json<'r, 'b> {
    bytes: &'b [u8],
    index: &'r Index,
}

impl<'r, 'b> Json<'r, 'b> {
    pub(crate) fn new(bytes: &'b [u8], index: &'r Index) -> Self {
        Self { bytes, index }
    }

    /// What `pointer` names.
    #[must_use]
    pub fn get(&self, pointer: impl AsPointer) -> Option<JsonValue<'b>> {
        if !self.index.opens_object() {
            return self.whole()?.get(pointer.pointer());
        }
        let Some((key, behind)) = pointer.take_apart() else {
            return if pointer.pointer().is_empty() {
                self.whole()
            } else {
                None
            };
        };
        let position = self.index.position(self.bytes, key)?;
        let value = self.index.members()[position].found.value;
        let value = JsonValue {
            raw: value.of(self.bytes),
        };
        if behind.is_empty() {
            Some(value)
        } else {
            value.get(behind)
        }
    }

    /// The string that `pointer` names.
    #[must_use]
    pub fn str(&self, pointer: impl AsPointer) -> Option<Cow<'b, str>> {
        self.get(pointer)?.str()
    }

    /// The number that `pointer` names, where it is an integer that fits.
    #[must_use]
    pub fn u64(&self, pointer: impl AsPointer) -> Option<u64> {
        self.get(pointer)?.u64()
    }

    /// The number that `pointer` names, where it is an integer that fits.
    #[must_use]
    pub fn i64(&self, pointer: impl AsPointer) -> Option<i64> {
        self.get(pointer)?.i64()
    }

    /// The number that `pointer` names.
    #[must_use]
    pub fn f64(&self, pointer: impl AsPointer) -> Option<f64> {
        self.get(pointer)?.f64()
    }

    /// The truth value that `pointer` names.
    #[must_use]
    pub fn bool(&self, pointer: impl AsPointer) -> Option<bool> {
        self.get(pointer)?.bool()
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.index.is_object()
    }

    fn whole(&self) -> Option<JsonValue<'b>> {
        Some(JsonValue {
            raw: self.index.root()?.of(self.bytes),
        })
    }
}

/// A value within a JSON text, still as it is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonValue<'b> {
    raw: &'b [u8],
}

impl<'b> JsonValue<'b> {
    /// The value as it is written, without space around it.
    #[must_use]
    pub fn raw(self) -> &'b [u8] {
        self.raw
    }

    /// What `pointer` names within it.
    #[must_use]
    pub fn get(self, pointer: &str) -> Option<Self> {
        let (mut value, mut pointer) = (self, pointer);
        while !pointer.is_empty() {
            let (token, behind) = pointer.take_apart()?;
            value = value.child(token)?;
            pointer = behind;
        }
        Some(value)
    }

    /// Its text, where it is a string.
    #[must_use]
    pub fn str(self) -> Option<Cow<'b, str>> {
        match self.bytes()? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// The bytes of its text, where it is a string. That they are UTF-8 is not looked at, which makes it faster.
    #[must_use]
    pub fn bytes(self) -> Option<Cow<'b, [u8]>> {
        let inner = self.raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        text::decode(inner)
    }

    /// Where it is an integer that fits.
    #[must_use]
    pub fn u64(self) -> Option<u64> {
        self.number()?.as_u64()
    }

    /// Where it is an integer that fits.
    #[must_use]
    pub fn i64(self) -> Option<i64> {
        self.number()?.as_i64()
    }

    /// Where it is a number: the nearest float.
    #[must_use]
    pub fn f64(self) -> Option<f64> {
        // serde_json takes a number, but may read it one bit beside the nearest.
        self.number()?;
        std::str::from_utf8(self.raw).ok()?.parse().ok()
    }

    /// Where it is `true` or `false`.
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        match self.raw {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.raw == b"null"
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.raw.starts_with(b"{")
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.raw.starts_with(b"[")
    }

    /// The value as serde_json reads it into a `T`.
    ///
    /// # Errors
    /// Where it is no `T`.
    pub fn parse<T: Deserialize<'b>>(self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.raw)
    }

    fn number(self) -> Option<Number> {
        matches!(self.raw.first()?, b'-' | b'0'..=b'9').then(|| self.parse().ok())?
    }

    fn child(self, token: Token<'_>) -> Option<Self> {
        let mut shapes = Shapes::none();
        let mut scanner = Scanner::new(self.raw, &mut shapes);
        let mut child = None;
        let end = match self.raw.first()? {
            b'{' => scanner.object(0, 0, |found| {
                if found.has_key(self.raw, token) {
                    child = Some(found.value);
                }
            }),
            b'[' => {
                let (wanted, mut index) = (token.index()?, 0);
                scanner.array(0, 0, |value| {
                    if index == wanted {
                        child = Some(value);
                    }
                    index += 1;
                })
            }
            _ => return None,
        };
        if end == BROKEN {
            None
        } else {
            Some(Self {
                raw: child?.of(self.raw),
            })
        }
    }
}
