//! A field of a JSON text, found in one pass and without a tree of it.

use std::borrow::Cow;

use crate::json::{self, LEVELS_MAX, Reader};

/// The text, number or flag that `pointer` (RFC 6901) leads to in `json`, as text; of a name that is there twice the last one counts.
pub(crate) fn find(json: &[u8], pointer: &str) -> Option<String> {
    let mut reader = Reader::new(json, LEVELS_MAX).ok()?;
    let found = reader.find(pointer.split('/').skip(1).map(key)).ok()?;
    reader.end().ok()?;
    shown(found?)
}

/// What a part of a pointer means.
fn key(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        token.replace("~1", "/").replace("~0", "~").into()
    } else {
        token.into()
    }
}

/// A value as text, unless it is a map, a list or `null`. A number is written in one way, whatever way that is in JSON: it names
/// things.
fn shown(value: &str) -> Option<String> {
    match value.as_bytes().first()? {
        b'"' => json::text(value).ok().map(Cow::into_owned),
        b't' | b'f' => Some(value.to_owned()),
        b'-' | b'0'..=b'9' => {
            let number: serde_json::Number = serde_json::from_str(value).ok()?;
            Some(number.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// What a tree of the same text says.
    fn in_tree(tree: &Value, pointer: &str) -> Option<String> {
        match tree.pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn check(json: &str, pointer: &str, expected: Option<&str>) {
        let found = find(json.as_bytes(), pointer);
        assert_eq!(found.as_deref(), expected, "{json} {pointer}");
        let tree = serde_json::from_str(json).unwrap_or_default();
        assert_eq!(found, in_tree(&tree, pointer), "{json} {pointer}");
    }

    #[test]
    fn a_pointer_leads_to_a_text_a_number_or_a_flag() {
        let json = r#"{"a":"x\ny","n":-7,"f":1.50,"ok":true,"z":null,"deep":[{"名/~":"日志"},[2]],"a b":{}}"#;
        check(json, "/a", Some("x\ny"));
        check(json, "/n", Some("-7"));
        check(json, "/f", Some("1.5"));
        check(json, "/ok", Some("true"));
        check(json, "/deep/0/名~1~0", Some("日志"));
        check(json, "/deep/1/0", Some("2"));
        for nothing in [
            "", "/z", "/deep", "/deep/00", "/deep/2", "/deep/-", "/a/0", "/a b", "/b",
        ] {
            check(json, nothing, None);
        }
        check(r#"{"a":1,"a":2}"#, "/a", Some("2"));
        check(r#"{"a":{"b":1},"a":2}"#, "/a/b", None);
    }

    #[test]
    fn what_is_no_json_has_no_field() {
        for broken in [
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            r#"{"a":1,}"#,
            "no JSON",
        ] {
            check(broken, "/a", None);
        }
        assert_eq!(find(b"{\"a\":1,\"b\":\"\xff\"}", "/a"), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            2 => any::<i64>().prop_map(Value::from),
            2 => any::<f64>().prop_map(Value::from),
            4 => r#"[\[\]{},:"a0-9 \\日]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let members = proptest::collection::vec(("[a0~/]{0,2}", inner.clone()), 1..5);
            prop_oneof![
                1 => proptest::collection::vec(inner, 1..5).prop_map(Value::from),
                3 => members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// A pointer to one of the leaves of `value`: which one `choices` say.
    fn to_leaf(value: &Value, choices: &[prop::sample::Index]) -> String {
        let [choice, rest @ ..] = choices else {
            return String::new();
        };
        match value {
            Value::Object(members) if !members.is_empty() => {
                let (name, value) = members.iter().nth(choice.index(members.len())).unwrap();
                let token = name.replace('~', "~0").replace('/', "~1");
                format!("/{token}{}", to_leaf(value, rest))
            }
            Value::Array(items) if !items.is_empty() => {
                let index = choice.index(items.len());
                format!("/{index}{}", to_leaf(&items[index], rest))
            }
            _ => String::new(),
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_tree_has(tree in any_json(), choices in any::<[prop::sample::Index; 6]>(), elsewhere in "(/[a0~1]{0,2}){0,3}") {
            let json = tree.to_string();
            // Its last digit may be another one when a double is read again.
            let tree = serde_json::from_str(&json).unwrap();
            let leaf = to_leaf(&tree, &choices);
            let expected = in_tree(&tree, &leaf);
            prop_assert_eq!(expected.is_none(), tree.pointer(&leaf).unwrap().is_null());
            prop_assert_eq!(find(json.as_bytes(), &leaf), expected);
            prop_assert_eq!(find(json.as_bytes(), &elsewhere), in_tree(&tree, &elsewhere));
        }
    }
}
