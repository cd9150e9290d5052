//! The view finds in valid JSON what serde_json finds, and survives everything else.

use proptest::prelude::*;

use super::super::{Json, oracle};
use super::{KEYS, index, text};

fn check_all(bytes: &[u8]) {
    let mut pointers = oracle::view::guesses(bytes);
    for (_, first) in KEYS {
        pointers.push(first.to_owned());
        for (_, second) in KEYS {
            pointers.push(format!("{first}{second}"));
            pointers.push(format!("/a{first}{second}"));
        }
    }
    pointers.extend(["/~2", "/~01", "/a/1"].map(str::to_owned));
    oracle::view::check(bytes, bytes, &pointers);
}

#[test]
fn the_view_finds_what_serde_json_finds_in_chosen_texts() {
    for text in [
        r#"{"a":1,"a":{"b":2},"a":3}"#,
        r#"{"\u0061":1,"b":{"a":[0,[1,{"a":"x"}]]}}"#,
        r#"{"~2":1,"~":2,"~1":3,"-":4,"00":5,"+0":6,"":{"":7}}"#,
        r#"[[0,1],{"a":2},"3"]"#,
        "\"text\"",
        " 12 ",
        "null",
        "{}",
        "[]",
    ] {
        check_all(text.as_bytes());
    }
}

#[test]
fn nesting_costs_no_stack() {
    for (open, close) in [("[", "]"), ("{\"b\":", "}"), ("[{\"b\":", "}]")] {
        let depth = 10_000;
        let text = format!(
            "{{\"b\":{}0{},\"a\":\"x\"}}",
            open.repeat(depth),
            close.repeat(depth)
        );
        let index = index(text.as_bytes());
        let json = Json::new(text.as_bytes(), &index);
        assert_eq!(json.str("/a").as_deref(), Some("x"));
        assert!(json.get("/b".repeat(depth)).is_some() || open.starts_with('['));
    }
    let unclosed = "[".repeat(10_000);
    check_all(unclosed.as_bytes());
}

#[test]
fn a_bad_string_hides_no_other_member() {
    for bad in [
        &b"\"\t\""[..],
        b"\"\xff\"",
        br#""\ud800""#,
        br#""\q""#,
        br#""\u12""#,
        b"1e999",
    ] {
        let bytes = [&b"{\"bad\":"[..], bad, b",\"a\":\"x\"}"].concat();
        let index = index(&bytes);
        assert!(index.fault(&bytes).is_some());
        assert_eq!(Json::new(&bytes, &index).str("/a").as_deref(), Some("x"));
    }
}

proptest! {
    #[test]
    fn the_view_finds_what_serde_json_finds(text in text()) {
        check_all(text.as_bytes());
    }

    #[test]
    fn the_view_survives_broken_texts(text in text(), cut in any::<prop::sample::Index>()) {
        let bytes = text.as_bytes();
        check_all(&bytes[..cut.index(bytes.len() + 1)]);
        check_all(&bytes[cut.index(bytes.len() + 1)..]);
    }
}
