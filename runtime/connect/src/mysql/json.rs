//! A JSON object taken apart at its top, each member as it stands: numbers keep their digits, and nothing is copied that needs
//! no copy.
//!
//! serde_json says whether a value is JSON; what it said that of is then cut into slices.

use std::borrow::Cow;

use serde::de::IgnoredAny;

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
    let text = str::from_utf8(value).map_err(|error| error.to_string())?;
    let _is_json: IgnoredAny = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut slices = Slices::of(text);
    if slices.first() != Some(b'{') {
        return Err("expected a JSON object, found another value".to_owned());
    }
    let mut members = Members {
        asked: vec![None; keys.len()],
        others: Vec::new(),
    };
    while let Some(key) = slices.next() {
        let value = slices.next().ok_or("a member has no value")?;
        let key = self::text(key)?;
        match keys.iter().position(|asked| *asked == key) {
            Some(index) => members.asked[index] = Some(value),
            None if with_others => members.others.push((key, value)),
            None => {}
        }
    }
    Ok(members)
}

/// What `keys` lead to in `value`, which is JSON, as a JSON pointer does.
pub(super) fn find<'a>(mut value: &'a str, keys: &[String]) -> Option<&'a str> {
    for key in keys {
        let mut slices = Slices::of(value);
        value = match slices.first() {
            Some(b'{') => {
                let mut found = None;
                while let Some(name) = slices.next() {
                    let member = slices.next()?;
                    if text(name).ok()? == **key {
                        found = Some(member);
                    }
                }
                found?
            }
            Some(b'[') => {
                let is_index = key == "0" || !key.starts_with(['0', '+']);
                let index = key.parse::<usize>().ok().filter(|_| is_index)?;
                slices.nth(index)?
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
pub(super) fn text(value: &str) -> Result<Cow<'_, str>, String> {
    match value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => {
            let text = serde_json::from_str(value).map(Cow::Owned);
            text.map_err(|error| error.to_string())
        }
        Some(inner) => Ok(Cow::Borrowed(inner)),
        None => Ok(Cow::Borrowed(value)),
    }
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

/// The items of a list, or keys and values of an object by turns, each as it stands. What it is cut from must be JSON.
struct Slices<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Slices<'a> {
    /// Those of `text`.
    fn of(text: &'a str) -> Self {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        Self { text, at: 1 }
    }

    /// The first byte, which says what it is.
    fn first(&self) -> Option<u8> {
        self.text.as_bytes().first().copied()
    }
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let is_between = |byte: &u8| b" \t\r\n,:".contains(byte);
        self.at += bytes
            .get(self.at..)?
            .iter()
            .take_while(|it| is_between(it))
            .count();
        let start = self.at;
        self.at = match bytes.get(start)? {
            b'"' => string_end(bytes, start),
            b'{' | b'[' => nested_end(bytes, start),
            b'}' | b']' => return None,
            _ => {
                let is_inside = |byte: &u8| !is_between(byte) && !b"}]".contains(byte);
                start + bytes[start..].iter().take_while(|it| is_inside(it)).count()
            }
        };
        self.text.get(start..self.at)
    }
}

/// Where the string that begins at `start` has ended.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where the object or list that begins at `start` has ended.
fn nested_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

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
    fn keys_lead_into_objects_and_lists() {
        let value = r#"{"a":{"b":[10,{"c~/":true}]},"1":2,"a2":"x"}"#;
        let check = |path: &[&str], expected: Option<&str>| {
            assert_eq!(find(value, &keys(path)), expected, "{path:?}");
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

    /// Any JSON, with keys and strings that look like its marks.
    fn json() -> impl Strategy<Value = Value> {
        let text = || proptest::string::string_regex("[\\[\\]{}:,\"\\\\ a日\n]{0,6}").unwrap();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((text(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_that_serde_json_finds(value in json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            for text in [value.to_string(), pretty] {
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
                    prop_assert_eq!(find(&text, &[key.into_owned()]), Some(raw));
                }
            }
        }
    }
}
