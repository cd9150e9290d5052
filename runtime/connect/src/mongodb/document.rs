//! The document of a record: its JSON becomes BSON in one pass, and loses nothing on the way.

mod fields;

use mongodb::bson::RawDocumentBuf;
use tamis_config::spec::MongodbSinkSpec;

use self::fields::Fields;
use super::date::Dates;
use super::number::{Number, Numbers};
use super::writer::{Kind, Writer};
use crate::json::Reader;

/// Levels of maps and lists that MongoDB takes.
const LEVELS_MAX: u32 = 100;

/// Makes documents of records.
#[derive(Debug)]
pub(super) struct Encoder {
    numbers: Numbers,
    dates: Dates,
    keep_id_as: Option<String>,
}

impl Encoder {
    /// # Errors
    /// Where a zone of a date is none.
    pub(super) fn new(spec: &MongodbSinkSpec) -> Result<Self, jiff::Error> {
        Ok(Self {
            numbers: Numbers {
                decimals: spec.decimals,
                big_numbers: spec.big_numbers,
            },
            dates: Dates::new(&spec.dates)?,
            keep_id_as: spec.keep_id_as.clone(),
        })
    }

    /// The document with this `_id` and the fields of `value`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn document(&self, id: &str, value: &[u8]) -> Result<RawDocumentBuf, String> {
        let mut making = Making {
            encoder: self,
            reader: Reader::new(value, LEVELS_MAX)?,
            // Lengths and types take more room than quotes and commas.
            writer: Writer::with_capacity(value.len() * 3 / 2 + id.len() + 32),
            fields: Fields::default(),
        };
        making.whole(id)?;
        let bytes = making.writer.into_bytes();
        RawDocumentBuf::from_bytes(bytes).map_err(|error| format!("the document: {error}"))
    }
}

/// A document that is being made.
struct Making<'a> {
    encoder: &'a Encoder,
    reader: Reader<'a>,
    writer: Writer,
    fields: Fields,
}

impl<'a> Making<'a> {
    fn whole(&mut self, id: &str) -> Result<(), String> {
        match self.reader.peek() {
            Some(b'{') => {}
            // What is wrong with one that is no JSON at all says more.
            _ => {
                let element = self.writer.element();
                self.value(element, None)?;
                self.reader.end()?;
                return Err("the value is JSON, but no map, so it is no document".to_owned());
            }
        }
        let open = self.writer.open();
        let element = self.writer.element();
        self.writer.push(b"_id");
        self.writer.end_name();
        self.writer.text(id);
        self.writer.set_kind(element, Kind::Text);
        self.map(Some(&self.encoder.dates))?;
        self.writer.close(open);
        self.reader.end()
    }

    /// Takes a value, and writes it as that of the element at `element`.
    fn value(&mut self, element: usize, dates: Option<&'a Dates>) -> Result<(), String> {
        let kind = match self.reader.peek() {
            Some(b'"') => self.text(dates)?,
            Some(b'{') => {
                let open = self.writer.open();
                self.map(dates)?;
                self.writer.close(open);
                Kind::Document
            }
            Some(b'[') => {
                let open = self.writer.open();
                self.list(dates)?;
                self.writer.close(open);
                Kind::Array
            }
            Some(b't') => {
                self.reader.word("true")?;
                self.writer.push(&[1]);
                Kind::Bool
            }
            Some(b'f') => {
                self.reader.word("false")?;
                self.writer.push(&[0]);
                Kind::Bool
            }
            Some(b'n') => {
                self.reader.word("null")?;
                Kind::Null
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.reader.wrong("a value was expected")),
        };
        self.writer.set_kind(element, kind);
        Ok(())
    }

    fn number(&mut self) -> Result<Kind, String> {
        let text = self.reader.number()?;
        Ok(match self.encoder.numbers.place(text)? {
            Number::Int64(number) => {
                self.writer.push(&number.to_le_bytes());
                Kind::Int64
            }
            Number::Double(number) => {
                self.writer.push(&number.to_le_bytes());
                Kind::Double
            }
            Number::Decimal128(bytes) => {
                self.writer.push(&bytes);
                Kind::Decimal128
            }
            Number::Text => {
                self.writer.text(text);
                Kind::Text
            }
        })
    }

    fn text(&mut self, dates: Option<&Dates>) -> Result<Kind, String> {
        let start = self.writer.len();
        let open = self.writer.open();
        self.reader
            .text(|piece| self.writer.push(piece.as_bytes()))?;
        let text = self.writer.bytes(start + 4..self.writer.len());
        if let Some(instant) = dates.and_then(|dates| dates.instant(text)) {
            self.writer.truncate(start);
            self.writer.push(&instant.to_le_bytes());
            return Ok(Kind::Date);
        }
        self.writer.close_text(open);
        Ok(Kind::Text)
    }

    /// Takes a list, whose first bracket was peeked at, and writes its elements.
    fn list(&mut self, dates: Option<&'a Dates>) -> Result<(), String> {
        let (mut index, mut more) = (0, self.reader.open(b']')?);
        while more {
            let element = self.writer.element();
            self.writer.push_index(index);
            let name = self.writer.bytes(element + 1..self.writer.len());
            let dates = dates.and_then(|dates| dates.field(name));
            self.writer.end_name();
            self.value(element, dates)?;
            index += 1;
            more = self.reader.more(b']')?;
        }
        Ok(())
    }

    /// Takes a map, whose first brace was peeked at, and writes its fields. Of those with one name the last one counts.
    fn map(&mut self, dates: Option<&'a Dates>) -> Result<(), String> {
        let first = self.fields.begin();
        let mut more = self.reader.open(b'}')?;
        while more {
            self.field(first, dates)?;
            more = self.reader.more(b'}')?;
        }
        self.fields.end(first, &mut self.writer);
        Ok(())
    }

    fn field(&mut self, first: fields::First, dates: Option<&'a Dates>) -> Result<(), String> {
        self.reader.at_name()?;
        let element = self.writer.element();
        let start = self.writer.len();
        self.reader
            .text(|piece| self.writer.push(piece.as_bytes()))?;
        let mut name = self.writer.bytes(start..self.writer.len());
        if name.contains(&0) {
            let name = String::from_utf8_lossy(name).replace('\0', "\\u0000");
            return Err(format!(
                "a name holds a zero byte, which MongoDB has no room for: {name:?}"
            ));
        }
        let dates = dates.and_then(|dates| dates.field(name));
        let is_id = self.reader.level() == 1 && name == b"_id";
        if is_id {
            let Some(kept) = &self.encoder.keep_id_as else {
                return Err(OWN_ID.to_owned());
            };
            self.writer.truncate(start);
            self.writer.push(kept.as_bytes());
            name = self.writer.bytes(start..self.writer.len());
        }
        let twice = self.fields.add(first, element, name, is_id, &self.writer);
        if twice == fields::Added::BesideId {
            let kept = self.encoder.keep_id_as.as_deref().unwrap_or_default();
            return Err(format!(
                "the record has fields `_id` and `{kept}`, and `keep_id_as` makes them one"
            ));
        }
        self.writer.end_name();
        self.reader.colon()?;
        self.value(element, dates)
    }
}

/// Why a record with an `_id` of its own is refused.
const OWN_ID: &str = "the record has a field `_id`, but that of its document is the record's id: set `keep_id_as` to keep it under another name";

#[cfg(test)]
mod tests;
