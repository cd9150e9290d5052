//! A JSON object taken apart at its top, each member as it stands: numbers keep their digits, and nothing is copied that needs
//! no copy.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object.
#[derive(Debug)]
pub(super) struct Members<'a> {
    /// The last one of each key that was asked for.
    pub(super) asked: Vec<Option<&'a RawValue>>,
    /// All others, in order.
    pub(super) others: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// Takes `value` apart: members of the `keys`, and the others if `with_others`.
///
/// # Errors
/// Where it is not JSON, or no object.
pub(super) fn members<'a>(
    value: &'a [u8],
    keys: &[String],
    with_others: bool,
) -> serde_json::Result<Members<'a>> {
    let mut deserializer = serde_json::Deserializer::from_slice(value);
    let seed = Taking { keys, with_others };
    let members = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(members)
}

struct Taking<'k> {
    keys: &'k [String],
    with_others: bool,
}

/// A key, which is copied only if it has escapes in it.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> DeserializeSeed<'a> for Taking<'_> {
    type Value = Members<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Taking<'_> {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members {
            asked: vec![None; self.keys.len()],
            others: Vec::new(),
        };
        while let Some((Key(key), value)) = map.next_entry::<Key<'a>, &'a RawValue>()? {
            match self.keys.iter().position(|asked| *asked == key) {
                Some(index) => members.asked[index] = Some(value),
                None if self.with_others => members.others.push((key, value)),
                None => {}
            }
        }
        Ok(members)
    }
}

/// What `keys` lead to in `value`, as a JSON pointer does.
pub(super) fn find<'a>(mut value: &'a RawValue, keys: &[String]) -> Option<&'a RawValue> {
    for key in keys {
        let text = value.get();
        value = match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<Key<'a>, &'a RawValue> = serde_json::from_str(text).ok()?;
                members.get(&Key(Cow::Borrowed(key))).copied()?
            }
            Some(b'[') => {
                let is_index = key == "0" || !key.starts_with(['0', '+']);
                let index = key.parse::<usize>().ok().filter(|_| is_index)?;
                let items: Vec<&'a RawValue> = serde_json::from_str(text).ok()?;
                items.get(index).copied()?
            }
            _ => return None,
        };
    }
    Some(value)
}

/// The text that `value` is if it is a string, and otherwise the value as it stands.
///
/// # Errors
/// Where it is a string that is no text: half of a surrogate pair.
pub(super) fn text(value: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    let raw = value.get();
    match raw.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => serde_json::from_str(raw).map(Cow::Owned),
        Some(inner) => Ok(Cow::Borrowed(inner)),
        None => Ok(Cow::Borrowed(raw)),
    }
}

/// The object that these members are.
pub(super) fn object(members: &[(Cow<'_, str>, &RawValue)]) -> String {
    let mut text = String::from("{");
    for (key, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text += &serde_json::Value::from(&**key).to_string();
        text.push(':');
        text += value.get();
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let value =
            br#" {"a" : 1.50, "b":{"x": [1, 2]},"\u0061":12345678901234567890123, "c":null} "#;
        let found = members(value, &keys(&["a", "b", "d"]), true).unwrap();
        let asked: Vec<_> = found.asked.iter().map(|it| it.map(RawValue::get)).collect();
        let expected = [
            Some("12345678901234567890123"),
            Some(r#"{"x": [1, 2]}"#),
            None,
        ];
        assert_eq!(asked, expected, "the last of two counts");
        assert_eq!(object(&found.others), r#"{"c":null}"#);
        let found = members(value, &keys(&["a"]), false).unwrap();
        assert_eq!(object(&found.others), "{}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for value in [
            "",
            "1",
            "[]",
            "{",
            r#"{"a":1}x"#,
            r#"{"a":01}"#,
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(members(value.as_bytes(), &[], false).is_err(), "{value}");
        }
        assert!(members(b"{\"a\":\"\xff\"}", &keys(&["a"]), false).is_err());
        let said = members(b"7", &[], false).unwrap_err().to_string();
        assert!(said.contains("expected a JSON object"), "{said}");
    }

    #[test]
    fn keys_lead_into_objects_and_lists() {
        let value = r#"{"a":{"b":[10,{"c~/":true}]},"1":2,"a2":"x"}"#;
        let value: &RawValue = serde_json::from_str(value).unwrap();
        let check = |path: &[&str], expected: Option<&str>| {
            assert_eq!(
                find(value, &keys(path)).map(RawValue::get),
                expected,
                "{path:?}"
            );
        };
        check(&["a", "b", "0"], Some("10"));
        check(&["a", "b", "1", "c~/"], Some("true"));
        check(&["1"], Some("2"));
        for path in [
            &["a", "b", "2"][..],
            &["a", "b", "01"],
            &["a", "b", "+1"],
            &["a2", "0"],
            &["x"],
        ] {
            check(path, None);
        }
    }

    #[test]
    fn strings_lose_their_escapes_and_others_stay() {
        let check = |value: &str, expected: Option<&str>| {
            let value: &RawValue = serde_json::from_str(value).unwrap();
            assert_eq!(text(value).ok().as_deref(), expected, "{value}");
        };
        check(r#""日志 \u65e5\n\ud83d\ude00""#, Some("日志 日\n😀"));
        check(r#""""#, Some(""));
        check("1.50", Some("1.50"));
        check(r#"{"a":"\n"}"#, Some(r#"{"a":"\n"}"#));
        check(r#""\ud83d""#, None);
    }

    #[test]
    fn an_object_is_written_with_the_escapes_that_its_keys_need() {
        let value = br#"{"a\"\u0000\\":"\u65e5"}"#;
        let found = members(value, &[], true).unwrap();
        assert_eq!(object(&found.others), r#"{"a\"\u0000\\":"\u65e5"}"#);
    }
}
