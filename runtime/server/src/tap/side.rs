//! A record in front of a plugin and behind it, side by side.

use serde_json::{Map, Value};
use tamis_connect::dead_folder::letter::Content;

use super::{Part, Shown, content};
use crate::cli::tap::Fate;
use crate::dead::plain;
use crate::table::{columns, cut};

/// The narrowest that a side is made.
const SIDE_MIN: usize = 12;
/// Between the two sides: blank, mark, blank.
const GAP: usize = 3;

/// What is on one line of both sides.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    before: Option<String>,
    after: Option<String>,
    /// What is said in the place of what is behind.
    note: Option<&'static str>,
}

/// The lines that show a record of `plugin`, in so many `columns`.
pub(super) fn by_side(
    shown: &Shown,
    plugin: &str,
    columns: usize,
    has_colour: bool,
) -> Vec<String> {
    let paint = Paint(has_colour);
    let mut lines = vec![paint.bold(&cut(&head(shown, plugin), columns))];
    let side = (columns.saturating_sub(GAP) / 2).max(SIDE_MIN);
    for (index, after) in shown.after.iter().enumerate() {
        if shown.after.len() > 1 {
            let (number, all) = (index + 1, shown.after.len() + shown.more);
            lines.push(format!("output {number} of {all}"));
        }
        let rows = rows(&shown.before, after);
        lines.extend(rows.iter().map(|row| row.line(side, &paint)));
        lines.extend(cut_note(after));
    }
    if shown.more > 0 {
        lines.push(format!("{} more outputs are not shown", shown.more));
    }
    if shown.after.is_empty() {
        let gone = match shown.fate {
            Fate::Drop => "(dropped)",
            Fate::Keep | Fate::Emit | Fate::Reject => "(refused)",
        };
        let rows = alone(&shown.before, gone);
        lines.extend(rows.iter().map(|row| row.line(side, &paint)));
        lines.extend(cut_note(&shown.before));
    }
    lines.push(String::new());
    lines
}

fn head(shown: &Shown, plugin: &str) -> String {
    let Shown {
        topic,
        partition,
        offset,
        number,
        version,
        fate,
        reasons,
        ..
    } = shown;
    let number = if *number > 0 {
        format!("/{number}")
    } else {
        String::new()
    };
    let mut head = format!("{}/{partition}/{offset}{number}", plain(topic));
    if !plugin.is_empty() {
        head.push_str(&format!("  {} {}", plain(plugin), plain(version)));
    }
    head.push_str(&format!("  {}", fate.word()));
    for reason in reasons {
        head.push_str(&format!(": {}", plain(reason)));
    }
    head
}

fn cut_note(part: &Part) -> Option<String> {
    let shown = part.value.as_ref().map_or(0, |value| value.0.len());
    (shown < part.value_bytes)
        .then(|| format!("these are the first {shown} of {} bytes", part.value_bytes))
}

/// What is in front, and that nothing is behind.
fn alone(before: &Part, gone: &'static str) -> Vec<Row> {
    let mut rows = rows(before, before);
    rows.iter_mut().for_each(|row| row.after = None);
    if let Some(first) = rows.first_mut() {
        first.note = Some(gone);
    }
    rows
}

/// What is in front beside what is behind: field by field where both are JSON objects.
fn rows(before: &Part, after: &Part) -> Vec<Row> {
    let object = |part: &Part| -> Option<Map<String, Value>> {
        serde_json::from_slice(&part.value.as_ref()?.0).ok()
    };
    let mut rows = match (object(before), object(after)) {
        (Some(one), Some(other)) => fields(&one, &other),
        _ => {
            let value = |part: &Part| part.value.as_ref().map(content::plain);
            let none = || Some("(no value)".to_owned());
            vec![Row::of(
                value(before).or_else(none),
                value(after).or_else(none),
            )]
        }
    };
    let named = |name: &str, bytes: &Option<Content>| {
        bytes
            .as_ref()
            .map(|it| format!("{name}: {}", content::plain(it)))
    };
    rows.push(Row::of(named("key", &before.key), named("key", &after.key)));
    rows.push(Row::of(
        named("route", &before.route),
        named("route", &after.route),
    ));
    if before.headers != after.headers {
        let headers = |part: &Part| Some(format!("headers: {}", content::plain(&part.headers)));
        rows.push(Row::of(headers(before), headers(after)));
    }
    if before.timestamp_ms != after.timestamp_ms {
        let time = |part: &Part| Some(format!("time: {} ms", part.timestamp_ms));
        rows.push(Row::of(time(before), time(after)));
    }
    rows.retain(|row| row.before.is_some() || row.after.is_some());
    rows
}

fn fields(one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<Row> {
    let line = |map: &Map<String, Value>, key: &str| {
        let value = map.get(key)?;
        Some(plain(&format!("{key}: {value}")))
    };
    let added = other.keys().filter(|key| !one.contains_key(*key));
    let keys = one.keys().chain(added);
    keys.map(|key| Row::of(line(one, key), line(other, key)))
        .collect()
}

impl Row {
    fn of(before: Option<String>, after: Option<String>) -> Self {
        Self {
            before,
            after,
            note: None,
        }
    }

    /// What stands between the sides.
    fn mark(&self) -> char {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => ' ',
            (Some(_), Some(_)) => '~',
            (None, _) => '+',
            (_, None) => '-',
        }
    }

    fn line(&self, side: usize, paint: &Paint) -> String {
        let text = |text: Option<&str>| cut(text.unwrap_or_default(), side);
        let before = text(self.before.as_deref());
        let (after, mark) = (text(self.after.as_deref().or(self.note)), self.mark());
        let blank = " ".repeat(side - columns(&before));
        let line = match mark {
            ' ' => format!("{before}{blank}   {after}"),
            '-' => format!("{}{blank} - {after}", paint.red(&before)),
            '+' => format!("{before}{blank} + {}", paint.green(&after)),
            _ => format!("{before}{blank} ~ {}", paint.yellow(&after)),
        };
        line.trim_end().to_owned()
    }
}

/// Colours, or none.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        let Self(has_colour) = self;
        if *has_colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn red(&self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.with("33", text)
    }
}

#[cfg(test)]
mod tests;
