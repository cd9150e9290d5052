//! Edits show in the text as they would in a map, and leave every other byte as it was.

use serde_json::{Map, Value};

use super::super::{EditError, Edits, JsonMut};
use super::index_after;

/// What is done to a text.
#[derive(Debug, Clone)]
pub(crate) enum Edit<'p> {
    /// `set` with this pointer and value.
    Set(&'p str, Value),
    /// `remove` with this pointer.
    Remove(&'p str),
}
use Edit::{Remove, Set};

impl<'p> Edit<'p> {
    /// The edit that a line says: `=/pointer`, a tab and a value, or `-/pointer`. What is no JSON is a value as text.
    pub(super) fn read(line: &'p str) -> Option<Self> {
        if let Some(pointer) = line.strip_prefix('-') {
            return Some(Remove(pointer));
        }
        let (pointer, value) = line.strip_prefix('=')?.split_once('\t')?;
        let text = |_| Value::String(value.to_owned());
        Some(Set(
            pointer,
            serde_json::from_str(value).unwrap_or_else(text),
        ))
    }

    fn pointer(&self) -> &'p str {
        match self {
            Set(pointer, _) | Remove(pointer) => pointer,
        }
    }
}

/// The key that a pointer to the top level names.
fn key(pointer: &str) -> Option<String> {
    let key = pointer.strip_prefix('/').filter(|key| !key.contains('/'))?;
    Some(key.replace("~1", "/").replace("~0", "~"))
}

/// Does `edits` to `bytes`, and gives what comes of them where they are an object.
pub(crate) fn check(bytes: &[u8], edits: &[Edit<'_>]) -> Option<String> {
    let map = serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let text = map
        .as_ref()
        .map(|_| std::str::from_utf8(bytes).expect("JSON is text"));
    let mut index = index_after(bytes, bytes);
    let mut done = Edits::default();
    let mut both = map.zip(text.map(Model::of));
    let is_object = index.is_object();
    assert!(is_object || both.is_none());
    for edit in edits {
        let mut json = JsonMut::new(bytes, &mut index, &mut done, false);
        let result = match edit {
            Set(pointer, value) => json.set(pointer, value).map(|()| false),
            Remove(pointer) => json.remove(pointer),
        };
        let key = match key(edit.pointer()) {
            _ if !is_object => {
                assert_eq!(result, Err(EditError::NotAnObject));
                continue;
            }
            None => {
                let pointer = edit.pointer().to_owned();
                assert_eq!(result, Err(EditError::NotTopLevel(pointer)));
                continue;
            }
            Some(key) => key,
        };
        let there = result.expect("a member of the top level");
        let Some((map, model)) = &mut both else {
            continue;
        };
        match edit {
            Set(_, value) => {
                model.set(&key, value);
                // As it is read again: serde_json may read a float one bit beside the one that it wrote.
                let value = serde_json::from_str(&value.to_string()).expect("a value");
                map.insert(key, value);
            }
            Remove(pointer) => {
                model.remove(&key);
                assert_eq!(there, map.remove(&key).is_some(), "{pointer} by {edits:?}");
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
    let (map, model) = both?;
    assert!(again.is_object());
    let out = String::from_utf8(out).expect("text");
    let seen: Map<String, Value> = serde_json::from_str(&out).unwrap_or_else(|error| {
        panic!("{error}: {out:?} from {text:?} by {edits:?}");
    });
    assert_eq!(seen, map, "{out:?} from {text:?} by {edits:?}");
    assert_eq!(out, model.text(), "from {text:?} by {edits:?}");
    Some(out)
}

/// An object in pieces, so that what becomes of it can be put together again.
struct Model<'t> {
    /// Up to the brace and with it.
    before: &'t str,
    /// What is before each member, and before the closing brace: space, and a comma between two members.
    gaps: Vec<&'t str>,
    members: Vec<Member<'t>>,
    /// Keys of new members, and how they are written.
    added: Vec<(String, String)>,
    /// From the closing brace on.
    behind: &'t str,
}

struct Member<'t> {
    key: String,
    /// Up to the value.
    head: &'t str,
    value: String,
    is_removed: bool,
}

impl<'t> Model<'t> {
    /// Takes a valid object to pieces.
    fn of(text: &'t str) -> Self {
        let places = places(text);
        let (open, close) = (places[0], places[places.len() - 1]);
        let (mut gaps, mut members, mut end) = (Vec::new(), Vec::new(), open + 1);
        for member in places.windows(3).step_by(2) {
            let &[before, colon, behind] = member else {
                unreachable!("three places");
            };
            let start = behind_space(text, before + 1);
            let value = behind_space(text, colon + 1);
            gaps.push(&text[end..start]);
            end = value + text[value..behind].trim_end_matches(SPACE).len();
            let key = text[start..colon].trim_end_matches(SPACE);
            members.push(Member {
                key: serde_json::from_str(key).expect("a key is a string"),
                head: &text[start..value],
                value: text[value..end].to_owned(),
                is_removed: false,
            });
        }
        gaps.push(&text[end..close]);
        Self {
            before: &text[..=open],
            gaps,
            members,
            added: Vec::new(),
            behind: &text[close..],
        }
    }

    fn set(&mut self, key: &str, value: &Value) {
        match self.members.iter_mut().rfind(|member| member.key == key) {
            Some(member) => {
                member.value = value.to_string();
                member.is_removed = false;
            }
            None => {
                self.added.retain(|(added, _)| added != key);
                let written = format!("{}:{value}", Value::from(key));
                self.added.push((key.to_owned(), written));
            }
        }
    }

    fn remove(&mut self, key: &str) {
        self.added.retain(|(added, _)| added != key);
        for member in &mut self.members {
            member.is_removed |= member.key == key;
        }
    }

    /// A member goes with the comma before it, or, as long as none is left before it, with the one behind it.
    fn text(&self) -> String {
        let mut out = self.before.to_owned();
        let (mut gap, mut is_first) = (self.gaps[0], true);
        for (member, behind) in self.members.iter().zip(&self.gaps[1..]) {
            if !member.is_removed {
                out += gap;
                out += member.head;
                out += &member.value;
                is_first = false;
            }
            if !is_first {
                gap = behind;
            }
        }
        out += gap;
        if is_first && !self.members.is_empty() {
            out += self.gaps[self.members.len()];
        }
        for (_, written) in &self.added {
            if !is_first {
                out.push(',');
            }
            out += written;
            is_first = false;
        }
        out + self.behind
    }
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn behind_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(SPACE).len()
}

/// Where the braces, the colons and the commas of the top level are.
fn places(text: &str) -> Vec<usize> {
    let (mut places, mut depth, mut in_string, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        let is_brace = matches!((byte, depth), (b'{', 1) | (b'}', 0));
        if is_brace || (depth == 1 && matches!(byte, b',' | b':')) {
            places.push(at);
        }
    }
    places
}
