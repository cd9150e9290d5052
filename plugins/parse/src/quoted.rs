//! Texts in double quotes, with a backslash before what stands for something else.

use std::borrow::Cow;

/// What is before the quote that ends a quoted text, and what is behind that.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((&text[..at], &text[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// `raw` with the escapes of C and Go in place: `\n`, `\xe4`, `\u4e2d`. What is no UTF-8 then is replaced.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once('\\') {
        text.extend_from_slice(before.as_bytes());
        rest = escape(behind, &mut text);
    }
    text.extend_from_slice(rest.as_bytes());
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// Writes what the escape stands for whose backslash is before `text`. Gives what is behind it.
fn escape<'t>(text: &'t str, out: &mut Vec<u8>) -> &'t str {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        out.push(b'\\');
        return text;
    };
    let number = |digits: usize| {
        let digits = text.get(1..=digits)?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all_digits)
    };
    let byte = match first {
        'x' => match number(2).and_then(|number| u8::try_from(number).ok()) {
            Some(byte) => {
                out.push(byte);
                return &text[3..];
            }
            None => b'x',
        },
        'u' | 'U' => {
            let digits = if first == 'u' { 4 } else { 8 };
            if let Some(character) = number(digits).and_then(char::from_u32) {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return &text[digits + 1..];
            }
            out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            return characters.as_str();
        }
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        same => {
            out.extend_from_slice(same.encode_utf8(&mut [0; 4]).as_bytes());
            return characters.as_str();
        }
    };
    out.push(byte);
    characters.as_str()
}
