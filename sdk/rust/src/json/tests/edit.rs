//! Edits show in the text as they would in a map, and leave every other byte as it was.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::oracle::splice::Edit::{self, Remove, Set};
use super::super::{EditError, Edits, Fragment, JsonMut, Pointer, oracle};
use super::{KEYS, LEAVES, index, key, object, space, value};

fn edited(text: &str, edits: &[Edit<'static>]) -> String {
    oracle::splice::check(text.as_bytes(), edits).expect("an object")
}

fn check(text: &str, edits: &[Edit<'static>], expected: &str) {
    assert_eq!(edited(text, edits), expected);
}

#[test]
fn new_members_come_right_before_the_brace() {
    let edits = [Set("/k", json!("v"))];
    check("{}", &edits, r#"{"k":"v"}"#);
    check(" { } ", &edits, r#" { "k":"v"} "#);
    check(r#"{"a":1}"#, &edits, r#"{"a":1,"k":"v"}"#);
    check("{ \"a\" : 1 }\n", &edits, "{ \"a\" : 1 ,\"k\":\"v\"}\n");
    check(
        r#"{"a":1}"#,
        &[Set("/k", json!(1)), Set("/k", json!([2]))],
        r#"{"a":1,"k":[2]}"#,
    );
    check(
        "{}",
        &[Set("/x~1\"\n", json!(1)), Set("/l", json!(2))],
        r#"{"x/\"\n":1,"l":2}"#,
    );
}

#[test]
fn a_key_is_the_same_however_its_pointer_is_written() {
    let edits = [
        Set("/a~", json!(1)),
        Set("/a~0", json!(2)),
        Set("/b", json!(3)),
        Remove("/b"),
    ];
    check("{}", &edits, r#"{"a~":2}"#);
    let (mut index, mut done) = (index(b"{}"), Edits::default());
    let mut json = JsonMut::new(b"{}", &mut index, &mut done, false);
    let key = "a long key / with ~ and \"";
    json.set(Pointer::to_key(key), 1).expect("an object");
    json.set(super::super::join([key]), 2).expect("an object");
    let mut out = Vec::new();
    done.splice(b"{}", &index, &mut out);
    assert_eq!(out, br#"{"a long key / with ~ and \"":2}"#);
}

#[test]
fn a_member_keeps_its_place() {
    let edits = [Set("/a", json!("v"))];
    check(r#"{"a":1}"#, &edits, r#"{"a":"v"}"#);
    check(r#"{ "a" : [1] , "b":2}"#, &edits, r#"{ "a" : "v" , "b":2}"#);
    check(r#"{"\u0061":1,"b":2}"#, &edits, r#"{"\u0061":"v","b":2}"#);
}

#[test]
fn the_last_of_several_counts() {
    check(
        r#"{"a":1,"a":2,"b":3}"#,
        &[Set("/a", json!("v"))],
        r#"{"a":1,"a":"v","b":3}"#,
    );
    check(r#"{"a":1,"a":2,"b":3}"#, &[Remove("/a")], r#"{"b":3}"#);
    check(
        r#"{"a":1,"a":2,"b":3}"#,
        &[Remove("/a"), Set("/a", json!(4))],
        r#"{"a":4,"b":3}"#,
    );
}

#[test]
fn a_removed_member_takes_one_comma_with_it() {
    let text = r#"{ "a":1 , "b":2 , "c":3 }"#;
    check(text, &[Remove("/a")], r#"{ "b":2 , "c":3 }"#);
    check(text, &[Remove("/b")], r#"{ "a":1 , "c":3 }"#);
    check(text, &[Remove("/c")], r#"{ "a":1 , "b":2 }"#);
    check(text, &[Remove("/a"), Remove("/c")], r#"{ "b":2 }"#);
    check(text, &[Remove("/a"), Remove("/b"), Remove("/c")], "{  }");
    check(
        text,
        &[
            Remove("/a"),
            Remove("/b"),
            Remove("/c"),
            Set("/k", json!(4)),
        ],
        r#"{  "k":4}"#,
    );
    check(
        text,
        &[Remove("/k"), Set("/k", json!(4)), Remove("/k")],
        text,
    );
}

#[test]
fn what_cannot_be_edited_stays_as_it_is() {
    for (text, pointer, nested) in [
        ("[]", "/a", false),
        ("\"a\"", "/a", false),
        ("", "/a", false),
        ("{\"a\":1", "/a", false),
        ("{\"a\":1}}", "/a", false),
        ("{\"a\":{}}", "/a/b", true),
        ("{\"a\":{}}", "", true),
        ("{\"a\":{}}", "a", true),
    ] {
        let mut index = index(text.as_bytes());
        let mut edits = Edits::default();
        let mut json = JsonMut::new(text.as_bytes(), &mut index, &mut edits, false);
        let set = json.set(pointer, 1).expect_err("refused");
        let removed = json.remove(pointer).expect_err("refused");
        for error in [set, removed] {
            assert_eq!(
                matches!(error, EditError::NotTopLevel(_)),
                nested,
                "{text} {pointer}"
            );
        }
        assert!(edits.is_empty());
        assert_eq!(Pointer::new(pointer).is_top_level(), !nested);
    }
}

#[test]
fn a_fragment_is_written_once_and_set_often() {
    let fragment = Fragment::new(json!({"a": [1, "x"]})).expect("JSON");
    let mut index = index(b"{}");
    let mut edits = Edits::default();
    JsonMut::new(b"{}", &mut index, &mut edits, false)
        .set("/f", &fragment)
        .expect("an object");
    let mut out = Vec::new();
    edits.splice(b"{}", &index, &mut out);
    assert_eq!(out, br#"{"f":{"a":[1,"x"]}}"#);
}

fn edit() -> impl Strategy<Value = Edit<'static>> {
    let pointer = || prop::sample::select(&KEYS[..]).prop_map(|(_, pointer)| pointer);
    let value = prop::sample::select(&LEAVES[..])
        .prop_map(|leaf| serde_json::from_str(leaf).expect("valid"));
    prop_oneof![
        2 => (pointer(), value).prop_map(|(pointer, value)| Set(pointer, value)),
        1 => pointer().prop_map(Remove),
    ]
}

proptest! {
    #[test]
    fn edits_show_as_in_a_map(
        before in space(), text in object(value()), behind in space(), edits in vec(edit(), 0..8),
    ) {
        edited(&format!("{before}{text}{behind}"), &edits);
    }

    /// Members that no edit names are islands whose bytes are found again, in their order.
    #[test]
    fn other_bytes_stay(
        around in space(),
        members in vec((prop::option::of(key()), value(), space()), 1..8),
        edits in vec(edit(), 1..8),
    ) {
        let written = |(number, (key, value, space)): (usize, &(Option<&str>, String, &str))| {
            let other = format!("other{number}");
            format!("\"{}\"{space}:{space}{value}", key.unwrap_or(&other))
        };
        let members: Vec<_> =
            members.iter().enumerate().map(|member| (member.1.0, written(member))).collect();
        let all: Vec<_> = members.iter().map(|(_, text)| text.as_str()).collect();
        let out = edited(&format!("{around}{{{around}{}}}{around}", all.join(",")), &edits);
        let mut rest = out.as_str();
        for (_, island) in members.iter().filter(|(key, _)| key.is_none()) {
            let place = rest.find(island);
            prop_assert!(place.is_some(), "no {island:?} in {out:?} by {edits:?}");
            rest = &rest[place.unwrap_or(0) + island.len()..];
        }
        let (start, end) = (format!("{around}{{{around}"), format!("}}{around}"));
        prop_assert!(out.starts_with(&start));
        prop_assert!(out.ends_with(&end));
    }
}
