//! The folder of a record, rendered from a template.
//!
//! The literal text and the time format of a template belong to whoever wrote the configuration: a slash in them separates
//! folders. Whatever comes from a record is escaped, so that it is one component of a path, or a part of one, and never
//! leaves the root: `/`, `\`, `%` and control characters become `%2F` and the like, as in a URL, so that two values
//! never share a folder by accident. A component of dots alone has its first dot escaped, as has the staging
//! folder's name; one beyond 255 bytes is cut and ends with a hash. What is missing or empty is `none`.

use std::fmt::Write as _;

use tamis_config::template::{Part, Template};
use tamis_core::id::Partition;
use tamis_core::sink::Record;

use crate::template::{Filling, render_time};

/// What a component is at most on every file system.
const COMPONENT_BYTES_MAX: usize = 255;
/// Leaves room for the root and the name of the file in the 4,096 bytes that Linux takes.
const PATH_BYTES_MAX: usize = 2048;
/// The folder of files that are not to be seen yet.
pub(crate) const STAGING: &str = ".staging";

/// A template that renders paths.
#[derive(Debug, Clone)]
pub(crate) struct PathTemplate {
    parts: Vec<Part>,
    /// Whether two records of one partition and time can have different paths.
    differs_by_record: bool,
    /// How long a rendered time stays as it is; `None` without a time.
    time_unit_ms: Option<i64>,
}

/// Why a record has no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its path would be longer than {PATH_BYTES_MAX} bytes")]
pub(crate) struct PathTooLong;

impl PathTemplate {
    /// # Errors
    /// A time format that cannot be rendered.
    pub(crate) fn new(template: &Template) -> Result<Self, String> {
        let parts = template.parts.clone();
        let units = parts.iter().filter_map(|part| match part {
            Part::Time(format) => Some(time_unit_ms(format)),
            Part::Literal(_) | Part::Topic | Part::Partition | Part::Field(_) | Part::Route => None,
        });
        let time_unit_ms = units.min();
        for part in &parts {
            if let Part::Time(format) = part
                && render_time(format, 0).is_none()
            {
                return Err(format!("{format:?} is not a format of a time"));
            }
        }
        let differs_by_record = parts
            .iter()
            .any(|part| matches!(part, Part::Field(_) | Part::Route));
        Ok(Self {
            parts,
            differs_by_record,
            time_unit_ms,
        })
    }

    /// Records of one partition with the same period have the same path; without a period nothing is known.
    pub(crate) fn period(&self, record: &Record<'_>) -> Option<i64> {
        if self.differs_by_record {
            return None;
        }
        let Some(unit) = self.time_unit_ms else {
            return Some(0);
        };
        // Times are never negative, so -1 is free for none.
        Some(
            record
                .timestamp_ms()
                .map_or(-1, |timestamp| timestamp / unit),
        )
    }

    /// The path of `record`, relative to the root.
    pub(crate) fn render(&self, record: &Record<'_>) -> Result<String, PathTooLong> {
        let mut raw = String::new();
        let filling = Filling::of(*record);
        for part in &self.parts {
            let value = filling.part(part).filter(|value| !value.is_empty());
            let value = value.as_deref().unwrap_or(NONE);
            match part {
                // Their slashes separate folders.
                Part::Literal(_) | Part::Time(_) => raw.push_str(value),
                Part::Topic | Part::Partition | Part::Field(_) | Part::Route => {
                    push_value(&mut raw, value);
                }
            }
        }
        let mut path = String::with_capacity(raw.len());
        for component in raw.split('/').filter(|component| !component.is_empty()) {
            if !path.is_empty() {
                path.push('/');
            }
            push_component(&mut path, component);
        }
        if path.len() > PATH_BYTES_MAX {
            Err(PathTooLong)
        } else {
            Ok(path)
        }
    }
}

/// The first part of the names of `partition`'s files.
pub(crate) fn file_prefix(partition: &Partition) -> String {
    // Beside it the name holds two offsets of 20 digits, a partition of up to 11, separators and an ending.
    const TOPIC_BYTES_MAX: usize = 180;
    let mut topic = String::new();
    push_value(&mut topic, &partition.topic);
    format!("{}-{}", fit(&topic, TOPIC_BYTES_MAX), partition.number)
}

/// A name of someone else's, as one component of a path.
pub(crate) fn component(name: &str) -> String {
    let mut raw = String::new();
    push_value(&mut raw, name);
    let mut component = String::new();
    push_component(&mut component, &raw);
    component
}

/// Stands for what is missing or empty.
const NONE: &str = "none";

/// Adds a value of a record, escaped.
fn push_value(raw: &mut String, value: &str) {
    for char in if value.is_empty() { NONE } else { value }.chars() {
        if char.is_control() || matches!(char, '/' | '\\' | '%') {
            for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                write!(raw, "%{byte:02X}").expect("a string takes everything");
            }
        } else {
            raw.push(char);
        }
    }
}

fn push_component(path: &mut String, component: &str) {
    if matches!(component, "." | ".." | STAGING) {
        path.push_str("%2E");
        path.push_str(&component[1..]);
    } else {
        path.push_str(&fit(component, COMPONENT_BYTES_MAX));
    }
}

/// `text` in at most `bytes_max` bytes; where it was cut, a hash of the whole keeps it apart from others.
fn fit(text: &str, bytes_max: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= bytes_max {
        return text.into();
    }
    let hash = format!("~{:016x}", fnv1a(text.as_bytes()));
    let kept = text.floor_char_boundary(bytes_max - hash.len());
    format!("{}{hash}", &text[..kept]).into()
}

/// FNV-1a: the same in every version of Tamis, as a path must be.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// How many milliseconds a time rendered by `format` stays as it is, counted from 1970.
fn time_unit_ms(format: &str) -> i64 {
    const SECOND: i64 = 1000;
    let directives = format
        .split('%')
        .skip(1)
        .filter_map(|directive| directive.chars().find(|char| char.is_ascii_alphabetic()));
    let unit = |directive| match directive {
        'n' | 't' | 'Y' | 'y' | 'C' | 'G' | 'g' | 'm' | 'B' | 'b' | 'h' | 'd' | 'e' | 'j' | 'F'
        | 'D' | 'A' | 'a' | 'U' | 'u' | 'V' | 'W' | 'w' => 86_400 * SECOND,
        'H' | 'I' | 'k' | 'l' | 'P' | 'p' => 3600 * SECOND,
        'M' | 'R' => 60 * SECOND,
        'S' | 's' | 'T' => SECOND,
        // Fractions of a second, and what later versions of the formatter may know.
        _fine => 1,
    };
    directives.map(unit).min().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
