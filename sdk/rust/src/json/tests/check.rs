//! The check refuses what serde_json refuses, and nothing else.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::oracle;
use super::{index, text};

fn check(bytes: &[u8]) {
    check_after(bytes, bytes);
}

/// The same with a view that has read `before`, whose keys it remembers.
fn check_after(before: &[u8], bytes: &[u8]) {
    oracle::view::check(before, bytes, &[]);
}

/// Valid ones and others.
const TEXTS: &[&[u8]] = &[
    b"",
    b" ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{}",
    b"[]",
    b"{]",
    b"[}",
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"{\"a\":1,}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{a:1}",
    b"{1:1}",
    b"{\"a\":1 \"b\":2}",
    b"{,}",
    b"{} {}",
    b"{}\0",
    b"\xef\xbb\xbf{}",
    b"null",
    b"nul",
    b"nulls",
    b"True",
    b"tru\xe9",
    b"\"",
    b"\"a",
    b"\"\\\"",
    b"\"\\",
    b"\"\\u",
    b"\"\\u12\"",
    b"\"\\u12g4\"",
    b"\"\\uD800\"",
    b"\"\\uDC00\"",
    b"\"\\ud800\\u0041\"",
    b"\"\\ud83d\\ude00\"",
    b"\"\\ud83d\\\"",
    b"\"\\x41\"",
    b"\"\x1f\"",
    b"\"\x7f\"",
    b"\"\xff\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xc3\"",
    b"\xc3\xa9",
    b"0",
    b"00",
    b"-",
    b"-0",
    b"+1",
    b"1.",
    b".1",
    b"1e",
    b"1e+",
    b"1e308",
    b"1e309",
    b"-1e999",
    b"0e999999999999",
    b"1e-999999999999",
];

#[test]
fn the_check_agrees_with_serde_json_on_chosen_texts() {
    let long = "9".repeat(400);
    for text in TEXTS.iter().copied().chain([long.as_bytes()]) {
        check(text);
        check(&[&b"{\"key\":"[..], text, b"}"].concat());
        check(&[&b"[[\"a long enough string\", "[..], text, b" ]\n]\n"].concat());
        check(&[&b"{\""[..], text, b"\":1}"].concat());
    }
}

#[test]
fn the_check_draws_the_line_of_nesting_where_serde_json_does() {
    for depth in [1, 63, 64, 65, 126, 127, 128, 129, 10_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            for inner in ["0", "[]", "{}", "[[]]", "]"] {
                check(format!("{open}{inner}{close}").as_bytes());
                check(format!("{{\"a\":0,\"b\":{open}{inner}{close} , \"c\":0}}").as_bytes());
            }
        }
    }
}

/// Bytes that mean something in JSON, and some that must not be there.
const BYTES: &[u8] =
    b"{}[]\",:\\/ \t\n\r\x00\x1ftrufalsen01239-+.eEdDbBcC8\x80\xc3\xa9\xff\xed\xa0";

proptest! {
    #[test]
    fn the_check_takes_all_valid_texts(text in text()) {
        prop_assert!(index(text.as_bytes()).fault(text.as_bytes()).is_none());
        check(text.as_bytes());
    }

    #[test]
    fn the_check_agrees_with_serde_json_on_damaged_texts(
        text in text(),
        damage in vec((any::<prop::sample::Index>(), 0..3, prop::sample::select(BYTES)), 1..3),
    ) {
        let mut bytes = text.clone().into_bytes();
        for (place, kind, byte) in damage {
            let place = place.index(bytes.len().max(1)).min(bytes.len());
            match kind {
                0 => bytes.insert(place, byte),
                1 if place < bytes.len() => bytes[place] = byte,
                _ if place < bytes.len() => drop(bytes.remove(place)),
                _ => {}
            }
        }
        check_after(text.as_bytes(), &bytes);
        check_after(&bytes, text.as_bytes());
    }

    #[test]
    fn the_check_agrees_with_serde_json_on_noise(
        bytes in vec(prop::sample::select(BYTES), 0..12),
        inside in prop::sample::select(&[("", ""), ("\"", "\""), ("{\"a\":", "}"), ("[1", "]")][..]),
    ) {
        check(&[inside.0.as_bytes(), &bytes, inside.1.as_bytes()].concat());
    }

    #[test]
    fn the_check_agrees_with_serde_json_on_escapes(
        pieces in vec(prop::sample::select(&[
            "\\u", "\\ud83d", "\\ude00", "\\uDBFF", "\\uDFFF", "\\uE000", "\\\\", "\\\"", "\\", "0041", "a", "\\/", "\\a",
        ][..]), 0..6),
    ) {
        check(format!("\"{}\"", pieces.concat()).as_bytes());
    }

    #[test]
    fn the_check_agrees_with_serde_json_on_numbers(
        number in "-?(0|[1-9][0-9]{0,320})?(\\.[0-9]{0,20})?([eE][+-]?[0-9]{0,4})?",
    ) {
        check(number.as_bytes());
    }
}
