//! Records in a file, one on each line: the value alone, or in a `.records` file all that a record has.
//!
//! The lines of a `.records` file have the form in which `tamis dead list --json` prints a letter; of its keys `value`, `key`,
//! `headers` and `time` count, and `route` where something came out.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tamis_connect::dead_folder::letter::Content;
use tamis_core::headers;

use crate::exit::Misuse;

/// What a person tries a plugin on; more of it says no more.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// The ending of files with whole records.
const WHOLE: &str = "records";

/// A record outside of any batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// None for a tombstone.
    pub(super) value: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
    /// In the form of the plugin contract.
    pub(super) headers: Vec<u8>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) route: Option<String>,
}

/// Whether the file at `path` has whole records.
pub(super) fn is_whole(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == WHOLE)
}

/// The lines of the file at `path`, without what ends them.
pub(super) fn lines(path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let problem = match read {
        Ok(length) if length as u64 <= FILE_BYTES_MAX => return Ok(split(&bytes)),
        Ok(_) => format!(
            "is larger than {} MiB; take a part of it",
            FILE_BYTES_MAX >> 20
        ),
        Err(error) => format!("cannot be read: {error}; check its path and who may read it"),
    };
    Err(Misuse(format!("{} {problem}", path.display())).into())
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect()
}

/// The records in the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Record>> {
    let lines = lines(path)?;
    if !is_whole(path) {
        return Ok(lines.into_iter().map(Record::of).collect());
    }
    let parse = |(line, number): (&Vec<u8>, usize)| {
        Record::parse(line).map_err(|problem| {
            let place = path.display();
            let cure = "see `tamis plugin test --help`";
            anyhow::Error::from(Misuse(format!("{place}:{number}: {problem}; {cure}")))
        })
    };
    lines.iter().zip(1..).map(parse).collect()
}

impl Record {
    /// One with this value and nothing else.
    pub(super) fn of(value: Vec<u8>) -> Self {
        Self {
            value: Some(value),
            ..Self::default()
        }
    }

    /// Whether a line with its value says all of it.
    pub(super) fn is_plain(&self) -> bool {
        let fits = |value: &Vec<u8>| !value.contains(&b'\n') && !value.ends_with(b"\r");
        self.value.as_ref().is_some_and(fits)
            && *self == Self::of(self.value.clone().unwrap_or_default())
    }

    fn parse(line: &[u8]) -> Result<Self, String> {
        let Ok(Value::Object(whole)) = serde_json::from_slice(line) else {
            return Err("is no JSON object".to_owned());
        };
        let mut flat = Vec::new();
        for header in list(&whole, "headers")? {
            let Some([Value::String(name), value]) = header.as_array().map(Vec::as_slice) else {
                return Err("a header is [\"NAME\", VALUE]".to_owned());
            };
            headers::push(&mut flat, name, content(value, "headers")?.as_deref());
        }
        let of = |name: &str| content(whole.get(name).unwrap_or(&Value::Null), name);
        Ok(Self {
            value: of("value")?,
            key: of("key")?,
            headers: flat,
            timestamp_ms: text(&whole, "time")?
                .map(|time| time.parse::<Timestamp>().map(Timestamp::as_millisecond))
                .transpose()
                .map_err(|error| format!("`time`: {error}"))?,
            route: text(&whole, "route")?.map(str::to_owned),
        })
    }

    /// It as a line of a file; a value alone says nothing of a tombstone.
    pub(super) fn line(&self, whole: bool) -> Vec<u8> {
        if !whole {
            return self.value.clone().unwrap_or_default();
        }
        let mut line = Map::new();
        line.insert("value".into(), shown(self.value.as_deref()));
        if self.key.is_some() {
            line.insert("key".into(), shown(self.key.as_deref()));
        }
        if !self.headers.is_empty() {
            let headers =
                headers::iter(&self.headers).map(|(name, value)| json!([name, shown(value)]));
            line.insert("headers".into(), headers.collect());
        }
        let time = self
            .timestamp_ms
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        if let Some(time) = time {
            line.insert("time".into(), time.to_string().into());
        }
        if let Some(route) = &self.route {
            line.insert("route".into(), route.as_str().into());
        }
        Value::Object(line).to_string().into_bytes()
    }
}

fn list<'a>(whole: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], String> {
    match whole.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("`{name}` is no list")),
    }
}

fn text<'a>(whole: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match whole.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is no text")),
    }
}

fn content(value: &Value, name: &str) -> Result<Option<Vec<u8>>, String> {
    let wrong = |_| format!("`{name}` is neither {{\"text\": …}}, {{\"base64\": …}} nor null");
    let content: Option<Content> = serde_json::from_value(value.clone()).map_err(wrong)?;
    Ok(content.map(|Content(bytes)| bytes))
}

fn shown(bytes: Option<&[u8]>) -> Value {
    let content = bytes.map(|bytes| Content(bytes.to_vec()));
    serde_json::to_value(content).expect("texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_a_source_cuts_them() {
        let check = |text: &str, expected: &[&str]| {
            let lines = split(text.as_bytes());
            let expected: Vec<_> = expected.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(lines, expected, "{text:?}");
        };
        check("", &[]);
        check("\n", &[""]);
        check("a", &["a"]);
        check("a\r\nb\n", &["a", "b"]);
        check("a\n\nb", &["a", "", "b"]);
    }

    #[test]
    fn a_whole_record_comes_back_as_it_was() {
        let mut flat = Vec::new();
        headers::push(&mut flat, "名", Some(b"1"));
        headers::push(&mut flat, "", None);
        let whole = Record {
            value: Some(b"\xff\n".to_vec()),
            key: Some(Vec::new()),
            headers: flat,
            timestamp_ms: Some(1_674_000_000_123),
            route: Some("errors".into()),
        };
        for record in [whole, Record::default(), Record::of(b"{}".to_vec())] {
            let line = record.line(true);
            assert_eq!(
                Record::parse(&line),
                Ok(record),
                "{}",
                String::from_utf8_lossy(&line)
            );
        }
    }

    #[test]
    fn what_is_no_record_is_named() {
        let check = |line: &str, expected: &str| {
            let problem = Record::parse(line.as_bytes()).unwrap_err();
            assert!(problem.contains(expected), "{line}: {problem}");
        };
        check("[]", "no JSON object");
        check(r#"{"value":"text"}"#, "`value` is neither");
        check(r#"{"headers":[[1, null]]}"#, "a header is");
        check(r#"{"headers":{}}"#, "`headers` is no list");
        check(r#"{"time":1}"#, "`time` is no text");
        check(r#"{"time":"yesterday"}"#, "`time`: ");
    }

    #[test]
    fn a_record_is_plain_where_its_value_is_a_line() {
        let of = |value: &str| Record::of(value.into());
        assert!(of("a").is_plain() && of("").is_plain());
        assert!(!of("a\nb").is_plain() && !of("a\r").is_plain());
        assert!(!Record::default().is_plain());
        let keyed = Record {
            key: Some(Vec::new()),
            ..of("a")
        };
        assert!(!keyed.is_plain());
    }
}
