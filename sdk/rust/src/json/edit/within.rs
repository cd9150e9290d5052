//! Edits below the top level: the text of a member with one edit in it, every other byte as it was.

use super::{EditError, Edits, JsonMut};
use crate::json::index::Index;
use crate::json::pointer::{TakeApart, Token};
use crate::json::scan::{BROKEN, Scanner, Span};
use crate::json::shape::Shapes;
use crate::json::value::ToJson;

/// The index of an array, in a pointer, that is behind its last element.
const BEHIND: &str = "-";

/// Writes `text` with `value` at `pointer`, which is not empty, behind `out`. Objects that the pointer leads through are made where
/// they are missing; there is no text where the first one is.
pub(super) fn set<V: ToJson>(
    text: Option<&[u8]>,
    pointer: &str,
    value: &V,
    out: &mut Vec<u8>,
) -> Result<(), EditError> {
    let Some(text) = text else {
        return make(pointer, value, out);
    };
    let (token, behind) = take_apart(pointer)?;
    match text.first() {
        Some(b'{') => {
            let set = |json: &mut JsonMut<'_>| json.set_at(token, behind, value).map(|()| true);
            object(text, out, set).map(|_| ())
        }
        Some(b'[') => {
            let elements = elements(text).ok_or(EditError::NoPlace)?;
            let place = Place::of(text, &elements, token)?;
            out.extend_from_slice(&text[..place.start]);
            if place.is_new && !elements.is_empty() {
                out.push(b',');
            }
            if behind.is_empty() {
                value.write_json(out);
            } else {
                set(place.element(text), behind, value, out)?;
            }
            out.extend_from_slice(&text[place.end..]);
            Ok(())
        }
        Some(_) | None => Err(EditError::NoPlace),
    }
}

/// Writes `text` without what `pointer`, which is not empty, names behind `out`. Says whether it was there; where it was not,
/// what was written is of no use.
pub(super) fn remove(text: &[u8], pointer: &str, out: &mut Vec<u8>) -> Result<bool, EditError> {
    let (token, behind) = take_apart(pointer)?;
    match text.first() {
        Some(b'{') => object(text, out, |json| json.remove_at(token, behind)),
        Some(b'[') => {
            let Some(elements) = elements(text) else {
                return Ok(false);
            };
            let Some(number) = token.index().filter(|number| *number < elements.len()) else {
                return Ok(false);
            };
            let (start, end) = range(elements[number]);
            if !behind.is_empty() {
                out.extend_from_slice(&text[..start]);
                let there = remove(&text[start..end], behind, out)?;
                out.extend_from_slice(&text[end..]);
                return Ok(there);
            }
            // With the comma before it, or else with the one behind it.
            let (start, end) = match (number.checked_sub(1), elements.get(number + 1)) {
                (Some(before), _) => (range(elements[before]).1, end),
                (None, Some(next)) => (start, range(*next).0),
                (None, None) => (start, end),
            };
            out.extend_from_slice(&text[..start]);
            out.extend_from_slice(&text[end..]);
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Writes the object `text` as `edit` leaves it behind `out`, if that changes anything.
fn object(
    text: &[u8],
    out: &mut Vec<u8>,
    edit: impl FnOnce(&mut JsonMut<'_>) -> Result<bool, EditError>,
) -> Result<bool, EditError> {
    let (mut index, mut edits) = (Index::default(), Edits::default());
    index.read(text);
    let changed = edit(&mut JsonMut::new(text, &mut index, &mut edits, false))?;
    if changed {
        edits.splice(text, &index, out);
    }
    Ok(changed)
}

/// Writes the objects that `pointer` names, one within the other, and `value` in the last one.
fn make<V: ToJson>(pointer: &str, value: &V, out: &mut Vec<u8>) -> Result<(), EditError> {
    let (mut pointer, mut open) = (pointer, 0);
    while !pointer.is_empty() {
        let (token, behind) = take_apart(pointer)?;
        out.push(b'{');
        token.key().write_json(out);
        out.push(b':');
        (pointer, open) = (behind, open + 1);
    }
    value.write_json(out);
    out.resize(out.len() + open, b'}');
    Ok(())
}

/// What of an array an edit takes the place of.
struct Place {
    start: usize,
    end: usize,
    /// Nothing: it comes behind the last element.
    is_new: bool,
}

impl Place {
    fn of(text: &[u8], elements: &[Span], token: Token<'_>) -> Result<Self, EditError> {
        let number = if token.written() == BEHIND {
            elements.len()
        } else {
            token.index().ok_or(EditError::NoPlace)?
        };
        let last = text.len() - 1;
        match elements.get(number) {
            Some(element) => {
                let (start, end) = range(*element);
                Ok(Self {
                    start,
                    end,
                    is_new: false,
                })
            }
            None if number == elements.len() => Ok(Self {
                start: last,
                end: last,
                is_new: true,
            }),
            None => Err(EditError::NoPlace),
        }
    }

    /// The element that is there.
    fn element<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        (!self.is_new).then(|| &text[self.start..self.end])
    }
}

/// Where the elements of the array `text` lie; none where its structure is broken.
fn elements(text: &[u8]) -> Option<Vec<Span>> {
    let (mut shapes, mut elements) = (Shapes::none(), Vec::new());
    let end = Scanner::new(text, &mut shapes).array(0, 0, |element| elements.push(element));
    (end != BROKEN && end == text.len()).then_some(elements)
}

fn range(span: Span) -> (usize, usize) {
    (span.start as usize, span.end as usize)
}

fn take_apart(pointer: &str) -> Result<(Token<'_>, &str), EditError> {
    pointer.take_apart().ok_or(EditError::NoPlace)
}
