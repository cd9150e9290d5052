//! The row that a record becomes, and the record that a row was.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::stores::input::Record;

/// Fields that are columns, in their order, behind the id and before what is left.
const FIELDS: [&str; 6] = ["Type", "Action", "Time", "Msg", "FuncName", "Field"];
/// Columns, with the id's and that of what is left.
pub(super) const COLUMNS: usize = FIELDS.len() + 2;

/// What is in each column; `None` is NULL.
pub(super) type Row = [Option<String>; COLUMNS];

/// The row of a record.
pub(super) fn of(Record { id, value }: &Record) -> Result<Row> {
    let mut value: Value = serde_json::from_slice(value)?;
    let members = value.as_object_mut().context("an object")?;
    let mut row = Row::default();
    row[0] = Some(id.clone());
    for (cell, field) in row[1..].iter_mut().zip(FIELDS) {
        *cell = members.shift_remove(field).map(|value| match value {
            Value::String(text) => text,
            value => value.to_string(),
        });
    }
    ensure!(members.is_empty(), "fields without a column: {members:?}");
    Ok(row)
}

/// The record that became a row of these `cells`.
pub(super) fn record(cells: &[Option<String>]) -> Result<Value> {
    let mut record = Map::new();
    for (cell, field) in cells[1..].iter().zip(FIELDS) {
        let Some(text) = cell else { continue };
        let value = match field {
            "Field" => serde_json::from_str(text)?,
            // A DATETIME(3) shows its milliseconds.
            "Time" => text.trim_end_matches(".000").into(),
            _ => text.as_str().into(),
        };
        record.insert(field.to_owned(), value);
    }
    if let Some(rest) = &cells[COLUMNS - 1] {
        let rest: Map<String, Value> = serde_json::from_str(rest)?;
        record.extend(rest);
    }
    Ok(record.into())
}

/// `rows` as LOAD DATA reads them.
pub(super) fn lines(rows: impl Iterator<Item = Result<Row>>) -> Result<String> {
    let mut lines = String::new();
    for row in rows {
        for (index, cell) in row?.iter().enumerate() {
            if index > 0 {
                lines.push('\t');
            }
            let Some(text) = cell else {
                lines.push_str("\\N");
                continue;
            };
            for character in text.chars() {
                if matches!(character, '\\' | '\t' | '\n') {
                    lines.push('\\');
                }
                lines.push(character);
            }
        }
        lines.push('\n');
    }
    Ok(lines)
}
