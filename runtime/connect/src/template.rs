//! What the placeholders of a template stand for in a record.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::strtime;
use tamis_config::template::{Part, Template};
use tamis_core::sink::Record;

use crate::field;

/// Fills templates from one record.
pub(crate) struct Filling<'a> {
    record: Record<'a>,
}

impl<'a> Filling<'a> {
    pub(crate) fn of(record: Record<'a>) -> Self {
        Self { record }
    }

    /// What `part` stands for; `None` where the record has no such thing.
    pub(crate) fn part<'b>(&'b self, part: &'b Part) -> Option<Cow<'b, str>> {
        let record = self.record;
        match part {
            Part::Literal(text) => Some(text.into()),
            Part::Topic => Some(Cow::Borrowed(&*record.partition().topic)),
            Part::Partition => Some(record.partition().number.to_string().into()),
            Part::Time(format) => Some(render_time(format, record.timestamp_ms()?)?.into()),
            Part::Field(pointer) => Some(field::find(record.value()?, pointer)?.into()),
            Part::Route => Some(
                record
                    .route()
                    .map_or("default".into(), String::from_utf8_lossy),
            ),
        }
    }

    /// The whole of `template`.
    ///
    /// # Errors
    /// The part that the record has not.
    pub(crate) fn text<'b>(&self, template: &'b Template) -> Result<String, &'b Part> {
        let mut text = String::new();
        for part in &template.parts {
            text.push_str(&self.part(part).ok_or(part)?);
        }
        Ok(text)
    }
}

/// In UTC; `None` where the time is beyond year 9999, or `format` is not one.
pub(crate) fn render_time(format: &str, timestamp_ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(timestamp_ms).ok()?;
    strtime::format(format, time).ok()
}

#[cfg(test)]
#[cfg(feature = "file")]
mod tests {
    use super::*;
    use crate::testing::{partition, records};

    /// 2023-01-18 04:05:06.789 UTC.
    const TIME: i64 = 1_674_014_706_789;

    fn check(template: &str, time: i64, value: &str, expected: Result<&str, &str>) {
        let records = records(&partition("logs"), &[(0, time, Some(value.as_bytes()))]);
        let template = Template::parse(template).unwrap();
        let filling = Filling::of(records.iter().next().unwrap());
        let text = filling.text(&template).map_err(ToString::to_string);
        assert_eq!(
            text,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{template}"
        );
    }

    #[test]
    fn a_template_is_filled_as_it_stands() {
        let json = r#"{"a":"x/y","n":7,"ok":true,"deep":["名"]}"#;
        check(
            "{topic}-{partition}.{route}",
            TIME,
            json,
            Ok("logs-0.default"),
        );
        check(
            "{time:%Y.%m.%d}.{field:/a}",
            TIME,
            json,
            Ok("2023.01.18.x/y"),
        );
        check(
            "{field:/n}{field:/ok}{field:/deep/0}",
            TIME,
            json,
            Ok("7true名"),
        );
    }

    #[test]
    fn what_a_record_lacks_is_named() {
        check(
            "x-{field:/b}-{field:/c}",
            TIME,
            r#"{"c":1}"#,
            Err("{field:/b}"),
        );
        check("{field:/b}", TIME, r#"{"b":null}"#, Err("{field:/b}"));
        check("{field:/b}", TIME, "no JSON", Err("{field:/b}"));
        check("{time:%Y}", -1, "{}", Err("{time:%Y}"));
    }
}
