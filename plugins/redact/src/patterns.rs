//! What can be found in a text, in one pass from its start to its end.
//!
//! Each byte that one of the patterns can be recognised by is looked at once, with a bounded look at what is around it,
//! or with one that no other byte repeats: the time is linear in the length of the text.

use schemars::JsonSchema;
use serde::Deserialize;

use super::hide::Method;

mod email;
mod numbers;
mod sieve;
mod token;

pub(super) use self::sieve::may_have;

/// The shortest text in which something can be found: `a@b.cn`.
pub(super) const BYTES_MIN: usize = 6;

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pattern {
    /// A Chinese mobile number, with its country code or without; a Chinese landline with its area code and a hyphen;
    /// any number with a plus and 10 to 15 digits.
    Phone,
    /// The number of a Chinese identity card: 18 characters, with a date of birth and a check digit that is right.
    IdCard,
    /// An e-mail address.
    Email,
    /// The number of a bank card: 13 to 19 digits as banks begin them, with a check digit (Luhn) that is right.
    BankCard,
    /// What follows the word `Bearer`.
    BearerToken,
}

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) pattern: Pattern,
}

/// Which patterns are looked for, and what becomes of what they find.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Patterns([Option<Method>; 5]);

impl Pattern {
    /// Its name in the settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::IdCard => "id_card",
            Self::Email => "email",
            Self::BankCard => "bank_card",
            Self::BearerToken => "bearer_token",
        }
    }
}

impl Patterns {
    /// All there are.
    pub(super) const ALL: Self = Self([Some(Method::Hash); 5]);

    pub(super) fn add(&mut self, pattern: Pattern, method: Method) {
        self.0[pattern as usize] = Some(method);
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether it is looked for.
    pub(super) fn has(self, pattern: Pattern) -> bool {
        self.0[pattern as usize].is_some()
    }

    /// What becomes of what it finds.
    pub(super) fn method(self, pattern: Pattern) -> Method {
        self.0[pattern as usize].expect("only what is looked for is found")
    }
}

/// The bytes that something can be recognised by.
const SIGNS: [bool; 256] = set(b"0123456789+@bB");

/// Whether each byte is one of `bytes`.
const fn set(bytes: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut index = 0;
    while index < bytes.len() {
        set[bytes[index] as usize] = true;
        index += 1;
    }
    set
}

/// Finds all there is in `text`, in order, in the place of what was found before. Nothing overlaps.
pub(super) fn find(text: &[u8], patterns: Patterns, found: &mut Vec<Match>) {
    found.clear();
    if !may_have(text, patterns) {
        return;
    }
    let mut at = 0;
    while let Some(offset) = text[at..].iter().position(|&byte| SIGNS[usize::from(byte)]) {
        at += offset;
        at = match text[at] {
            b'@' => email::find(text, at, patterns, found),
            b'b' | b'B' => token::find(text, at, patterns, found),
            _ => numbers::find(text, at, patterns, found),
        };
    }
}

/// Whether a number or a word that starts here is only the rest of another one.
fn is_inside(text: &[u8], start: usize) -> bool {
    match &text[..start] {
        [.., digit, b'.'] => digit.is_ascii_digit(),
        [.., byte] => byte.is_ascii_alphanumeric(),
        [] => false,
    }
}

/// Whether a number that ends here goes on as another one, or as a word.
fn goes_on(text: &[u8], end: usize) -> bool {
    match &text[end..] {
        [b'.', digit, ..] => digit.is_ascii_digit(),
        [byte, ..] => byte.is_ascii_alphanumeric(),
        [] => false,
    }
}
