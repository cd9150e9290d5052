//! The new syslog: `<PRI>1 TIME HOST APP PID MSGID [ID NAME="VALUE"]… MESSAGE`. A dash stands for what is not there.

use std::borrow::Cow;

use super::syslog;
use crate::PAIRS_MAX;
use crate::object::Object;
use crate::quoted;
use crate::time;

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let (priority, rest) = syslog::priority(line)?;
    let (time, mut rest) = rest.strip_prefix("1 ")?.split_once(' ')?;
    if time != "-" {
        let time = time::date_time(time).filter(|time| time.has_zone && time.rest.is_empty())?;
        object.text("time", &time.text);
    }
    priority.write(object);
    for key in ["host", "app", "pid", "msgid"] {
        let (value, behind) = rest.split_once(' ')?;
        if value.is_empty() {
            return None;
        }
        if value != "-" {
            object.text(key, value);
        }
        rest = behind;
    }
    let rest = match rest.strip_prefix('-') {
        Some(rest) => rest,
        None => write_data(rest, object)?,
    };
    match rest.strip_prefix(' ') {
        Some(message) => object.text(
            "message",
            message.strip_prefix('\u{feff}').unwrap_or(message),
        ),
        None if rest.is_empty() => {}
        None => return None,
    }
    Some(())
}

/// Writes the elements of structured data, of which there is at least one. Gives what is behind them.
fn write_data<'t>(mut rest: &'t str, object: &mut Object) -> Option<&'t str> {
    let mut ids = Vec::new();
    object.open("data");
    while let Some(element) = rest.strip_prefix('[') {
        let (id, behind) = element.split_at(element.find([' ', ']'])?);
        if id.is_empty() || ids.contains(&id) || ids.len() == PAIRS_MAX {
            return None;
        }
        ids.push(id);
        let (pairs, behind) = pairs(behind)?;
        object.open(id);
        write_pairs(&pairs, object);
        object.close();
        rest = behind;
    }
    object.close();
    (!ids.is_empty()).then_some(rest)
}

type Pair<'t> = (&'t str, Cow<'t, str>);

/// The pairs of an element, each with a space before it, and what is behind the bracket that ends it.
fn pairs(mut rest: &str) -> Option<(Vec<Pair<'_>>, &str)> {
    let mut pairs = Vec::new();
    while let Some(pair) = rest.strip_prefix(' ') {
        let (name, behind) = pair.split_at(pair.find(['=', ' ', ']', '"'])?);
        let (value, behind) = quoted::split(behind.strip_prefix("=\"")?)?;
        if name.is_empty() || pairs.len() == PAIRS_MAX {
            return None;
        }
        pairs.push((name, unescape(value)));
        rest = behind;
    }
    Some((pairs, rest.strip_prefix(']')?))
}

/// A name can be there several times: then it has all its values.
fn write_pairs(pairs: &[Pair<'_>], object: &mut Object) {
    for (index, (name, value)) in pairs.iter().enumerate() {
        let of_name = |(other, _): &&Pair<'_>| other == name;
        if pairs[..index].iter().any(|pair| of_name(&pair)) {
            continue;
        }
        let all = pairs[index..].iter().filter(of_name);
        if all.clone().count() == 1 {
            object.text(name, value);
        } else {
            object.texts(name, all.map(|(_, value)| &**value));
        }
    }
}

/// Only `\"`, `\\` and `\]` are escapes; before anything else a backslash is one.
fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped =
            characters.next_if(|next| character == '\\' && matches!(next, '"' | '\\' | ']'));
        text.push(escaped.unwrap_or(character));
    }
    Cow::Owned(text)
}
