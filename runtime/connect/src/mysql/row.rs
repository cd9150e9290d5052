//! What of a record goes into each column.

use std::borrow::Cow;

use jiff::Timestamp;
use tamis_config::spec::{MysqlColumn, MysqlFrom, MysqlType};
use tamis_core::sink::Record;

use super::json::{Members, find, members, object};
use crate::json::text;
use crate::template::render_time;

/// What goes into one column; `None` is NULL.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// Makes rows of records.
#[derive(Debug)]
pub(super) struct Encoder {
    columns: Vec<MysqlColumn>,
    /// Fields at the top that are asked for.
    keys: Vec<String>,
    /// Where the first key of a column's field is among those.
    key_of: Vec<Option<usize>>,
    with_others: bool,
    /// Whether a value is looked into at all.
    looks_in: bool,
}

impl Encoder {
    pub(super) fn new(columns: &[MysqlColumn]) -> Self {
        let mut keys: Vec<String> = Vec::new();
        let mut key_of = |column: &MysqlColumn| {
            let MysqlFrom::Field(path) = &column.from else {
                return None;
            };
            let first = path.first()?;
            let there = keys.iter().position(|key| key == first);
            Some(there.unwrap_or_else(|| {
                keys.push(first.clone());
                keys.len() - 1
            }))
        };
        let key_of = columns.iter().map(&mut key_of).collect();
        let with_others = columns.iter().any(|it| it.from == MysqlFrom::Rest);
        Self {
            columns: columns.to_vec(),
            looks_in: with_others || !keys.is_empty(),
            keys,
            key_of,
            with_others,
        }
    }

    /// The row that `record` is, its id first.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn row<'a>(&self, record: Record<'a>) -> Result<Vec<Cell<'a>>, String> {
        let value = record.value().ok_or("a tombstone is no row")?;
        let members = match self.looks_in {
            true => Some(self.members(value)?),
            false => None,
        };
        let mut row = Vec::with_capacity(1 + self.columns.len());
        row.push(Some(Cow::Owned(record.id().to_string())));
        for (column, key) in self.columns.iter().zip(&self.key_of) {
            let cell = match (&column.from, &members) {
                (MysqlFrom::Field(path), Some(members)) => {
                    let top = key.and_then(|key| members.asked[key]);
                    let found = top.map_or(Ok(None), |value| find(value, &path[1..]));
                    found.and_then(|value| value.map_or(Ok(None), |value| cell(value, column.kind)))
                }
                (MysqlFrom::Rest, Some(members)) => Ok(self.rest(members)),
                (MysqlFrom::Field(_) | MysqlFrom::Rest, None) => {
                    unreachable!("fields are looked for where a column has one")
                }
                (MysqlFrom::Value, _) => str::from_utf8(value)
                    .map(|text| Some(text.into()))
                    .map_err(|error| error.to_string()),
                (MysqlFrom::Time, _) => Ok(time(record, column.kind)),
                (MysqlFrom::Topic, _) => Ok(Some(Cow::Borrowed(&*record.partition().topic))),
            };
            let named = |reason| format!("column {}: {reason}", column.name);
            row.push(cell.map_err(named)?);
        }
        Ok(row)
    }

    fn members<'a>(&self, value: &'a [u8]) -> Result<Members<'a>, String> {
        members(value, &self.keys, self.with_others)
    }

    /// An object of what is in no other column: fields of which only a part is stay whole.
    fn rest<'a>(&self, members: &Members<'a>) -> Cell<'a> {
        let is_taken = |key: usize| {
            let mut columns = self.columns.iter().zip(&self.key_of);
            columns.any(|(column, of)| {
                let whole = matches!(&column.from, MysqlFrom::Field(path) if path.len() == 1);
                *of == Some(key) && whole
            })
        };
        let mut rest = members.others.clone();
        for (index, key) in self.keys.iter().enumerate() {
            if let Some(value) = members.asked[index].filter(|_| !is_taken(index)) {
                rest.push((Cow::Owned(key.clone()), value));
            }
        }
        (!rest.is_empty()).then(|| object(&rest).into())
    }
}

/// What `value` is in a column of this `kind`. Whether it fits is said by the server, which knows the column.
fn cell(raw: &str, kind: MysqlType) -> Result<Cell<'_>, String> {
    if raw == "null" {
        return Ok(None);
    }
    if kind == MysqlType::Json {
        return Ok(Some(raw.into()));
    }
    let text = text(raw)?;
    match kind {
        MysqlType::Boolean => match &*text {
            "true" | "1" => Ok(Some("1".into())),
            "false" | "0" => Ok(Some("0".into())),
            _ => Err(format!("{} is neither true nor false", shown(raw))),
        },
        // A number would be taken for digits of a date.
        MysqlType::Datetime(_) if !raw.starts_with('"') => {
            Err(format!("{} is not the text of a time", shown(raw)))
        }
        MysqlType::Datetime(_) => Ok(Some(in_utc(text))),
        MysqlType::Varchar(_)
        | MysqlType::Text
        | MysqlType::MediumText
        | MysqlType::LongText
        | MysqlType::Bigint
        | MysqlType::Double
        | MysqlType::Decimal(..)
        | MysqlType::Json => Ok(Some(text)),
    }
}

/// A time with a zone in UTC, as SQL has it; one without is left as it is, and so is what is no time.
fn in_utc(text: Cow<'_, str>) -> Cow<'_, str> {
    let has_zone = text.bytes().skip(10).any(|byte| b"Zz+-".contains(&byte));
    match text.parse::<Timestamp>() {
        Ok(time) if has_zone => time.strftime("%Y-%m-%d %H:%M:%S%.f").to_string().into(),
        Ok(_) | Err(_) => text,
    }
}

/// The record's time: milliseconds where the column holds whole numbers.
fn time(record: Record<'_>, kind: MysqlType) -> Cell<'static> {
    let ms = record.timestamp_ms()?;
    if kind == MysqlType::Bigint {
        return Some(ms.to_string().into());
    }
    let time = render_time("%Y-%m-%d %H:%M:%S%.f", ms)?;
    let is_json = kind == MysqlType::Json;
    Some(if is_json { format!("\"{time}\"") } else { time }.into())
}

/// The begin of `value`, for a message.
pub(super) fn shown(value: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    match value.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
#[cfg(feature = "file")]
mod tests;
