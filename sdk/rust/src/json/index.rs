//! Where the top level of one value lies. Kept from record to record for its memory.

use super::JsonError;
use super::block;
use super::pointer::Token;
use super::scan::{BROKEN, Found, Scanner, Span};
use super::shape::Shapes;
use super::text;

/// The top level of a value.
#[derive(Debug, Default)]
pub(crate) struct Index {
    shapes: Shapes,
    members: Vec<Member>,
    root: Option<Span>,
    object: bool,
    fault: Option<JsonError>,
    /// Whether a key has escapes in it.
    escaped_keys: bool,
}

/// A member of the top level and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) found: Found,
    pub(crate) change: Change,
}

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Same,
    Removed,
    /// These bytes of the edits stand in for the value.
    Value(Span),
}

impl Index {
    /// Reads `bytes` in the place of what was read before.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.members.clear();
        let mut scanner = Scanner::new(bytes, &mut self.shapes);
        let start = scanner.space(0);
        self.object = scanner.peek(start) == b'{';
        let (members, mut escaped_keys) = (&mut self.members, false);
        let end = if self.object {
            scanner.object(start, 0, |found| {
                escaped_keys |= found.escaped;
                members.push(Member {
                    found,
                    change: Change::Same,
                });
            })
        } else {
            scanner.value(start, 0)
        };
        self.root = (scanner.end(end) != BROKEN).then(|| Span::new(start, end));
        self.escaped_keys = escaped_keys;
        self.fault = scanner.fault();
        self.shapes.top.finish(self.members.len());
    }

    /// The whole value without space around it; none where its structure is broken.
    pub(crate) fn root(&self) -> Option<Span> {
        self.root
    }

    /// Whether the value is an object from its first to its last byte.
    pub(crate) fn is_object(&self) -> bool {
        self.object && self.root.is_some()
    }

    /// Whether the value starts like an object.
    pub(crate) fn opens_object(&self) -> bool {
        self.object
    }

    /// What serde_json would refuse in `bytes`, which were read.
    pub(crate) fn fault(&self, bytes: &[u8]) -> Option<JsonError> {
        if self.fault.is_some() || block::is_ascii(bytes) {
            return self.fault;
        }
        let error = std::str::from_utf8(bytes).err()?;
        Some(JsonError {
            at: error.valid_up_to(),
            problem: "invalid UTF-8",
        })
    }

    /// The members in order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The members in order, to be changed.
    pub(crate) fn members_mut(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// The last member of `bytes` with this key.
    #[inline(always)]
    pub(crate) fn position(&self, bytes: &[u8], key: Token<'_>) -> Option<usize> {
        if self.escaped_keys || key.has_tilde() {
            return self.escaped_position(bytes, key);
        }
        let head = key.head();
        let heads = self.shapes.top.heads(head);
        let mut position = heads.len();
        while position > 0 {
            position -= 1;
            if heads[position] == head && self.members[position].found.has_key(bytes, key) {
                return Some(position);
            }
        }
        None
    }

    #[cold]
    fn escaped_position(&self, bytes: &[u8], key: Token<'_>) -> Option<usize> {
        self.members
            .iter()
            .rposition(|member| member.found.has_key(bytes, key))
    }
}

impl Found {
    /// Whether its key, in `bytes`, says `key`.
    #[inline]
    pub(crate) fn has_key(&self, bytes: &[u8], key: Token<'_>) -> bool {
        text::equals(self.key.of(bytes), self.escaped, key)
    }
}
