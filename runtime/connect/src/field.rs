//! A field of a JSON text, found in one pass and without a tree of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The text, number or flag that `pointer` (RFC 6901) leads to in `json`, as text; of a name that is there twice the last one counts.
pub(crate) fn find(json: &[u8], pointer: &str) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let found = Seek(pointer).deserialize(&mut json).ok()?;
    json.end().ok()?;
    found
}

/// Reads a value whole, and keeps what the rest of a pointer leads to.
#[derive(Clone, Copy)]
struct Seek<'a>(&'a str);

impl<'a> Seek<'a> {
    /// One who reads the members of a value: the name of the one that is kept, and how to go on in it.
    fn next(self) -> Option<(Cow<'a, str>, Self)> {
        let path = self.0.strip_prefix('/')?;
        let (token, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        let name = if token.contains('~') {
            token.replace("~1", "/").replace("~0", "~").into()
        } else {
            token.into()
        };
        Some((name, Self(rest)))
    }

    fn here(self, text: impl ToString) -> Option<String> {
        self.0.is_empty().then(|| text.to_string())
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.here(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.here(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.here(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        // As JSON is written: 1e300 has no 300 digits.
        Ok(serde_json::Number::from_f64(value).and_then(|number| self.here(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.here(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let Some((name, rest)) = self.next() else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        while let Some(is_meant) = map.next_key_seed(Key(&name))? {
            if is_meant {
                found = map.next_value_seed(rest)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some((name, rest)) = self.next()
            && let Some(index) = index(&name)
        {
            for _ in 0..index {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = seq.next_element_seed(rest)?.flatten();
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

/// An index of a list: digits, and no zero in front of others.
fn index(token: &str) -> Option<usize> {
    let is_written_so = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| is_written_so)
}

/// Whether a name is this one.
struct Key<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// What a tree of the same text says.
    fn in_tree(json: &[u8], pointer: &str) -> Option<String> {
        let tree: Value = serde_json::from_slice(json).ok()?;
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
        assert_eq!(found, in_tree(json.as_bytes(), pointer), "{json} {pointer}");
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
    }

    proptest! {
        #[test]
        fn it_finds_what_a_tree_has(
            text in r#"[\[\]{},:"a0-9 .e\\-]{0,24}"#,
            pointer in r"(/[a0-9]{0,2}){0,3}",
        ) {
            let json = format!(r#"{{"a":[{text}],"0":{{"a":{text}}}}}"#);
            for json in [text.as_bytes(), json.as_bytes()] {
                prop_assert_eq!(find(json, &pointer), in_tree(json, &pointer));
            }
        }
    }
}
