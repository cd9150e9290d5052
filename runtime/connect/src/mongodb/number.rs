//! What a number of JSON becomes: nothing is rounded.

use mongodb::bson::Decimal128;
use tamis_config::spec::{BigNumbers, Decimals};

/// What becomes of numbers that are no whole numbers of 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) decimals: Decimals,
    pub(super) big_numbers: BigNumbers,
}

/// A number as a document has it.
#[derive(Debug, PartialEq)]
pub(super) enum Number {
    Int64(i64),
    Double(f64),
    Decimal128([u8; 16]),
    /// As it was written.
    Text,
}

impl Numbers {
    /// What `text` becomes, which is a number by the grammar of JSON.
    ///
    /// # Errors
    /// Where it has no place.
    pub(super) fn place(self, text: &str) -> Result<Number, String> {
        // The sign of a zero is lost in a whole number.
        if let Ok(whole) = text.parse()
            && text != "-0"
        {
            return Ok(Number::Int64(whole));
        }
        let fits = match self.decimals {
            Decimals::Double => double(text).map(Number::Double),
            Decimals::Decimal128 => decimal128(text).map(Number::Decimal128),
            Decimals::String => Some(Number::Text),
        };
        match (fits, self.big_numbers) {
            (Some(number), _) => Ok(number),
            (None, BigNumbers::String) => Ok(Number::Text),
            (None, BigNumbers::DeadLetter) => {
                let shown: String = text.chars().take(SHOWN_MAX).collect();
                let kind = match self.decimals {
                    Decimals::Double => "double",
                    Decimals::Decimal128 => "decimal128",
                    Decimals::String => "text",
                };
                Err(format!("the number {shown} is no {kind} without loss"))
            }
        }
    }
}

/// Digits of a number that a reason shows.
const SHOWN_MAX: usize = 60;

/// `text` as a double whose shortest form is the same number.
fn double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok().filter(|it: &f64| it.is_finite())?;
    let written = Decimal::of(text)?;
    // Up to 15 digits come back from any double that is not near the ends of its range.
    let is_near_ends = !(-290..=290).contains(&written.exponent);
    if written.digits.len() <= 15 && !is_near_ends {
        return Some(double);
    }
    // Of two shortest forms that are as near it is the even one here, as in JavaScript and Python; Rust's own has the other one.
    let shortest = serde_json::Number::from_f64(double)?.to_string();
    (Decimal::of(&shortest)? == written).then_some(double)
}

/// `text` as a decimal of 34 digits, if that is the same number.
fn decimal128(text: &str) -> Option<[u8; 16]> {
    // The library looks for a small `e`, and reads no `+` before digits.
    let text = text.replace('E', "e").replace('+', "");
    let decimal: Decimal128 = text.parse().ok()?;
    Some(decimal.bytes())
}

/// A number as digits: `0.DIGITS * 10^exponent`, with no zero at either end of the digits. Zero has none.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
    negative: bool,
}

impl Decimal {
    /// `None` where the exponent is beyond all that could be a number here.
    fn of(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, part].concat().into_bytes();
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let trailing = all.iter().rev().take_while(|digit| **digit == b'0').count();
        if leading == all.len() {
            let (digits, exponent) = (Vec::new(), 0);
            return Some(Self {
                digits,
                exponent,
                negative,
            });
        }
        let exponent: i64 = exponent.parse().ok()?;
        let places = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self {
            digits: all[leading..all.len() - trailing].to_vec(),
            exponent: exponent.checked_add(places)?,
            negative,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decimals: Decimals, text: &str, expected: Option<Number>) {
        let numbers = |big_numbers| Numbers {
            decimals,
            big_numbers,
        };
        let refused = numbers(BigNumbers::DeadLetter).place(text);
        assert_eq!(refused.ok(), expected, "{text}");
        let kept = numbers(BigNumbers::String).place(text);
        assert_eq!(kept, Ok(expected.unwrap_or(Number::Text)), "{text}");
    }

    #[test]
    fn a_whole_number_of_64_bits_stays_one() {
        for number in [0, 1, -1, i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1] {
            for decimals in [Decimals::Double, Decimals::Decimal128, Decimals::String] {
                check(decimals, &number.to_string(), Some(Number::Int64(number)));
            }
        }
    }

    #[test]
    fn a_double_is_taken_where_it_is_the_same_number() {
        let same = |text: &str, double| check(Decimals::Double, text, Some(Number::Double(double)));
        same("0.1", 0.1);
        same("1.0", 1.0);
        same("1.10", 1.1);
        same("-1.5E+3", -1500.0);
        same("-0.0", -0.0);
        same("1e2", 100.0);
        same("0e999999999999999999999999", 0.0);
        same("5e-324", 5e-324);
        same("1.7976931348623157e308", f64::MAX);
        same("2.2250738585072014E-308", f64::MIN_POSITIVE);
        same("10000000000000000000000", 1e22);
        same("0.30000000000000004", 0.1 + 0.2);
        same("123456789012345.6", 123_456_789_012_345.6);
        same("686545320479649.2", 686_545_320_479_649.2);
    }

    #[test]
    fn a_number_that_a_double_would_change_is_not_one() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "9007199254740993.0",
            "0.1000000000000000055511151231257827",
            "3.14159265358979323846",
            "1e309",
            "-1e400",
            "1e-400",
            "2e-324",
            "4.9e-324",
            "1e99999999999999999999",
        ] {
            check(Decimals::Double, text, None);
        }
        let zero = Numbers {
            decimals: Decimals::Double,
            big_numbers: BigNumbers::DeadLetter,
        };
        let Ok(Number::Double(zero)) = zero.place("-0") else {
            panic!("a double has the sign of a zero");
        };
        assert!(zero.is_sign_negative());
    }

    #[test]
    fn a_decimal_of_34_digits_keeps_them_all() {
        let same = |text: &str| {
            let decimal: Decimal128 = text.parse().unwrap();
            let bytes = Number::Decimal128(decimal.bytes());
            check(Decimals::Decimal128, text, Some(bytes));
            assert_eq!(decimal.to_string(), text);
        };
        same("18446744073709551615");
        same("1.10");
        same("3.14159265358979323846");
        same("9999999999999999999999999999999999");
        same("0.1000000000000000055511151231257827");
        check(
            Decimals::Decimal128,
            "12345678901234567890123456789012345",
            None,
        );
        check(Decimals::Decimal128, "1e7000", None);
        check(Decimals::Decimal128, "1e-7000", None);
        let exponent: Decimal128 = "1.5e3".parse().unwrap();
        let expected = Some(Number::Decimal128(exponent.bytes()));
        check(Decimals::Decimal128, "1.5E+3", expected);
    }

    #[test]
    fn text_is_as_it_was_written() {
        for text in ["1.10", "18446744073709551615", "-0", "1E+5"] {
            check(Decimals::String, text, Some(Number::Text));
        }
    }
}
