//! Edits, spliced into the value on its way out: every other byte stays as it is. Those of the top level are noted member by member;
//! one that goes deeper makes a new text of the member that it is in.

mod json_mut;
mod within;

pub use self::json_mut::JsonMut;
use super::index::{Change, Index, Member};
use super::pointer::Token;
use super::scan::Span;
use super::text;
use super::value::ToJson;

/// Why an edit was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The value has no members: it is another type of JSON, no JSON, a tombstone, or was set as a whole before.
    #[error("the value is not a JSON object")]
    NotAnObject,
    /// The pointer names no place: it is empty or none, it leads through a value that is neither an object nor an array, or to an element
    /// that an array does not have.
    #[error("the pointer names no place in the value")]
    NoPlace,
    /// The pointer goes deeper than JSON is read.
    #[error("the pointer goes deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// A value that lies deeper is refused by serde_json.
pub(super) const DEPTH_MAX: usize = 127;

/// The edits of one record. Kept from record to record for its memory.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// Values that stand in for those of members.
    values: Vec<u8>,
    /// New members, each one with a comma before it.
    added: Vec<u8>,
    /// Where they lie in `added`.
    places: Vec<Added>,
    /// One bit for the head of each of their keys, and maybe for some that were taken back.
    bits: u64,
    /// Whether a member of the value changes.
    members_change: bool,
    /// The member that an edit goes into, before it is noted.
    scratch: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Added {
    /// The key between its quotes.
    key: Span,
    /// Whether the key may have escapes in it.
    escaped: bool,
    /// The comma, the key, the colon and the value.
    whole: Span,
}

impl Edits {
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.added.clear();
        self.places.clear();
        self.bits = 0;
        self.members_change = false;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty() && !self.members_change
    }

    /// Writes `bytes`, the object that `index` has read, behind `out` with the edits in it.
    pub(crate) fn splice(&self, bytes: &[u8], index: &Index, out: &mut Vec<u8>) {
        let members = index.members();
        let root = index.root().expect("only a whole object takes edits");
        let tail = root.end as usize - 1;
        let (copied, kept) = if self.members_change {
            self.splice_members(bytes, members, out)
        } else {
            (0, !members.is_empty())
        };
        out.extend_from_slice(&bytes[copied..tail]);
        let comma = usize::from(!kept && !self.added.is_empty());
        out.extend_from_slice(&self.added[comma..]);
        match &bytes[tail..] {
            [brace] => out.push(*brace),
            brace_and_space => out.extend_from_slice(brace_and_space),
        }
    }

    /// Writes up to the last member that changes. Gives what of `bytes` is dealt with, and whether a member is left.
    ///
    /// A member goes with the comma before it, or, as long as none is left before it, with the one behind it.
    fn splice_members(&self, bytes: &[u8], members: &[Member], out: &mut Vec<u8>) -> (usize, bool) {
        let (mut copied, mut kept, mut before) = (0, false, 0);
        for (number, member) in members.iter().enumerate() {
            let value_end = member.found.value.end as usize;
            match member.change {
                Change::Same => kept = true,
                Change::Value(value) => {
                    out.extend_from_slice(&bytes[copied..member.found.value.start as usize]);
                    out.extend_from_slice(value.of(&self.values));
                    (copied, kept) = (value_end, true);
                }
                Change::Removed if kept => {
                    out.extend_from_slice(&bytes[copied..before]);
                    copied = value_end;
                }
                Change::Removed => {
                    out.extend_from_slice(&bytes[copied..member.start()]);
                    copied = members.get(number + 1).map_or(value_end, Member::start);
                }
            }
            before = value_end;
        }
        (copied, kept)
    }

    /// Adds a member, in the place of one that was added before.
    fn add(&mut self, key: Token<'_>, value: &impl ToJson) {
        let old = self.added(key);
        let start = self.added.len();
        key.write_added(&mut self.added);
        let quoted = Span::new(start + 2, self.added.len() - 2);
        let escaped = key.has_tilde() || quoted.of(&self.added).len() != key.written().len();
        value.write_json(&mut self.added);
        let whole = Span::new(start, self.added.len());
        self.bits |= text::head_bit(key.head());
        self.places.push(Added {
            key: quoted,
            escaped,
            whole,
        });
        if let Some(position) = old {
            self.take_back(position);
        }
    }

    #[inline]
    fn added(&self, key: Token<'_>) -> Option<usize> {
        if self.bits & text::head_bit(key.head()) == 0 {
            return None;
        }
        self.places
            .iter()
            .position(|place| text::equals(place.key.of(&self.added), place.escaped, key))
    }

    /// Takes back a new member and closes the gap.
    fn take_back(&mut self, position: usize) {
        let gap = self.places.remove(position).whole;
        self.added.drain(gap.start as usize..gap.end as usize);
        let width = gap.end - gap.start;
        for place in &mut self.places[position..] {
            place.whole = place.whole.moved_back(width);
            place.key = place.key.moved_back(width);
        }
    }
}

impl Member {
    /// Its first byte: the quote before its key.
    fn start(&self) -> usize {
        self.found.key.start as usize - 1
    }
}

impl Span {
    fn moved_back(self, width: u32) -> Self {
        Self {
            start: self.start - width,
            end: self.end - width,
        }
    }
}
