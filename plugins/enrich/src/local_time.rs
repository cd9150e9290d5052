//! A local time without a zone becomes an instant with one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use tamis_sdk::{ConfigError, ToJson};

/// The format that is read here, and to the letter: jiff would take fewer digits, and a leap second.
const PLAIN: &str = "%Y-%m-%d %H:%M:%S";

/// Reads times of one format in one zone.
#[derive(Debug)]
pub(super) struct LocalTime {
    format: Format,
    zone: TimeZone,
    /// The hour of the last plain time.
    hour: Option<Hour>,
}

#[derive(Debug)]
enum Format {
    /// [`PLAIN`].
    Plain,
    Other(String),
}

/// A moment.
#[derive(Debug)]
pub(super) struct ZonedTime {
    /// In milliseconds since 1970-01-01 UTC.
    pub(super) ms: i64,
    quoted: Quoted,
}

/// A moment with its zone, as RFC 3339 has it, in quotes.
#[derive(Debug)]
enum Quoted {
    /// `"2023-01-18T12:00:00+08:00"`
    Seconds([u8; 27]),
    /// With parts of a second, or in UTC.
    Other(Vec<u8>),
}

/// An hour in which the zone has one offset, and each time exactly once.
#[derive(Debug)]
struct Hour {
    /// As it is written: `2023-01-18 12`.
    text: [u8; 13],
    start_ms: i64,
    /// Its start. In a time within it only the minute and the second are others.
    quoted: [u8; 27],
}

impl LocalTime {
    pub(super) fn new(format: &str, zone: &str) -> Result<Self, ConfigError> {
        let refused = |field, error: jiff::Error| ConfigError::new(field, error.to_string());
        let zone = DateTimeParser::new()
            .parse_time_zone(zone)
            .map_err(|error| refused("/timestamp/zone", error))?;
        let sample = Timestamp::UNIX_EPOCH.to_zoned(zone.clone());
        let written = strtime::format(format, &sample)
            .map_err(|error| refused("/timestamp/format", error))?;
        let format = match format {
            PLAIN => Format::Plain,
            other => Format::Other(other.to_owned()),
        };
        let mut local_time = Self {
            format,
            zone,
            hour: None,
        };
        match local_time.convert(written.as_bytes()) {
            Some(ZonedTime { ms: 0, .. }) => Ok(local_time),
            Some(_) | None => {
                let message = "does not make a date and a time";
                Err(ConfigError::new("/timestamp/format", message))
            }
        }
    }

    /// The time in `text`; `None` where it is none.
    pub(super) fn convert(&mut self, text: &[u8]) -> Option<ZonedTime> {
        match &self.format {
            Format::Plain => self.plain(text.try_into().ok()?),
            Format::Other(format) => {
                let parsed = BrokenDownTime::parse(format, text).ok()?;
                // Only a time with an offset, or counted in seconds, is an instant by itself.
                let instant = parsed.to_timestamp().ok();
                let instant = instant.or_else(|| self.instant(parsed.to_datetime().ok()?))?;
                Some(self.zoned(instant))
            }
        }
    }

    fn plain(&mut self, text: &[u8; 19]) -> Option<ZonedTime> {
        if let Some(hour) = &self.hour
            && text[..13] == hour.text
        {
            return hour.time(text);
        }
        let local = plain(text)?;
        self.hour = self.hour(local, text);
        Some(self.zoned(self.instant(local)?))
    }

    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(local).compatible().ok()
    }

    fn zoned(&self, instant: Timestamp) -> ZonedTime {
        // RFC 3339 cannot say the offsets with seconds that zones had before there was standard time.
        let text = if self.zone.to_offset(instant).seconds() % 60 != 0 {
            instant.to_string()
        } else {
            let zoned = instant.to_zoned(self.zone.clone());
            zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
        };
        let quoted = format!("\"{text}\"").into_bytes();
        let quoted = quoted
            .try_into()
            .map_or_else(Quoted::Other, Quoted::Seconds);
        ZonedTime {
            ms: instant.as_millisecond(),
            quoted,
        }
    }

    /// The hour that `local`, written plainly as `text`, is in; `None` where its end is not as plain as its start.
    fn hour(&self, local: DateTime, text: &[u8; 19]) -> Option<Hour> {
        let start = local.with().minute(0).second(0).build().ok()?;
        let end = local.with().minute(59).second(59).build().ok()?;
        let offset = self.plain_offset(start)?;
        if self.plain_offset(end) != Some(offset) {
            return None;
        }
        match self.zoned(offset.to_timestamp(start).ok()?) {
            ZonedTime {
                ms: start_ms,
                quoted: Quoted::Seconds(quoted),
            } => Some(Hour {
                text: *text.first_chunk()?,
                start_ms,
                quoted,
            }),
            ZonedTime {
                quoted: Quoted::Other(_),
                ..
            } => None,
        }
    }

    /// The offset of the zone at a time that it has exactly once.
    fn plain_offset(&self, local: DateTime) -> Option<Offset> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(offset),
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => None,
        }
    }
}

impl ToJson for ZonedTime {
    fn write_json(&self, out: &mut Vec<u8>) {
        match &self.quoted {
            Quoted::Seconds(text) => out.extend_from_slice(text),
            Quoted::Other(text) => out.extend_from_slice(text),
        }
    }
}

impl Hour {
    /// The time in `text`, which is in this hour if it is one.
    fn time(&self, text: &[u8; 19]) -> Option<ZonedTime> {
        let [.., b':', m0, m1, b':', s0, s1] = *text else {
            return None;
        };
        let (minute, second) = (two(m0, m1)?, two(s0, s1)?);
        if minute > 59 || second > 59 {
            return None;
        }
        let ms = self.start_ms + (i64::from(minute) * 60 + i64::from(second)) * 1_000;
        let mut quoted = self.quoted;
        quoted[15..20].copy_from_slice(&[m0, m1, b':', s0, s1]);
        Some(ZonedTime {
            ms,
            quoted: Quoted::Seconds(quoted),
        })
    }
}

/// A time in the [`PLAIN`] format.
fn plain(text: &[u8; 19]) -> Option<DateTime> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b' ', rest @ ..] = *text else {
        return None;
    };
    let [h0, h1, b':', n0, n1, b':', s0, s1] = rest else {
        return None;
    };
    let year = i16::from(two(y0, y1)?) * 100 + i16::from(two(y2, y3)?);
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    DateTime::new(
        year,
        month,
        day,
        two(h0, h1)?,
        two(n0, n1)?,
        two(s0, s1)?,
        0,
    )
    .ok()
}

/// The number of two digits.
fn two(tens: u8, ones: u8) -> Option<i8> {
    let digit = |byte: u8| {
        byte.is_ascii_digit()
            .then(|| i8::try_from(byte - b'0').ok())
            .flatten()
    };
    Some(digit(tens)? * 10 + digit(ones)?)
}
