//! A JSON object taken apart at its top, each member as it stands: numbers keep their digits, and nothing is copied that needs
//! no copy.

use std::borrow::Cow;

use crate::json::{LEVELS_MAX, Reader};

/// The members of an object, each value as it stands.
#[derive(Debug)]
pub(super) struct Members<'a> {
    /// The last one of each key that was asked for.
    pub(super) asked: Vec<Option<&'a str>>,
    /// All others, in order.
    pub(super) others: Vec<(Cow<'a, str>, &'a str)>,
}

/// Takes `value` apart: members of the `keys`, and the others if `with_others`.
///
/// # Errors
/// Where it is not JSON, or no object.
pub(super) fn members<'a>(
    value: &'a [u8],
    keys: &[String],
    with_others: bool,
) -> Result<Members<'a>, String> {
    let mut reader = Reader::new(value, LEVELS_MAX)?;
    let mut members = Members {
        asked: vec![None; keys.len()],
        others: Vec::new(),
    };
    if reader.peek() != Some(b'{') {
        reader.value()?;
        reader.end()?;
        return Err("expected a JSON object, found another value".to_owned());
    }
    let mut more = reader.open(b'}')?;
    while more {
        let key = reader.name()?;
        let value = reader.value()?;
        match keys.iter().position(|asked| *asked == key) {
            Some(index) => members.asked[index] = Some(value),
            None if with_others => members.others.push((key, value)),
            None => {}
        }
        more = reader.more(b'}')?;
    }
    reader.end()?;
    Ok(members)
}

/// What `keys` lead to in `value`, which was cut out as it stands.
///
/// # Errors
/// Where the name of a member has half of a character in it.
pub(super) fn find<'a>(value: &'a str, keys: &[String]) -> Result<Option<&'a str>, String> {
    let keys = keys.iter().map(|key| Cow::Borrowed(&**key));
    Reader::of(value).find(keys)
}

/// The object that these members are.
pub(super) fn object(members: &[(Cow<'_, str>, &str)]) -> String {
    let mut text = String::from("{");
    for (key, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text += &serde_json::Value::from(&**key).to_string();
        text.push(':');
        text += value;
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json::tests::any_json;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let value =
            br#" {"a" : 1.50, "b":{"x": [1, 2]},"\u0061":12345678901234567890123, "c":null} "#;
        let found = members(value, &keys(&["a", "b", "d"]), true).unwrap();
        let asked = found.asked;
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
    fn an_object_is_written_with_the_escapes_that_its_keys_need() {
        let value = br#"{"a\"\u0000\\":"\u65e5"}"#;
        let found = members(value, &[], true).unwrap();
        assert_eq!(object(&found.others), r#"{"a\"\u0000\\":"\u65e5"}"#);
    }

    proptest! {
        #[test]
        fn members_are_those_that_serde_json_finds(value in any_json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            for text in [value.to_string(), pretty] {
                // The last digit of a double may be another one when it is read.
                let value: Value = serde_json::from_str(&text).unwrap();
                let found = members(text.as_bytes(), &[], true);
                let Value::Object(expected) = &value else {
                    prop_assert!(found.is_err());
                    continue;
                };
                let others = found.unwrap().others;
                prop_assert_eq!(others.len(), expected.len());
                for (key, raw) in others {
                    let parsed: Value = serde_json::from_str(raw).unwrap();
                    prop_assert_eq!(&parsed, &expected[&*key]);
                }
            }
        }
    }
}
