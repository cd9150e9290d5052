//! Edits as they would be done to the pieces of a text.

use std::ops::Range;

use serde_json::Value;

use super::Edit::{self, Append, Remove, Rename, Set};
use super::tokens;
use super::value::number;

/// An object in pieces, so that what becomes of it can be put together again.
pub(super) struct Model<'t> {
    /// Up to the brace and with it.
    before: &'t str,
    /// What is before each member, and before the closing brace: space, and a comma between two members.
    gaps: Vec<&'t str>,
    members: Vec<Member<'t>>,
    /// Keys and values of new members.
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
    pub(super) fn of(text: &'t str) -> Self {
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

    /// Does an edit that can be done, and that there is something for.
    pub(super) fn apply(&mut self, edit: &Edit<'_>) {
        let tokens = |pointer| tokens(pointer).expect("it can be done");
        match edit {
            Set(pointer, value) => self.set(&tokens(pointer), &value.to_string()),
            Append(pointer, value) => {
                let mut tokens = tokens(pointer);
                if self.get(&tokens).is_some() {
                    tokens.push("-".to_owned());
                    self.set(&tokens, &value.to_string());
                } else {
                    self.set(&tokens, &format!("[{value}]"));
                }
            }
            Remove(pointer) => self.remove(&tokens(pointer)),
            Rename(from, to) => {
                let (from, to) = (tokens(from), tokens(to));
                let value = self.get(&from).expect("it is there");
                if from != to && from.starts_with(&to) {
                    self.set(&to, &value);
                } else if from != to {
                    self.set(&to, &value);
                    self.remove(&from);
                }
            }
        }
    }

    fn member(&mut self, key: &str) -> Option<&mut Member<'t>> {
        self.members.iter_mut().rfind(|member| member.key == key)
    }

    /// The text of the value that a member has by now.
    fn value(&mut self, key: &str) -> Option<String> {
        match self.member(key) {
            Some(member) => (!member.is_removed).then(|| member.value.clone()),
            None => {
                let added = self.added.iter().find(|(added, _)| added == key);
                added.map(|(_, value)| value.clone())
            }
        }
    }

    fn get(&mut self, tokens: &[String]) -> Option<String> {
        let value = self.value(&tokens[0])?;
        get_in(&value, &tokens[1..])
    }

    fn set(&mut self, tokens: &[String], new: &str) {
        let (key, behind) = (&tokens[0], &tokens[1..]);
        let value = set_in(self.value(key).as_deref(), behind, new);
        match self.member(key) {
            Some(member) => {
                member.value = value;
                member.is_removed = false;
            }
            None => {
                self.added.retain(|(added, _)| added != key);
                self.added.push((key.clone(), value));
            }
        }
    }

    fn remove(&mut self, tokens: &[String]) {
        let (key, behind) = (&tokens[0], &tokens[1..]);
        if !behind.is_empty() {
            let value = self.value(key).expect("it is there");
            return self.set(&tokens[..1], &remove_in(&value, behind));
        }
        self.added.retain(|(added, _)| added != key);
        for member in &mut self.members {
            member.is_removed |= member.key == *key;
        }
    }

    /// A member goes with the comma before it, or, as long as none is left before it, with the one behind it.
    pub(super) fn text(&self) -> String {
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
        for (key, value) in &self.added {
            if !is_first {
                out.push(',');
            }
            out += &format!("{}:{value}", Value::from(key.as_str()));
            is_first = false;
        }
        out + self.behind
    }
}

fn get_in(text: &str, tokens: &[String]) -> Option<String> {
    let [token, behind @ ..] = tokens else {
        return Some(text.to_owned());
    };
    if text.starts_with('{') {
        return Model::of(text).get(tokens);
    }
    let elements = elements(text)?;
    let element = elements.get(number(token)?)?;
    get_in(&text[element.clone()], behind)
}

/// The text, if there is one, with `new` where `tokens` lead.
fn set_in(text: Option<&str>, tokens: &[String], new: &str) -> String {
    let [token, behind @ ..] = tokens else {
        return new.to_owned();
    };
    let Some(text) = text else {
        let inner = set_in(None, behind, new);
        return format!("{{{}:{inner}}}", Value::from(token.as_str()));
    };
    if text.starts_with('{') {
        let mut model = Model::of(text);
        model.set(tokens, new);
        return model.text();
    }
    let elements = elements(text).expect("an array");
    match number(token).and_then(|number| elements.get(number)) {
        Some(element) => {
            let inner = set_in(Some(&text[element.clone()]), behind, new);
            format!("{}{inner}{}", &text[..element.start], &text[element.end..])
        }
        None => {
            let comma = if elements.is_empty() { "" } else { "," };
            let inner = set_in(None, behind, new);
            format!("{}{comma}{inner}]", &text[..text.len() - 1])
        }
    }
}

/// The text without what `tokens` name, which is there.
fn remove_in(text: &str, tokens: &[String]) -> String {
    if text.starts_with('{') {
        let mut model = Model::of(text);
        model.remove(tokens);
        return model.text();
    }
    let elements = elements(text).expect("an array");
    let number = number(&tokens[0]).expect("an index");
    let element = elements[number].clone();
    let (inner, range) = match &tokens[1..] {
        [] if number > 0 => (String::new(), elements[number - 1].end..element.end),
        [] => {
            let next = elements.get(1).map_or(element.end, |next| next.start);
            (String::new(), element.start..next)
        }
        behind => (remove_in(&text[element.clone()], behind), element),
    };
    format!("{}{inner}{}", &text[..range.start], &text[range.end..])
}

/// Where the elements of an array are, without space around them; none where it is none.
fn elements(text: &str) -> Option<Vec<Range<usize>>> {
    text.strip_prefix('[')?;
    let places = places(text);
    let element = |ends: &[usize]| {
        let start = behind_space(text, ends[0] + 1);
        let end = start
            + text[start..ends[1].max(start)]
                .trim_end_matches(SPACE)
                .len();
        start..end
    };
    let elements: Vec<_> = places.windows(2).map(element).collect();
    Some(
        elements
            .into_iter()
            .filter(|element| !element.is_empty())
            .collect(),
    )
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn behind_space(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches(SPACE).len()
}

/// Where the braces or brackets, the colons and the commas of the top level are.
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
        let is_brace = matches!((byte, depth), (b'{' | b'[', 1) | (b'}' | b']', 0));
        if is_brace || (depth == 1 && matches!(byte, b',' | b':')) {
            places.push(at);
        }
    }
    places
}
