//! What a plugin edits a value by.

use std::borrow::Cow;

use super::{DEPTH_MAX, EditError, Edits, within};
use crate::json::JsonValue;
use crate::json::index::{Change, Index};
use crate::json::pointer::{AsPointer, TakeApart, Token};
use crate::json::scan::Span;
use crate::json::value::{Fragment, ToJson};

/// A record's value, to be edited. Nothing is written before the record leaves the plugin, and
/// [`Record::json`](crate::Record::json) goes on showing the value as the plugin got it.
#[derive(Debug)]
pub struct JsonMut<'r> {
    bytes: &'r [u8],
    index: &'r mut Index,
    edits: &'r mut Edits,
    /// Whether the value was set as a whole before.
    replaced: bool,
}

impl<'r> JsonMut<'r> {
    pub(crate) fn new(
        bytes: &'r [u8],
        index: &'r mut Index,
        edits: &'r mut Edits,
        replaced: bool,
    ) -> Self {
        Self {
            bytes,
            index,
            edits,
            replaced,
        }
    }

    /// Gives what `pointer` names this value: in its place where it is there (the last one where a key is there twice), else right before
    /// the brace that closes its object. Objects that are missing on the way are made. In an array, an index names an element that is
    /// there, and the number of elements, or `-`, the place behind them.
    ///
    /// An edit below the top level copies the member that it is in; of several, set the member as a whole.
    ///
    /// # Errors
    /// Where the record's value is no object, or `pointer` names no place in it.
    pub fn set(&mut self, pointer: impl AsPointer, value: impl ToJson) -> Result<(), EditError> {
        let (key, behind) = self.take_apart(&pointer)?;
        self.set_at(key, behind, &value)
    }

    /// Removes what `pointer` names: a member of an object as often as it is there, or an element of an array, which those behind it
    /// move up for. Says whether it was there.
    ///
    /// # Errors
    /// Where the record's value is no object, or `pointer` is none.
    pub fn remove(&mut self, pointer: impl AsPointer) -> Result<bool, EditError> {
        let (key, behind) = self.take_apart(&pointer)?;
        self.remove_at(key, behind)
    }

    /// Moves what `from` names, as it is written, to `to`: sets it there and removes it here. Says whether it was there.
    ///
    /// # Errors
    /// Where the record's value is no object, or `to` names no place in it or one within `from`.
    pub fn rename(&mut self, from: impl AsPointer, to: impl AsPointer) -> Result<bool, EditError> {
        let (key, behind) = self.take_apart(&from)?;
        let (to_key, to_behind) = self.take_apart(&to)?;
        let Some(value) = self.value_at(key, behind) else {
            return Ok(false);
        };
        let value = Fragment::of(value.raw());
        let (source, target) = (tokens(from.pointer()), tokens(to.pointer()));
        if source == target {
            return Ok(true);
        }
        if target.starts_with(&source) {
            return Err(EditError::NoPlace);
        }
        if source.starts_with(&target) {
            // What is set is what it was removed from: that is there, so that nothing can fail now.
            self.remove_at(key, behind)?;
            self.set_at(to_key, to_behind, &value)?;
            return Ok(true);
        }
        self.set_at(to_key, to_behind, &value)?;
        self.remove_at(key, behind)
    }

    /// Puts `value` behind the last element of the array that `pointer` names, which is made where it is missing.
    ///
    /// # Errors
    /// Where the record's value is no object, or `pointer` names neither an array in it nor a place for one.
    pub fn append(&mut self, pointer: impl AsPointer, value: impl ToJson) -> Result<(), EditError> {
        let (key, behind) = self.take_apart(&pointer)?;
        match self.value_at(key, behind) {
            Some(array) if array.is_array() => self.set_at(key, &format!("{behind}/-"), &value),
            Some(_) => Err(EditError::NoPlace),
            None => self.set_at(key, behind, &List(value)),
        }
    }

    /// Sets what the pointer with this token and what is behind it names.
    pub(super) fn set_at<V: ToJson>(
        &mut self,
        key: Token<'_>,
        behind: &str,
        value: &V,
    ) -> Result<(), EditError> {
        if !self.is_object() {
            return Err(EditError::NotAnObject);
        }
        if behind.is_empty() {
            self.set_member(key, value);
            return Ok(());
        }
        let done = self.within(key, |member, text| {
            within::set(member, behind, value, text).map(|()| true)
        });
        done.map(|_| ())
    }

    pub(super) fn remove_at(&mut self, key: Token<'_>, behind: &str) -> Result<bool, EditError> {
        if !self.is_object() {
            return Err(EditError::NotAnObject);
        }
        if behind.is_empty() {
            return Ok(self.remove_member(key));
        }
        self.within(key, |member, text| match member {
            Some(member) => within::remove(member, behind, text),
            None => Ok(false),
        })
    }

    /// Sets a member to the text that `edit` makes of the one that it has, if that changes anything.
    fn within(
        &mut self,
        key: Token<'_>,
        edit: impl FnOnce(Option<&[u8]>, &mut Vec<u8>) -> Result<bool, EditError>,
    ) -> Result<bool, EditError> {
        let mut text = std::mem::take(&mut self.edits.scratch);
        text.clear();
        let done = edit(self.current(key), &mut text);
        if done == Ok(true) {
            self.set_member(key, &Raw(&text));
        }
        self.edits.scratch = text;
        done
    }

    fn set_member(&mut self, key: Token<'_>, value: &impl ToJson) {
        match self.index.position(self.bytes, key) {
            Some(position) => {
                let values = &mut self.edits.values;
                let start = values.len();
                value.write_json(values);
                let written = Span::new(start, values.len());
                self.index.members_mut()[position].change = Change::Value(written);
                self.edits.members_change = true;
            }
            None => self.edits.add(key, value),
        }
    }

    fn remove_member(&mut self, key: Token<'_>) -> bool {
        let mut there = false;
        if let Some(position) = self.edits.added(key) {
            self.edits.take_back(position);
            there = true;
        }
        for member in self.index.members_mut() {
            if member.change != Change::Removed && member.found.has_key(self.bytes, key) {
                member.change = Change::Removed;
                self.edits.members_change = true;
                there = true;
            }
        }
        there
    }

    /// The value that a member has by now.
    fn current(&self, key: Token<'_>) -> Option<&[u8]> {
        let Some(position) = self.index.position(self.bytes, key) else {
            let added = &self.edits.places[self.edits.added(key)?];
            // Behind the quote and the colon.
            let start = added.key.end as usize + 2;
            return Some(&self.edits.added[start..added.whole.end as usize]);
        };
        let member = &self.index.members()[position];
        match member.change {
            Change::Same => Some(member.found.value.of(self.bytes)),
            Change::Value(value) => Some(value.of(&self.edits.values)),
            Change::Removed => None,
        }
    }

    fn value_at(&self, key: Token<'_>, behind: &str) -> Option<JsonValue<'_>> {
        JsonValue {
            raw: self.current(key)?,
        }
        .get(behind)
    }

    fn is_object(&self) -> bool {
        !self.replaced && self.index.is_object()
    }

    #[inline(always)]
    fn take_apart<'p>(
        &self,
        pointer: &'p impl AsPointer,
    ) -> Result<(Token<'p>, &'p str), EditError> {
        if !self.is_object() {
            return Err(EditError::NotAnObject);
        }
        let (key, behind) = pointer.take_apart().ok_or(EditError::NoPlace)?;
        if !behind.is_empty() && behind.bytes().filter(|byte| *byte == b'/').count() >= DEPTH_MAX {
            return Err(EditError::TooDeep);
        }
        Ok((key, behind))
    }
}

/// The keys and indexes that a pointer leads through.
fn tokens(pointer: &str) -> Vec<Cow<'_, str>> {
    let (mut tokens, mut rest) = (Vec::new(), pointer);
    while let Some((token, behind)) = rest.take_apart() {
        tokens.push(token.key());
        rest = behind;
    }
    tokens
}

/// JSON as it is written.
struct Raw<'t>(&'t [u8]);

impl ToJson for Raw<'_> {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

/// An array of one element.
struct List<V>(V);

impl<V: ToJson> ToJson for List<V> {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        self.0.write_json(out);
        out.push(b']');
    }
}
