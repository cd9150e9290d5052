//! Whether a value stays what it is in a column: a strict server refuses what is too long or out of range, but some things it
//! cuts all the same, and says so in a warning at most.

use super::row::shown;

/// What a column would do away with in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Spaces at the end, beyond so many characters.
    Characters(usize),
    /// Spaces at the end, beyond so many bytes.
    Bytes(usize),
    /// What is behind the point.
    Whole,
    /// Digits behind so many behind the point.
    Decimal(i64),
    /// Digits behind so many of a second's fraction.
    Time(usize),
    /// The time of the day.
    Date,
    /// Nothing.
    Other,
}

impl Column {
    /// The column that the server describes so, as in `varchar(64)`.
    pub(super) fn of(description: &str) -> Self {
        let description = description.to_lowercase();
        let (name, rest) = match description.split_once('(') {
            Some((name, rest)) => (name, rest.split_once(')').map_or(rest, |(rest, _)| rest)),
            None => (&*description, ""),
        };
        // What follows a type without numbers: `bigint unsigned`.
        let name = name.split(' ').next().unwrap_or_default();
        let last = rest.rsplit(',').next().unwrap_or_default().trim();
        let number = last.parse::<u16>().unwrap_or_default();
        match name {
            "char" | "varchar" => Self::Characters(number.into()),
            "tinytext" => Self::Bytes(u8::MAX.into()),
            "text" => Self::Bytes(u16::MAX.into()),
            "mediumtext" => Self::Bytes((1 << 24) - 1),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Self::Whole,
            // One number alone says how many digits there are in all.
            "decimal" if !rest.contains(',') => Self::Decimal(0),
            "decimal" => Self::Decimal(number.into()),
            "datetime" | "timestamp" => Self::Time(number.into()),
            "date" => Self::Date,
            _ => Self::Other,
        }
    }

    /// # Errors
    /// What the column would make of `text` without a word.
    pub(super) fn keeps(self, text: &str) -> Result<(), String> {
        let reason = match self {
            Self::Characters(max) => {
                let ends_in_space = text.len() > max && text.ends_with(' ');
                let is_cut = ends_in_space && text.chars().count() > max;
                is_cut.then(|| format!("spaces at its end, beyond {max} characters, would be cut"))
            }
            Self::Bytes(max) => {
                let is_cut = text.len() > max && text.ends_with(' ');
                is_cut.then(|| format!("spaces at its end, beyond {max} bytes, would be cut"))
            }
            Self::Whole => places(text)
                .filter(|_| text.contains(['.', 'e', 'E']))
                .map(|_| format!("{} is not written as a whole number", shown(text))),
            Self::Decimal(max) => places(text).filter(|places| *places > max).map(|_| {
                let shown = shown(text);
                format!("{shown} has more digits behind the point than {max}")
            }),
            Self::Time(max) => {
                let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
                let digits = fraction.trim_end_matches(|it: char| !it.is_ascii_digit());
                let is_cut = digits.trim_end_matches('0').len() > max;
                is_cut.then(|| {
                    let shown = shown(text);
                    format!("{shown} has more digits of a second's fraction than {max}")
                })
            }
            Self::Date => {
                const DATE_BYTES: usize = 10;
                let is_cut = text.trim().len() > DATE_BYTES;
                is_cut.then(|| format!("{} is more than a date", shown(text)))
            }
            Self::Other => None,
        };
        reason.map_or(Ok(()), Err)
    }
}

/// How many places behind the point the number `text` needs; `None` where it is no number, as JSON has them.
fn places(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        // What is as large as that is out of any range, and the server says so.
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits.all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = || fraction.bytes().rev().chain(whole.bytes().rev());
    let Some(zeros) = digits().position(|digit| digit != b'0') else {
        return Some(0);
    };
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Some(length(fraction.len()) - length(zeros) - i64::from(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_of_a_column_is_understood() {
        let check = |description: &str, expected: Column| {
            assert_eq!(Column::of(description), expected, "{description}");
        };
        check("varchar(64)", Column::Characters(64));
        check("char(1)", Column::Characters(1));
        check("mediumtext", Column::Bytes(16_777_215));
        check("text", Column::Bytes(65_535));
        check("longtext", Column::Other);
        check("bigint(20) unsigned", Column::Whole);
        check("bigint unsigned", Column::Whole);
        check("tinyint(1)", Column::Whole);
        check("decimal(20,4)", Column::Decimal(4));
        check("decimal(20, 4) unsigned", Column::Decimal(4));
        check("decimal(20)", Column::Decimal(0));
        check("datetime(3)", Column::Time(3));
        check("timestamp", Column::Time(0));
        check("date", Column::Date);
        check("enum('a,1','b(2)')", Column::Other);
        check("double", Column::Other);
    }

    fn check(description: &str, kept: &[&str], cut: &[&str]) {
        let column = Column::of(description);
        for text in kept {
            assert_eq!(column.keeps(text), Ok(()), "{text} in {description}");
        }
        for text in cut {
            assert!(column.keeps(text).is_err(), "{text} in {description}");
        }
    }

    #[test]
    fn spaces_that_would_be_cut_are_found_and_the_rest_is_for_the_server() {
        check(
            "varchar(3)",
            &["", "日志 ", "ab ", "abcd", " abc"],
            &["abc ", "日志  "],
        );
        check("tinytext", &[&"x".repeat(300)], &[&(" ".repeat(256))]);
    }

    #[test]
    fn digits_that_would_be_rounded_are_found() {
        check(
            "int(11)",
            &["7", "-7", "99999999999", "x", "1x", "", "1_e"],
            &["1.5", "1.0", "1e3", "-1E3"],
        );
        let kept = [
            "1", "1.23", "1.2300", "123e-2", "1.5e1", "0.000e-9", "-0.01", "x", "1e99",
        ];
        check(
            "decimal(5,2)",
            &kept,
            &["1.234", "1e-3", "-0.001", "12345e-3"],
        );
        check("decimal(5)", &["10", "1.0", "100e-2"], &["1.5", "15e-1"]);
    }

    #[test]
    fn moments_that_would_be_cut_are_found() {
        let kept = [
            "2023-01-18 12:00:00",
            "2023-01-18 12:00:00.123",
            "2023-01-18 12:00:00.123000",
            "x.y",
        ];
        check(
            "datetime(3)",
            &kept,
            &["2023-01-18 12:00:00.1239", "2023-01-18 12:00:00.0001"],
        );
        check(
            "datetime",
            &["2023-01-18 12:00:00.0"],
            &["2023-01-18 12:00:00.1"],
        );
        check("date", &["2023-01-18"], &["2023-01-18 12:00:00"]);
    }
}
