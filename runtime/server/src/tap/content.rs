//! Bytes of records in JSON, and for a person.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::dead::plain;

/// Bytes: as text where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    Text(String),
    Base64(String),
}

impl From<Vec<u8>> for Content {
    /// The last character may be one that was cut.
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(STANDARD.encode(error.as_bytes())),
        }
    }
}

impl Content {
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            // What is none came from another version.
            Self::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
        }
    }

    /// In one line that does nothing to a terminal.
    pub(super) fn plain(&self) -> String {
        let bytes = self.bytes();
        let mut shown = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            shown.push_str(&plain(chunk.valid()));
            for byte in chunk.invalid() {
                shown.push_str(&format!("\\x{byte:02x}"));
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_comes_through_and_does_nothing_to_a_terminal() {
        let check = |bytes: &[u8], json: &str, expected: &str| {
            let content = Content::from(bytes.to_vec());
            assert_eq!(serde_json::to_string(&content).unwrap(), json);
            let back: Content = serde_json::from_str(json).unwrap();
            assert_eq!((back.bytes(), &*back.plain()), (bytes.to_vec(), expected));
        };
        check(
            "日志\x1b[31m".as_bytes(),
            r#"{"text":"日志\u001b[31m"}"#,
            "日志\\u{1b}[31m",
        );
        check(
            "abc\u{202e}".as_bytes(),
            "{\"text\":\"abc\u{202e}\"}",
            "abc\\u{202e}",
        );
        check(b"a\xff\xfeb", r#"{"base64":"Yf/+Yg=="}"#, "a\\xff\\xfeb");
        check(b"", r#"{"text":""}"#, "");
        let broken: Content = serde_json::from_str(r#"{"base64":"?"}"#).unwrap();
        assert_eq!(broken.plain(), "");
    }
}
