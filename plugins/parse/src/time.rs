//! Times as they are written in lines. What has a zone becomes a time as RFC 3339 has it, with all its digits; what has
//! none is left as it is. What is no time, such as the 30th of February, is none here.

use std::borrow::Cow;

use super::is_digits;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A time at the start of a text.
#[derive(Debug)]
pub(super) struct Time<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) has_zone: bool,
    /// What is behind it.
    pub(super) rest: &'t str,
}

/// `2023-01-18T12:00:00.123+08:00`, with a space for the `T`, a comma for the point, a space before the zone, no colon in
/// it, or none of a fraction and a zone.
pub(super) fn date_time(text: &str) -> Option<Time<'_>> {
    let bytes = text.as_bytes();
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = *bytes.first_chunk::<10>()? else {
        return None;
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    check_date(year, two(m0, m1)?, two(d0, d1)?)?;
    if !matches!(bytes.get(10), Some(b'T' | b' ')) {
        return None;
    }
    let clock_end = 11 + clock_length(&bytes[11..])?;
    let rest = &text[clock_end..];
    let Some((zone, rest)) = zone(rest) else {
        let text = Cow::Borrowed(&text[..clock_end]);
        return Some(Time {
            text,
            has_zone: false,
            rest,
        });
    };
    let clock = text[11..clock_end].replace(',', ".");
    let text = Cow::Owned([&text[..10], "T", &clock, &zone].concat());
    Some(Time {
        text,
        has_zone: true,
        rest,
    })
}

/// `12:00:00`, with a fraction or without.
pub(super) fn clock(text: &str) -> Option<Time<'_>> {
    let (clock, rest) = text.split_at(clock_length(text.as_bytes())?);
    Some(Time {
        text: Cow::Borrowed(clock),
        has_zone: false,
        rest,
    })
}

/// `Jan 18 12:00:00`, as RFC 3164 has it: no year, and no zone.
pub(super) fn syslog(text: &str) -> Option<Time<'_>> {
    let month = month(text.get(..3)?)?;
    let [b' ', d0, d1, b' ', ..] = text.as_bytes()[3..] else {
        return None;
    };
    let day = two(if d0 == b' ' { b'0' } else { d0 }, d1)?;
    // In a year that is not known the 29th of February can be.
    check_date(2000, month, day)?;
    let time = clock(&text[7..])?;
    let end = text.len() - time.rest.len();
    Some(Time {
        text: Cow::Borrowed(&text[..end]),
        ..time
    })
}

/// `18/Jan/2023:12:00:00 +0800`, which is all of the text.
pub(super) fn access(text: &str) -> Option<String> {
    let (date, clock) = text.split_once(':')?;
    let mut parts = date.split('/');
    let (day, month_name, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = month(month_name)?;
    let [d0, d1] = <[u8; 2]>::try_from(day.as_bytes()).ok()?;
    let [y0, y1, y2, y3] = <[u8; 4]>::try_from(year.as_bytes()).ok()?;
    check_date(two(y0, y1)? * 100 + two(y2, y3)?, month, two(d0, d1)?)?;
    let end = clock_length(clock.as_bytes())?;
    let (zone, rest) = zone(&clock[end..])?;
    let is_all = rest.is_empty() && parts.next().is_none();
    is_all.then(|| format!("{year}-{month:02}-{day}T{}{zone}", &clock[..end]))
}

/// Seconds, milliseconds or nanoseconds since 1970-01-01 UTC, told by how many they are: `1.674014400123e+09`, which is
/// all of the text.
pub(super) fn epoch(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once("e+").unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if ![whole, exponent].into_iter().all(is_digits)
        || !(fraction.is_empty() || is_digits(fraction))
    {
        return None;
    }
    let exponent: usize = exponent.parse().ok().filter(|&it| it < 20)?;
    let mut digits = format!("{whole}{fraction}");
    let mut point = whole.len() + exponent;
    while digits.len() < point {
        digits.push('0');
    }
    point -= match point {
        9..=11 => 0,
        12..=14 => 3,
        18..=20 => 9,
        _ => return None,
    };
    let seconds: u64 = digits[..point].parse().ok()?;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days)?;
    let fraction = digits[point..].trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{dot}{fraction}Z"
    ))
}

/// The date that is so many days after 1970-01-01, by the calendar of 400 years that starts in March.
fn civil(days: u64) -> Option<(u64, u64, u64)> {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year <= 9_999).then_some((year, month, day))
}

/// The zone at the start of a text, as RFC 3339 has it, and what is behind.
fn zone(text: &str) -> Option<(Cow<'static, str>, &str)> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let (zone, length) = match *text.as_bytes() {
        [b'Z', ..] => (Cow::Borrowed("Z"), 1),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1, ..] => {
            (offset(char::from(sign), [h0, h1, m0, m1])?, 6)
        }
        [sign @ (b'+' | b'-'), h0, h1, m0, m1, ..] => {
            (offset(char::from(sign), [h0, h1, m0, m1])?, 5)
        }
        _ => return None,
    };
    let rest = &text[length..];
    let goes_on = rest.starts_with(|next: char| next.is_ascii_alphanumeric());
    (!goes_on).then_some((zone, rest))
}

fn offset(sign: char, [h0, h1, m0, m1]: [u8; 4]) -> Option<Cow<'static, str>> {
    let (hour, minute) = (two(h0, h1)?, two(m0, m1)?);
    let is_offset = hour <= 23 && minute <= 59;
    let [h0, h1, m0, m1] = [h0, h1, m0, m1].map(char::from);
    is_offset.then(|| Cow::Owned([sign, h0, h1, ':', m0, m1].iter().collect()))
}

/// How many bytes the `12:00:00.123` at the start of a text has.
fn clock_length(text: &[u8]) -> Option<usize> {
    let [h0, h1, b':', m0, m1, b':', s0, s1] = *text.first_chunk::<8>()? else {
        return None;
    };
    if two(h0, h1)? > 23 || two(m0, m1)? > 59 || two(s0, s1)? > 59 {
        return None;
    }
    let fraction = match text[8..] {
        [b'.' | b',', ..] => text[9..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count(),
        _ => 0,
    };
    Some(if fraction > 0 { 9 + fraction } else { 8 })
}

fn month(name: &str) -> Option<u32> {
    let index = MONTHS.iter().position(|month| *month == name)?;
    u32::try_from(index + 1).ok()
}

fn check_date(year: u32, month: u32, day: u32) -> Option<()> {
    let is_leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(())
}

/// The number of two digits.
fn two(tens: u8, ones: u8) -> Option<u32> {
    let digit = |byte: u8| char::from(byte).to_digit(10);
    Some(digit(tens)? * 10 + digit(ones)?)
}
