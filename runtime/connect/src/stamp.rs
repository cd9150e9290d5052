//! Writes into each record which plugins made it what it is.

use std::sync::Arc;

use tamis_core::batch::{Batch, Row, Span};
use tamis_core::stamp::Stamper;

use crate::json::{LEVELS_MAX, Reader};

/// One that sets the member `field` of each value that is a JSON object to a list of `NAME@VERSION`. Every other byte stays as it
/// is, and so does what is no JSON object.
#[must_use]
pub fn stamper(field: &str) -> Arc<dyn Stamper> {
    Arc::new(Field {
        field: field.to_owned(),
    })
}

struct Field {
    field: String,
}

impl Stamper for Field {
    fn stamp(&self, batch: &mut Batch) {
        let parts: Vec<&str> = batch.stamp().parts().collect();
        if parts.is_empty() || batch.rows().is_empty() {
            return;
        }
        let stamp = json(&parts);
        let member = format!("{}:{stamp}", json(&self.field));
        let number = batch.next_buffer();
        let room = |row: &Row| row.value.len().unwrap_or(0) + member.len() + 1;
        let mut buffer = Vec::with_capacity(batch.rows().iter().map(room).sum());
        let mut rows = batch.rows().to_vec();
        for row in &mut rows {
            let Some(value) = batch.bytes(row.value) else {
                continue;
            };
            let start = buffer.len();
            match self.splice(value, &member, &stamp, &mut buffer) {
                Ok(()) => row.value = Span::new(number, start, buffer.len() - start),
                Err(_) => buffer.truncate(start),
            }
        }
        batch.replace(rows, Some(buffer.into()));
    }
}

impl Field {
    /// Writes `value` behind `out`, with `stamp` in the place of what the field is now, or else with `member` as its last one.
    ///
    /// # Errors
    /// Where it is no JSON object; then `out` holds anything.
    fn splice(
        &self,
        value: &[u8],
        member: &str,
        stamp: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut reader = Reader::new(value, LEVELS_MAX)?;
        if reader.peek() != Some(b'{') {
            return Err("no object".to_owned());
        }
        let (mut copied, mut replaced) = (0, false);
        let has_members = reader.open(b'}')?;
        let mut more = has_members;
        while more {
            let is_field = reader.name()? == *self.field;
            let found = reader.value()?;
            // Of a name that is there twice none may say anything else.
            if is_field {
                out.extend_from_slice(&value[copied..reader.at() - found.len()]);
                out.extend_from_slice(stamp.as_bytes());
                (copied, replaced) = (reader.at(), true);
            }
            more = reader.more(b'}')?;
        }
        let end = reader.at() - 1;
        reader.end()?;
        out.extend_from_slice(&value[copied..end]);
        if !replaced {
            if has_members {
                out.push(b',');
            }
            out.extend_from_slice(member.as_bytes());
        }
        out.extend_from_slice(&value[end..]);
        Ok(())
    }
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(value: &str) -> Option<String> {
        let field = Field {
            field: "_by".to_owned(),
        };
        let mut out = b"before".to_vec();
        let spliced = field.splice(value.as_bytes(), r#""_by":["a@1"]"#, r#"["a@1"]"#, &mut out);
        spliced.ok()?;
        Some(String::from_utf8(out).unwrap().split_off(6))
    }

    #[test]
    fn a_stamp_is_the_last_member_or_takes_the_place_of_one_and_other_bytes_stay() {
        for (value, expected) in [
            ("{}", r#"{"_by":["a@1"]}"#),
            (" { } \n", " { \"_by\":[\"a@1\"]} \n"),
            (r#"{"a": 1.0}"#, r#"{"a": 1.0,"_by":["a@1"]}"#),
            (
                r#"{"_by" : 3, "a":{"_by":1}}"#,
                r#"{"_by" : ["a@1"], "a":{"_by":1}}"#,
            ),
            (
                r#"{"_by":"x","\u005fby":{}}"#,
                r#"{"_by":["a@1"],"\u005fby":["a@1"]}"#,
            ),
        ] {
            assert_eq!(stamped(value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_no_json_object_has_no_place_for_a_stamp() {
        for value in ["", "text", "[{}]", r#"{"a":}"#, r#"{"a":1} x"#, "{"] {
            assert_eq!(stamped(value), None, "{value}");
        }
    }
}
