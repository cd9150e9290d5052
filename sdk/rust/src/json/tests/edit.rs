//! Edits show in the text as they would in a map, and leave every other byte as it was.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::oracle::splice::Edit::{self, Append, Remove, Rename, Set};
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
fn an_edit_goes_as_deep_as_its_pointer_and_makes_what_is_missing() {
    let text = r#"{ "a": { "b" : [ 1 , {"c":2} ] , "d":null }, "e":"\u0041" }"#;
    let with = |list: &str| text.replace(r#"[ 1 , {"c":2} ]"#, list);
    let check_list = |edits: &[Edit<'static>], list: &str| check(text, edits, &with(list));
    check_list(&[Set("/a/b/1/c", json!("v"))], r#"[ 1 , {"c":"v"} ]"#);
    let edits = [Set("/a/b/1/x/y", json!(3))];
    check_list(&edits, r#"[ 1 , {"c":2,"x":{"y":3}} ]"#);
    check_list(&[Set("/a/b/2", json!(3))], r#"[ 1 , {"c":2} ,3]"#);
    let edits = [Append("/a/b", json!(3)), Remove("/a/b/2")];
    check_list(&edits, r#"[ 1 , {"c":2}]"#);
    let edits = [Set("/a/b/-/k", json!(3)), Remove("/a/b/1")];
    check_list(&edits, r#"[ 1 ,{"k":3}]"#);

    let edits = [Set("/a/b/c", json!(1)), Set("/a/d", json!(2))];
    check("{}", &edits, r#"{"a":{"b":{"c":1},"d":2}}"#);
    let edits = [Append("/a/b", json!(1)), Append("/a/b", json!(2))];
    check("{}", &edits, r#"{"a":{"b":[1,2]}}"#);
    let edits = [Remove("/a"), Set("/a/c", json!(2))];
    check(r#"{"a":{"b":1}}"#, &edits, r#"{"a":{"c":2}}"#);
    let twice = r#"{"a":1,"a":{"b":1}}"#;
    check(twice, &[Remove("/a/b")], r#"{"a":1,"a":{}}"#);
}

#[test]
fn elements_take_a_comma_with_them() {
    let text = r#"{"a":[ 1 , 2 , 3 ]}"#;
    check(text, &[Remove("/a/0")], r#"{"a":[ 2 , 3 ]}"#);
    check(text, &[Remove("/a/1")], r#"{"a":[ 1 , 3 ]}"#);
    check(text, &[Remove("/a/2")], r#"{"a":[ 1 , 2 ]}"#);
    check(
        r#"{"a":[ 1 ]}"#,
        &[Remove("/a/0"), Append("/a", json!(2))],
        r#"{"a":[  2]}"#,
    );
}

#[test]
fn what_is_renamed_goes_over_as_it_is_written() {
    let text = r#"{"a": { "b" :1.50} ,"c":[2]}"#;
    check(text, &[Rename("/a", "/x")], r#"{"c":[2],"x":{ "b" :1.50}}"#);
    check(text, &[Rename("/a/b", "/c")], r#"{"a": { } ,"c":1.50}"#);
    check(text, &[Rename("/a/b", "/a")], r#"{"a": 1.50 ,"c":[2]}"#);
    check(text, &[Rename("/c/0", "/a/b/c")], text);
    check(text, &[Rename("/a", "/a/b")], text);
    check(text, &[Rename("/x", "/y"), Rename("/a", "/a")], text);
    check(
        text,
        &[Rename("/c", "/d/e~1f")],
        r#"{"a": { "b" :1.50},"d":{"e/f":[2]}}"#,
    );
}

#[test]
fn what_cannot_be_edited_stays_as_it_is() {
    let deep = "/a".repeat(128);
    for (text, pointer, expected) in [
        ("[]", "/a", EditError::NotAnObject),
        ("\"a\"", "/a", EditError::NotAnObject),
        ("", "/a", EditError::NotAnObject),
        ("{\"a\":1", "/a", EditError::NotAnObject),
        ("{\"a\":1}}", "/a", EditError::NotAnObject),
        ("{\"a\":{}}", "", EditError::NoPlace),
        ("{\"a\":{}}", "a", EditError::NoPlace),
        ("{\"a\":1}", "/a/b", EditError::NoPlace),
        ("{\"a\":[]}", "/a/1", EditError::NoPlace),
        ("{\"a\":[1]}", "/a/00", EditError::NoPlace),
        ("{\"a\":[1]}", "/a/b", EditError::NoPlace),
        ("{}", &deep, EditError::TooDeep),
    ] {
        let mut index = index(text.as_bytes());
        let mut edits = Edits::default();
        let mut json = JsonMut::new(text.as_bytes(), &mut index, &mut edits, false);
        assert_eq!(
            json.set(pointer, 1),
            Err(expected.clone()),
            "{text} {pointer}"
        );
        match json.remove(pointer) {
            Ok(there) => assert!(!there, "{text} {pointer}"),
            Err(error) => assert_eq!(error, expected, "{text} {pointer}"),
        }
        assert!(edits.is_empty());
    }
    let mut index = index(b"{\"a\":1}");
    let mut edits = Edits::default();
    let mut json = JsonMut::new(b"{\"a\":1}", &mut index, &mut edits, false);
    assert_eq!(json.append("/a", 1), Err(EditError::NoPlace));
    assert_eq!(json.rename("/a", "/a/b"), Err(EditError::NoPlace));
    assert!(edits.is_empty());
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

/// Deeper pointers are those of the top level with something behind them.
const BEHIND: [&str; 8] = ["", "", "", "/0", "/1", "/-", "/a", "/a/0"];

/// All pointers that are tried.
static POINTERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let all = KEYS
        .iter()
        .flat_map(|(_, pointer)| BEHIND.map(|behind| format!("{pointer}{behind}")));
    all.collect()
});

fn edit() -> impl Strategy<Value = Edit<'static>> {
    let pointer = || (0..POINTERS.len()).prop_map(|index| POINTERS[index].as_str());
    let value = || {
        prop::sample::select(&LEAVES[..])
            .prop_map(|leaf| serde_json::from_str(leaf).expect("valid"))
    };
    prop_oneof![
        3 => (pointer(), value()).prop_map(|(pointer, value)| Set(pointer, value)),
        1 => (pointer(), value()).prop_map(|(pointer, value)| Append(pointer, value)),
        2 => pointer().prop_map(Remove),
        1 => (pointer(), pointer()).prop_map(|(from, to)| Rename(from, to)),
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
