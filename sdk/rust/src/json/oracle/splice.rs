//! Edits show in the text as they would in a map, and leave every other byte as it was.

use serde_json::Value;

use super::super::edit::DEPTH_MAX;
use super::super::{EditError, Edits, JsonMut};
use super::index_after;

mod model;
mod value;

use model::Model;

/// What is done to a text.
#[derive(Debug, Clone)]
pub(crate) enum Edit<'p> {
    /// `set` with this pointer and value.
    Set(&'p str, Value),
    /// `append` with this pointer and value.
    Append(&'p str, Value),
    /// `remove` with this pointer.
    Remove(&'p str),
    /// `rename` from the first to the second pointer.
    Rename(&'p str, &'p str),
}
use Edit::{Append, Remove, Rename, Set};

impl<'p> Edit<'p> {
    /// The edit that a line says: `=/pointer`, a tab and a value; `+/pointer`, a tab and a value; `-/pointer`; or `>/from`, a tab and
    /// `/to`. What is no JSON is a value as text.
    pub(super) fn read(line: &'p str) -> Option<Self> {
        if let Some(pointer) = line.strip_prefix('-') {
            return Some(Remove(pointer));
        }
        let (first, second) = line.get(1..)?.split_once('\t')?;
        let value = || {
            let text = |_| Value::String(second.to_owned());
            serde_json::from_str(second).unwrap_or_else(text)
        };
        match line.as_bytes()[0] {
            b'=' => Some(Set(first, value())),
            b'+' => Some(Append(first, value())),
            b'>' => Some(Rename(first, second)),
            _ => None,
        }
    }
}

/// What a pointer leads through; none where it is empty, none, or too deep.
fn tokens(pointer: &str) -> Option<Vec<String>> {
    let tokens = pointer.strip_prefix('/')?.split('/');
    let tokens: Vec<_> = tokens
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect();
    Some(tokens).filter(|tokens| tokens.len() <= DEPTH_MAX)
}

/// Does `edits` to `bytes`, and gives what comes of them where they are an object.
pub(crate) fn check(bytes: &[u8], edits: &[Edit<'_>]) -> Option<String> {
    let whole = serde_json::from_slice::<Value>(bytes).ok();
    let whole = whole.filter(Value::is_object);
    let text = whole
        .as_ref()
        .map(|_| std::str::from_utf8(bytes).expect("JSON is text"));
    let mut index = index_after(bytes, bytes);
    let mut done = Edits::default();
    let mut both = whole.zip(text.map(Model::of));
    let is_object = index.is_object();
    assert!(is_object || both.is_none());
    for edit in edits {
        let mut json = JsonMut::new(bytes, &mut index, &mut done, false);
        let result = match edit {
            Set(pointer, value) => json.set(pointer, value).map(|()| true),
            Append(pointer, value) => json.append(pointer, value).map(|()| true),
            Remove(pointer) => json.remove(pointer),
            Rename(from, to) => json.rename(from, to),
        };
        if !is_object {
            assert_eq!(result, Err(EditError::NotAnObject));
        } else if let Some((value, model)) = &mut both {
            let expected = value::apply(value, edit);
            assert_eq!(
                result.as_ref().ok(),
                expected.as_ref(),
                "{edit:?} of {edits:?} to {text:?}"
            );
            if expected == Some(true) {
                model.apply(edit);
            }
        }
    }
    if !is_object {
        assert!(done.is_empty());
        return None;
    }
    let mut out = Vec::new();
    done.splice(bytes, &index, &mut out);
    let again = index_after(bytes, &out);
    let (value, model) = both?;
    assert!(again.is_object());
    // What was moved may lie deeper than JSON is read.
    serde_json::from_str::<Value>(&value.to_string()).ok()?;
    let out = String::from_utf8(out).expect("text");
    let seen: Value = serde_json::from_str(&out).unwrap_or_else(|error| {
        panic!("{error}: {out:?} from {text:?} by {edits:?}");
    });
    assert_eq!(seen, value, "{out:?} from {text:?} by {edits:?}");
    assert_eq!(out, model.text(), "from {text:?} by {edits:?}");
    Some(out)
}
