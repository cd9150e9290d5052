//! zap's console encoder: `TIME \t LEVEL \t [LOGGER \t] [CALLER \t] MESSAGE [\t {FIELDS}]`.

use serde_json::{Map, Value};

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
    let (rest, fields) = split_fields(rest);
    let message = write_names(rest, object);
    object.text("message", message);
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

/// Writes logger and caller, if they are there. Gives the message, in which there can be tabs.
fn write_names<'t>(text: &'t str, object: &mut Object) -> &'t str {
    let Some((first, rest)) = text.split_once('\t') else {
        return text;
    };
    if is_caller(first) {
        object.text("caller", first);
        return rest;
    }
    let (second, behind) = rest.split_once('\t').unwrap_or((rest, ""));
    if is_caller(second) && second.len() < rest.len() {
        object.text("logger", first);
        object.text("caller", second);
        return behind;
    }
    if is_logger(first) {
        object.text("logger", first);
        return rest;
    }
    text
}

/// `server/main.go:42`
fn is_caller(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(file, line)| {
        file.ends_with(".go") && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `app.http`
fn is_logger(text: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '-' | '/');
    !text.is_empty() && text.chars().all(is_part)
}
