//! Bytes of records for a person.

use tamis_connect::dead_folder::letter::Content;

use crate::dead;

/// `content` in one line that does nothing to a terminal.
pub(super) fn plain(Content(bytes): &Content) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&dead::plain(chunk.valid()));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_comes_through_and_does_nothing_to_a_terminal() {
        let check = |bytes: &[u8], json: &str, expected: &str| {
            let content = Content(bytes.to_vec());
            assert_eq!(serde_json::to_string(&content).unwrap(), json);
            let back: Content = serde_json::from_str(json).unwrap();
            assert_eq!((&back.0[..], &*plain(&back)), (bytes, expected));
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
        let broken = serde_json::from_str::<Content>(r#"{"base64":"?"}"#);
        assert!(broken.is_err(), "{broken:?}");
    }
}
