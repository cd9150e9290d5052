//! Pairs of a key and a value: `time=2023-01-18T12:00:00+08:00 level=info msg="user logged in" n=3`.

use std::borrow::Cow;

use crate::PAIRS_MAX;
use crate::object::Object;
use crate::quoted;
use crate::time;

/// Where the time is, mostly.
const TIMES: [&str; 4] = ["time", "ts", "timestamp", "t"];

pub(super) fn parse(line: &str, object: &mut Object) -> Option<()> {
    let pairs = pairs(line.trim_matches(' '))?;
    for (index, (key, value)) in pairs.iter().enumerate() {
        // The last one of a key counts.
        if pairs[index + 1..].iter().any(|(other, _)| other == key) {
            continue;
        }
        let time = time::date_time(value).filter(|time| time.has_zone && time.rest.is_empty());
        match time.filter(|_| TIMES.contains(key)) {
            Some(time) => object.text(key, &time.text),
            None => object.text(key, value),
        }
    }
    Some(())
}

fn pairs(line: &str) -> Option<Vec<(&str, Cow<'_, str>)>> {
    let (mut pairs, mut rest) = (Vec::new(), line);
    loop {
        let (key, behind) = rest.split_at(rest.find(|it: char| !is_part(it))?);
        let behind = behind.strip_prefix('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(text) => {
                let (raw, behind) = quoted::split(text)?;
                (quoted::unescape(raw), behind)
            }
            None => {
                let end = behind.find(' ').unwrap_or(behind.len());
                (Cow::Borrowed(&behind[..end]), &behind[end..])
            }
        };
        if !is_key(key) || pairs.len() == PAIRS_MAX {
            return None;
        }
        pairs.push((key, value));
        if behind.is_empty() {
            return Some(pairs);
        }
        rest = behind.strip_prefix(' ')?.trim_start_matches(' ');
    }
}

fn is_part(it: char) -> bool {
    it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | '/' | '@')
}

fn is_key(key: &str) -> bool {
    key.starts_with(|it: char| it.is_alphanumeric() || matches!(it, '_' | '@'))
}
