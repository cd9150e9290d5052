//! JSON pointers (RFC 6901).

use std::borrow::Cow;

use super::text;
use super::value::{Fragment, ToJson};

/// A pointer that was taken apart once, for using it often. Wherever one is asked for, its text will do as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: Box<str>,
    /// None where it is empty or none.
    parts: Option<Parts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    /// The first reference token, as it is written.
    written: Box<str>,
    head: u64,
    has_tilde: bool,
    /// The pointer behind it.
    behind: Box<str>,
    /// What adds a member with that key: a comma, the key, a colon.
    added: Fragment,
}

impl Pointer {
    /// Takes `text` apart.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let text = text.into();
        let parts = text.take_apart().map(|(token, behind)| {
            let mut added = Vec::new();
            token.write_added(&mut added);
            let Token {
                written,
                head,
                has_tilde,
                ..
            } = token;
            let (written, behind) = (written.into(), behind.into());
            Parts {
                written,
                head,
                has_tilde,
                behind,
                added: Fragment::of(&added),
            }
        });
        Self { text, parts }
    }

    /// The pointer to the member of the top level that has this key.
    #[must_use]
    pub fn to_key(key: &str) -> Self {
        Self::new(join([key]))
    }

    /// Whether it names a member of the top level, which is what [`JsonMut`](crate::JsonMut) edits at the least cost.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        self.parts
            .as_ref()
            .is_some_and(|parts| parts.behind.is_empty())
    }

    /// The pointer as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The text of the pointer with these reference tokens: `/keep/debug` for `["keep", "debug"]`.
#[must_use]
pub fn join(tokens: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        pointer.push_str(&token.as_ref().replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// A pointer: its text, or a [`Pointer`].
pub trait AsPointer: TakeApart {}

impl AsPointer for str {}
impl AsPointer for String {}
impl AsPointer for Pointer {}
impl<T: AsPointer + ?Sized> AsPointer for &T {}

/// One reference token of a pointer, as it is written there.
#[derive(Debug, Clone, Copy)]
pub struct Token<'p> {
    written: &'p str,
    head: u64,
    has_tilde: bool,
    added: Option<&'p Fragment>,
}

/// What can be taken apart.
pub trait TakeApart {
    /// The first reference token and the pointer behind it; `None` where it is empty or none.
    fn take_apart(&self) -> Option<(Token<'_>, &str)>;

    /// The pointer as text.
    fn pointer(&self) -> &str;
}

impl TakeApart for str {
    #[inline]
    fn take_apart(&self) -> Option<(Token<'_>, &str)> {
        let rest = self.strip_prefix('/')?;
        let end = rest
            .bytes()
            .position(|byte| byte == b'/')
            .unwrap_or(rest.len());
        let (written, behind) = rest.split_at(end);
        let has_tilde = written.bytes().any(|byte| byte == b'~');
        let mut token = Token {
            written,
            head: 0,
            has_tilde,
            added: None,
        };
        token.head = text::head(token.key().as_bytes());
        Some((token, behind))
    }

    fn pointer(&self) -> &str {
        self
    }
}

impl TakeApart for String {
    fn take_apart(&self) -> Option<(Token<'_>, &str)> {
        self.as_str().take_apart()
    }

    fn pointer(&self) -> &str {
        self
    }
}

impl TakeApart for Pointer {
    #[inline(always)]
    fn take_apart(&self) -> Option<(Token<'_>, &str)> {
        let Parts {
            written,
            head,
            has_tilde,
            behind,
            added,
        } = self.parts.as_ref()?;
        let (head, has_tilde) = (*head, *has_tilde);
        Some((
            Token {
                written,
                head,
                has_tilde,
                added: Some(added),
            },
            behind,
        ))
    }

    fn pointer(&self) -> &str {
        &self.text
    }
}

impl<T: TakeApart + ?Sized> TakeApart for &T {
    #[inline(always)]
    fn take_apart(&self) -> Option<(Token<'_>, &str)> {
        T::take_apart(self)
    }

    fn pointer(&self) -> &str {
        T::pointer(self)
    }
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

    /// What is written, which is the key unless there is a tilde in it.
    pub(crate) fn written(self) -> &'p str {
        self.written
    }

    pub(crate) fn has_tilde(self) -> bool {
        self.has_tilde
    }

    /// The first bytes of the key, as [`text::head`] has them.
    pub(crate) fn head(self) -> u64 {
        self.head
    }

    /// The index of an array that it is.
    pub(crate) fn index(self) -> Option<usize> {
        let padded = self.written.starts_with('+')
            || (self.written.starts_with('0') && self.written.len() > 1);
        if padded {
            None
        } else {
            self.written.parse().ok()
        }
    }

    /// Writes what adds a member with its key to those that are there, but for the value.
    #[inline]
    pub(crate) fn write_added(self, out: &mut Vec<u8>) {
        match self.added {
            Some(added) => added.write_json(out),
            None => {
                out.push(b',');
                self.key().write_json(out);
                out.push(b':');
            }
        }
    }
}
