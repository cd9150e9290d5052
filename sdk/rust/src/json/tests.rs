//! The view, the check and the edits beside serde_json.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Index, oracle};

mod check;
mod edit;
mod view;

/// Keys as they are written in a text, some of them in two ways, and the pointers to them.
const KEYS: [(&str, &str); 9] = [
    ("a", "/a"),
    ("\\u0061", "/a"),
    ("b", "/b"),
    ("", "/"),
    ("0", "/0"),
    ("x/y", "/x~1y"),
    ("x\\/y~", "/x~1y~0"),
    ("级别", "/级别"),
    ("\\ud83d\\ude00\\n", "/😀\n"),
];

const LEAVES: [&str; 26] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "7",
    "-7",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "1.5e300",
    "-2E-7",
    "0.1",
    "1e+2",
    "\"\"",
    "\"info\"",
    "\"a long enough string to be scanned in words of eight bytes\"",
    "\"请求超时\"",
    "\"\\u8bf7 \\ud83d\\ude00 \\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"}],:{[\"",
    "\"\\\\\"",
    "\"\\\\\\\"\"",
    "[]",
    "{}",
];

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\r\n\t ")]
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&KEYS[..]).prop_map(|(key, _)| key)
}

/// An object with these values in it, as it may be written.
fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (space(), key(), space(), space(), value, space())
        .prop_map(|(a, key, b, c, value, d)| format!("{a}\"{key}\"{b}:{c}{value}{d}"));
    (space(), vec(member, 0..6)).prop_map(|(inner, members)| match members.as_slice() {
        [] => format!("{{{inner}}}"),
        members => format!("{{{}}}", members.join(",")),
    })
}

fn array(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let element = (space(), value, space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
    vec(element, 0..4).prop_map(|elements| format!("[{}]", elements.join(",")))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&LEAVES[..]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![array(inner.clone()), object(inner)]
    })
}

/// A valid text, mostly an object.
fn text() -> impl Strategy<Value = String> {
    let whole = prop_oneof![8 => object(value()).boxed(), 1 => value().boxed()];
    (space(), whole, space()).prop_map(|(a, whole, b)| format!("{a}{whole}{b}"))
}

/// What the view knows of `bytes`: the same whatever it has read before.
fn index(bytes: &[u8]) -> Index {
    oracle::index_after(bytes, bytes)
}

#[test]
fn the_view_does_what_it_must_on_the_seeds_and_what_comes_of_them() {
    tamis_fuzz_short::run("view", 5_000, oracle::view);
}

#[test]
fn edits_do_what_they_must_on_the_seeds_and_what_comes_of_them() {
    tamis_fuzz_short::run("splice", 5_000, oracle::splice);
}
