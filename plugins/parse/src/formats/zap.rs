//! zap's console encoder: `TIME \t LEVEL \t [LOGGER \t] [CALLER \t] MESSAGE [\t {FIELDS}]`.

use serde_json::{Map, Value};

use super::is_name;
use crate::is_digits;
use crate::level::level;
use crate::object::Object;
use crate::time;

/// No encoder of times writes more.
const TIME_BYTES_MAX: usize = 64;

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let (first, rest) = line.split_once('\t')?;
    let rest = match level(first) {
        // The time can be left out.
        Some(level) => {
            object.text("level", level);
            rest
        }
        None => {
            let (second, rest) = rest.split_once('\t')?;
            write_time(first, object)?;
            object.text("level", level(second)?);
            rest
        }
    };
    let (before, fields) = split_fields(rest);
    let names = Names::read(before);
    // An object that is all there is behind the caller is the message.
    let is_message = fields.is_some() && names.caller.is_none() && is_caller(names.message);
    let (names, fields) = if is_message {
        (Names::read(rest), None)
    } else {
        (names, fields)
    };
    object.some_text("logger", names.logger);
    object.some_text("caller", names.caller);
    object.text("message", names.message);
    if let Some(fields) = fields {
        object.json("fields", fields);
    }
    Some(())
}

fn write_time(text: &str, object: &mut Object) -> Option<()> {
    if text.len() > TIME_BYTES_MAX || !text.contains(|it: char| it.is_ascii_digit()) {
        return None;
    }
    match (time::epoch(text), time::date_time(text)) {
        (Some(time), _) => object.text("time", &time),
        (None, Some(time)) if time.rest.is_empty() => object.text("time", &time.text),
        // An encoder of one's own wrote it.
        (None, Some(_) | None) => object.text("time", text),
    }
    Some(())
}

/// What is before the fields, and the fields if there are some: an object that is behind the last tab.
fn split_fields(text: &str) -> (&str, Option<&str>) {
    let Some((before, last)) = text.rsplit_once('\t') else {
        return (text, None);
    };
    let is_fields =
        last.starts_with('{') && serde_json::from_str::<Map<String, Value>>(last).is_ok();
    if is_fields {
        (before, Some(last))
    } else {
        (text, None)
    }
}

/// What is between the level and the fields. There can be tabs in the message.
#[derive(Debug, Default)]
struct Names<'t> {
    logger: Option<&'t str>,
    caller: Option<&'t str>,
    message: &'t str,
}

impl<'t> Names<'t> {
    fn read(text: &'t str) -> Self {
        let mut names = Self {
            message: text,
            ..Self::default()
        };
        let Some((first, rest)) = text.split_once('\t') else {
            return names;
        };
        if is_caller(first) {
            (names.caller, names.message) = (Some(first), rest);
            return names;
        }
        match rest.split_once('\t') {
            Some((second, behind)) if is_caller(second) => {
                (names.logger, names.caller) = (Some(first), Some(second));
                names.message = behind;
            }
            Some(_) | None if is_name(first, "._-/") => {
                (names.logger, names.message) = (Some(first), rest);
            }
            Some(_) | None => {}
        }
        names
    }
}

/// `server/main.go:42`
fn is_caller(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(file, line)| file.ends_with(".go") && is_digits(line))
}
