//! The reader beside serde_json.

use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn keys(path: &[String]) -> impl Iterator<Item = Cow<'_, str>> + Clone {
    path.iter().map(|key| Cow::Borrowed(&**key))
}

fn read(value: &[u8]) -> Result<&str, String> {
    let mut reader = Reader::new(value, LEVELS_MAX)?;
    let whole = reader.value()?;
    reader.end()?;
    Ok(whole)
}

#[test]
fn a_value_is_cut_out_as_it_stands() {
    let value =
        br#" {"a" : 1.50, "b":{"x": [1, 2]},"\u0061":12345678901234567890123, "c":"\ud800"} "#;
    assert_eq!(read(value).unwrap().as_bytes(), value.trim_ascii());
    let find = |path: &[&str]| {
        let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
        Reader::new(value, LEVELS_MAX)
            .unwrap()
            .find(keys(&path))
            .unwrap()
    };
    assert_eq!(
        find(&["a"]),
        Some("12345678901234567890123"),
        "the last of two"
    );
    assert_eq!(find(&["b"]), Some(r#"{"x": [1, 2]}"#));
    assert_eq!(find(&["b", "x", "1"]), Some("2"));
    assert_eq!(find(&["c"]), Some(r#""\ud800""#));
    for nothing in [
        &["b", "x", "01"][..],
        &["b", "x", "2"],
        &["b", "x", "-"],
        &["a", "0"],
        &["d"],
    ] {
        assert_eq!(find(nothing), None, "{nothing:?}");
    }
}

#[test]
fn what_a_text_says_has_no_escapes_and_no_half_of_a_character() {
    let check = |value: &str, expected: Option<&str>| {
        assert_eq!(text(value).ok().as_deref(), expected, "{value}");
    };
    check(r#""日志 \u65e5\n\ud83d\ude00\/""#, Some("日志 日\n😀/"));
    check(r#""""#, Some(""));
    check("1.50", Some("1.50"));
    check(r#"{"a":"\n"}"#, Some(r#"{"a":"\n"}"#));
    for half in [
        r#""\ud83d""#,
        r#""\ude00\ud83d""#,
        r#""\ud83d\ud83d\ude00""#,
        r#""\ud83dx""#,
    ] {
        check(half, None);
        assert_eq!(read(half.as_bytes()), Ok(half), "it is JSON all the same");
    }
}

#[test]
fn levels_are_counted_as_serde_json_does() {
    for levels in [1, 100, 127, 128, 1_000_000] {
        let lists = "[".repeat(levels) + &"]".repeat(levels);
        let maps = "{\"a\":".repeat(levels - 1) + "{}" + &"}".repeat(levels - 1);
        for value in [lists, maps] {
            let of_serde = serde_json::from_str::<Value>(&value).is_ok();
            assert_eq!(read(value.as_bytes()).is_ok(), of_serde, "{levels}");
        }
    }
}

/// Any JSON, with keys and texts that look like its marks.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let text = || {
        let marks = r#"[\[\]{}:,"\\ a日\n\x00]{0,6}"#;
        prop_oneof![marks.prop_map(String::from), any::<String>()]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON, JSON of which some bytes are others, are there twice or are missing, and bytes that look like it.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let whole = || any_json().prop_map(|value| value.to_string().into_bytes());
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(&br#"{}[]",:\0-.eE u"#[..])
    ];
    let mutated = (whole(), any::<Index>(), any::<Index>(), byte, 0..4).prop_map(
        |(mut bytes, at, other, byte, how)| {
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes.truncate(at),
                _ => bytes.swap(at, other),
            }
            bytes
        },
    );
    prop_oneof![
        whole(),
        any_json().prop_map(|value| format!(" {value:#}\r\n").into_bytes()),
        mutated,
        proptest::collection::vec(any::<u8>(), 0..16),
        r#"[ \n{}\[\]",:\\u0-9eE+.truefalsn-]{0,24}"#.prop_map(String::into_bytes),
        r"\[[-+0-9.eE]{1,12}\]".prop_map(String::into_bytes),
        r#""(\\u[dD][89a-fA-F0-9]{3}|\\[a-z"/\\]|x){0,4}""#.prop_map(String::into_bytes),
    ]
}

/// Each path that leads to something in `value`.
fn paths(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    found.push(path.clone());
    let mut at = |key: String, value: &Value| {
        path.push(key);
        paths(value, path, found);
        path.pop();
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, value)| at(key.clone(), value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| at(index.to_string(), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest! {
    #[test]
    fn it_takes_what_serde_json_takes(bytes in near_json()) {
        let of_serde = std::str::from_utf8(&bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        let taken = read(&bytes);
        prop_assert_eq!(taken.is_ok(), of_serde, "{:?}", taken);
        if let Ok(whole) = taken {
            prop_assert_eq!(whole.as_bytes(), bytes.trim_ascii());
        }
    }

    #[test]
    fn a_text_says_what_it_says_to_serde_json(bytes in r#""(\\u[dD][89a-fA-F0-9]{3}|\\u00[0-9a-f]{2}|\\[bfnrt"/\\]|x|日){0,5}""#) {
        let of_serde = serde_json::from_str::<String>(&bytes).ok();
        prop_assert_eq!(text(&bytes).ok().map(Cow::into_owned), of_serde);
    }

    #[test]
    fn keys_lead_to_what_a_tree_has_there(value in any_json()) {
        for json in [value.to_string(), format!("{value:#}")] {
            // Not what it was made of: serde_json may read another last digit of a double than it wrote.
            let value: Value = serde_json::from_str(&json).unwrap();
            let mut all = Vec::new();
            paths(&value, &mut Vec::new(), &mut all);
            for path in &all {
                let expected = path.iter().try_fold(&value, |value, key| match value {
                    Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                    other => other.get(key),
                });
                let found = Reader::of(&json).find(keys(path)).unwrap();
                let found = found.map(|found| serde_json::from_str::<Value>(found).unwrap());
                prop_assert_eq!(found.as_ref(), expected, "{:?}", path);
                let beside = path.iter().chain([&"beside".to_owned()]).cloned().collect::<Vec<_>>();
                prop_assert_eq!(Reader::of(&json).find(keys(&beside)).unwrap(), None);
            }
        }
    }
}
