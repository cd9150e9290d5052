//! Which fields become dates, and which texts are dates.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Offset, TimeZone};
use tamis_config::spec::MongodbDate;

/// The fields of a document that become dates, and those on the way to them, as a tree.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// The zone of a text that names none; `None` where this field is only on the way to others.
    zone: Option<TimeZone>,
    fields: Vec<(String, Dates)>,
}

impl Dates {
    /// # Errors
    /// Where a zone is none.
    pub(super) fn new(dates: &[MongodbDate]) -> Result<Self, jiff::Error> {
        let mut root = Self::default();
        for MongodbDate { field, zone } in dates {
            let mut node = &mut root;
            for name in field {
                node = node.grow(name);
            }
            node.zone = Some(DateTimeParser::new().parse_time_zone(zone)?);
        }
        Ok(root)
    }

    fn grow(&mut self, name: &str) -> &mut Self {
        let known = self.fields.iter().position(|(it, _)| it == name);
        let index = known.unwrap_or_else(|| {
            self.fields.push((name.to_owned(), Self::default()));
            self.fields.len() - 1
        });
        &mut self.fields[index].1
    }

    /// What is known of the field `name` of this one.
    pub(super) fn field(&self, name: &[u8]) -> Option<&Self> {
        let known = self.fields.iter().find(|(it, _)| it.as_bytes() == name);
        known.map(|(_, dates)| dates)
    }

    /// Milliseconds since 1970-01-01 UTC, if this field is to be a date and `text` is one.
    pub(super) fn instant(&self, text: &[u8]) -> Option<i64> {
        instant(text, self.zone.as_ref()?)
    }
}

/// The instant that `text` names: `2023-01-18T12:00:00.5+08:00`, or with a space for the `T`, or without a zone.
fn instant(text: &[u8], zone: &TimeZone) -> Option<i64> {
    let (local, rest) = text.split_at_checked(19)?;
    if [local[4], local[7], local[13], local[16]] != *b"--::"
        || !matches!(local[10], b'T' | b't' | b' ')
    {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = local[range].iter();
        digits.clone().all(u8::is_ascii_digit).then(|| {
            digits.fold(0, |number: i16, digit| {
                number * 10 + i16::from(digit - b'0')
            })
        })
    };
    let small = |range| number(range).and_then(|number| i8::try_from(number).ok());
    let (ms, rest) = milliseconds(rest)?;
    let local = DateTime::new(
        number(0..4)?,
        small(5..7)?,
        small(8..10)?,
        small(11..13)?,
        small(14..16)?,
        small(17..19)?,
        ms * 1_000_000,
    );
    Some(at(local.ok()?, rest, zone)?.as_millisecond())
}

/// The parts of a second at the begin of `text`, and what is behind them.
fn milliseconds(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(parts) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = parts
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if count == 0 {
        return None;
    }
    let (digits, rest) = parts.split_at(count);
    let digit = |index| digits.get(index).map_or(0, |digit| i32::from(digit - b'0'));
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), rest))
}

/// When it is `local` at the `offset` that a text ends in, or in `zone` if it ends in none.
fn at(local: DateTime, offset: &[u8], zone: &TimeZone) -> Option<Timestamp> {
    let (sign, hours, minutes) = match *offset {
        [] => return zone.to_ambiguous_timestamp(local).compatible().ok(),
        [b'Z' | b'z'] => (1, [b'0', b'0'], [b'0', b'0']),
        [b'+', a, b, b':', c, d] => (1, [a, b], [c, d]),
        [b'-', a, b, b':', c, d] => (-1, [a, b], [c, d]),
        _ => return None,
    };
    let number = |digits: [u8; 2]| {
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| i32::from(digits[0] - b'0') * 10 + i32::from(digits[1] - b'0'))
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    offset.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(zone: &str) -> Dates {
        let field = |names: &[&str]| MongodbDate {
            field: names.iter().map(|name| (*name).to_owned()).collect(),
            zone: zone.to_owned(),
        };
        Dates::new(&[field(&["a"]), field(&["b", "c"])]).unwrap()
    }

    /// What `text` is in Shanghai, as RFC 3339 has it.
    fn check(text: &str, expected: Option<&str>) {
        let dates = dates("Asia/Shanghai");
        let instant = dates.field(b"a").unwrap().instant(text.as_bytes());
        let expected = expected.map(|it| it.parse::<Timestamp>().unwrap().as_millisecond());
        assert_eq!(instant, expected, "{text}");
    }

    #[test]
    fn a_text_is_a_date_with_and_without_a_zone() {
        check("2023-01-18 12:00:00", Some("2023-01-18T04:00:00Z"));
        check("2023-01-18T12:00:00", Some("2023-01-18T04:00:00Z"));
        check("2023-01-18 12:00:00.5", Some("2023-01-18T04:00:00.5Z"));
        check("2023-01-18T12:00:00Z", Some("2023-01-18T12:00:00Z"));
        check("2023-01-18t12:00:00z", Some("2023-01-18T12:00:00Z"));
        check(
            "2023-01-18T12:00:00.123-05:30",
            Some("2023-01-18T17:30:00.123Z"),
        );
        check("1969-12-31T23:59:59.999Z", Some("1969-12-31T23:59:59.999Z"));
        check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z"));
        check("9999-12-30T00:00:00Z", Some("9999-12-30T00:00:00Z"));
    }

    #[test]
    fn finer_digits_are_cut() {
        check(
            "2023-01-18T12:00:00.123999999Z",
            Some("2023-01-18T12:00:00.123Z"),
        );
        check(
            "1969-12-31T23:59:58.0019Z",
            Some("1969-12-31T23:59:58.001Z"),
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2023-01-18",
            "2023-01-18 12:00",
            "2023-01-18 12:00:00 ",
            "2023-01-18_12:00:00",
            "2023-02-30 12:00:00",
            "2023-01-18 24:00:00",
            "2023-01-18 12:00:60",
            "2023-01-18 12:00:00.",
            "2023-01-18 12:00:00+0800",
            "2023-01-18 12:00:00+24:00",
            "2023-01-18 12:00:00+08:60",
            "2023-01-18 1x:00:00",
            "二〇二三年一月十八日",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_local_time_that_is_there_twice_is_the_first_one() {
        let dates = dates("Europe/Berlin");
        let text = b"2023-10-29 02:30:00";
        let first: Timestamp = "2023-10-29T00:30:00Z".parse().unwrap();
        let instant = dates.field(b"a").unwrap().instant(text);
        assert_eq!(instant, Some(first.as_millisecond()));
    }

    #[test]
    fn only_named_fields_are_dates() {
        let (dates, text) = (dates("UTC"), b"2023-01-18 12:00:00");
        assert_eq!(dates.instant(text), None);
        assert!(dates.field(b"c").is_none());
        let b = dates.field(b"b").unwrap();
        assert_eq!(b.instant(text), None);
        assert!(b.field(b"c").unwrap().instant(text).is_some());
    }
}
