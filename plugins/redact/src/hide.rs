//! What stands in for what is hidden: it needs no escape in a JSON string, whatever was there before.

use std::fmt;

use hmac::{Hmac, Mac};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;

use super::patterns::{Pattern, Patterns};

/// What becomes of what is hidden.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Method {
    /// Stars take the place of a field, and of most of what a pattern finds.
    #[default]
    Mask,
    /// `hmac:` and 32 hexadecimal digits take its place: the same for the same text and key.
    Hash,
    /// It goes: a field as a member or an element, what a pattern finds out of its string.
    Remove,
}

/// What masks a whole field.
pub(super) const STARS: &[u8] = b"***";

/// How many bytes of a hash are shown.
const HASH_BYTES: usize = 16;

/// How many of the last digits a mask leaves.
const SHOWN_DIGITS: usize = 4;

/// Writes what stands in for what is hidden.
pub(super) struct Hide {
    /// None where nothing is hashed.
    mac: Option<Hmac<Sha256>>,
}

impl fmt::Debug for Hide {
    /// Leaves out what was made of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hide").finish_non_exhaustive()
    }
}

impl Hide {
    /// With the key for hashes.
    pub(super) fn new(key: Option<&str>) -> Self {
        let mac = |key: &str| {
            Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length")
        };
        Self { mac: key.map(mac) }
    }

    /// Writes what stands in for `text`, which is one of `pattern`.
    pub(super) fn found(
        &self,
        patterns: Patterns,
        pattern: Pattern,
        text: &[u8],
        out: &mut Vec<u8>,
    ) {
        match patterns.method(pattern) {
            Method::Mask => mask(pattern, text, out),
            Method::Hash => self.hash(&canonical(pattern, text), out),
            Method::Remove => {}
        }
    }

    /// Writes the hash of `text`.
    pub(super) fn hash(&self, text: &[u8], out: &mut Vec<u8>) {
        let mut mac = self.mac.clone().expect("settings with a hash have a key");
        mac.update(text);
        out.extend_from_slice(b"hmac:");
        for byte in &mac.finalize().into_bytes()[..HASH_BYTES] {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn mask(pattern: Pattern, text: &[u8], out: &mut Vec<u8>) {
    match pattern {
        // Of a phone number four digits are hidden: 138****5678.
        Pattern::Phone => mask_digits(text, 2 * SHOWN_DIGITS, out),
        Pattern::IdCard | Pattern::BankCard => mask_digits(text, usize::MAX, out),
        Pattern::Email => {
            let domain = text.iter().position(|&byte| byte == b'@');
            out.extend(text.first());
            out.extend_from_slice(STARS);
            out.extend_from_slice(&text[domain.unwrap_or(text.len())..]);
        }
        Pattern::BearerToken => out.extend_from_slice(STARS),
    }
}

/// Of the last `reach` digits all but the very last ones become stars. An X counts as a digit.
fn mask_digits(text: &[u8], reach: usize, out: &mut Vec<u8>) {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric();
    let mut left = text.iter().filter(|byte| is_digit(byte)).count();
    for &byte in text {
        let hidden = is_digit(&byte) && left > SHOWN_DIGITS && left <= reach;
        out.push(if hidden { b'*' } else { byte });
        left -= usize::from(is_digit(&byte));
    }
}

/// The same text for all ways to write the same thing.
pub(super) fn canonical(pattern: Pattern, text: &[u8]) -> Vec<u8> {
    match pattern {
        Pattern::Phone => {
            let digits: Vec<u8> = digits(text).collect();
            // A Chinese mobile number is the same with its country code and without.
            match digits.as_slice() {
                [b'8', b'6', number @ ..] | [b'0', b'0', b'8', b'6', number @ ..]
                    if number.len() == 11 && number[0] == b'1' =>
                {
                    number.to_vec()
                }
                _ => digits,
            }
        }
        Pattern::BankCard => digits(text).collect(),
        Pattern::IdCard => text.to_ascii_uppercase(),
        Pattern::Email => text.to_ascii_lowercase(),
        Pattern::BearerToken => text.to_vec(),
    }
}

fn digits(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().copied().filter(u8::is_ascii_digit)
}
