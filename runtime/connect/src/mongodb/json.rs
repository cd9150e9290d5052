//! The tokens of JSON (RFC 8259), found in one pass over the bytes. What is refused is what serde_json refuses, but for numbers
//! that are too large for a double.

use memchr::memchr2;

use super::writer::Writer;

/// Bytes of a value that are read from front to back.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// # Errors
    /// Where `value` is not UTF-8.
    pub(super) fn new(value: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(value).map_err(|error| {
            let at = error.valid_up_to();
            format!("the value is not JSON: byte {at} is not UTF-8")
        })?;
        Ok(Self { text, at: 0 })
    }

    /// The next byte that is no white space; it is not taken.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    /// Takes the byte that was peeked at.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Takes `expected`, which must be next.
    pub(super) fn expect(&mut self, expected: u8) -> Result<(), String> {
        if self.peek() != Some(expected) {
            return Err(self.wrong(&format!("`{}` was expected", char::from(expected))));
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space may be left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("there is something behind the value")),
        }
    }

    /// Takes `true`, `false` or `null`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a number, whose first byte was peeked at.
    pub(super) fn number(&mut self) -> Result<&'a str, String> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let digits = |mut at: usize| {
            let start = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            (at > start).then_some(at)
        };
        let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|byte| any.contains(byte));
        let scan = || {
            let mut at = start + usize::from(is(start, b"-"));
            at = if is(at, b"0") { at + 1 } else { digits(at)? };
            if is(at, b".") {
                at = digits(at + 1)?;
            }
            if is(at, b"eE") {
                at += 1;
                at = digits(at + usize::from(is(at, b"+-")))?;
            }
            Some(at)
        };
        let end = scan().ok_or_else(|| self.wrong("that is no number"))?;
        self.at = end;
        Ok(&self.text[start..end])
    }

    /// Takes a text, whose first quote was peeked at, and writes what it says to `writer`.
    pub(super) fn text(&mut self, writer: &mut Writer) -> Result<(), String> {
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return Err(self.wrong("a text has no end"));
            };
            let plain = &rest[..length];
            if let Some(control) = plain.iter().position(|byte| *byte < 0x20) {
                self.at += control;
                return Err(self.wrong("a control character must be written as an escape"));
            }
            writer.push(plain);
            self.at += length + 1;
            if rest[length] == b'"' {
                return Ok(());
            }
            self.escape(writer)?;
        }
    }

    /// What is behind a backslash.
    fn escape(&mut self, writer: &mut Writer) -> Result<(), String> {
        let byte = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        let plain = match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let mut utf8 = [0; 4];
                let text = self.unicode()?.encode_utf8(&mut utf8);
                writer.push(text.as_bytes());
                return Ok(());
            }
            _ => {
                self.at = self.text.len().min(self.at - 1);
                return Err(self.wrong("there is no such escape"));
            }
        };
        writer.push(&[plain]);
        Ok(())
    }

    /// The character that four digits, or two times four, stand for.
    fn unicode(&mut self) -> Result<char, String> {
        const HALF: &str = "half of a character has no other half";
        let first = self.four_digits()?;
        let code = match first {
            0xdc00..=0xdfff => return Err(self.wrong(HALF)),
            0xd800..=0xdbff => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(self.wrong(HALF));
                }
                self.at += 2;
                let second = self.four_digits()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(self.wrong(HALF));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        Ok(char::from_u32(code).expect("halves were put together"))
    }

    fn four_digits(&mut self) -> Result<u32, String> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let code = digits.and_then(|digits| {
            let mut digits = digits.iter();
            digits.try_fold(0, |code, byte| Some(code * 16 + digit(byte)?))
        });
        let code = code.ok_or_else(|| self.wrong("four digits were expected"))?;
        self.at += 4;
        Ok(code)
    }

    /// Why the value is no JSON, and where.
    pub(super) fn wrong(&self, why: &str) -> String {
        format!("the value is not JSON: {why} at byte {}", self.at)
    }
}
