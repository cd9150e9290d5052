//! JSON (RFC 8259), read in one pass over the bytes: what is looked for is cut out as it stands, and no tree is made of it.
//!
//! What is refused is what serde_json refuses when it makes a value, but for two things that a store may hold although Rust has no place for them:
//! numbers that are too large for a double, and, where no one wants to know what a text says, half of a character (`\ud800`).

use std::borrow::Cow;

use memchr::memchr2;

/// Levels of maps and lists, as in serde_json: whoever reads a value level by level is not to be led too deep.
pub(crate) const LEVELS_MAX: u32 = 127;

/// A value that is read from front to back.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Maps and lists that are open.
    level: u32,
    levels_max: u32,
}

impl<'a> Reader<'a> {
    /// One of `value`, of which so many levels may be open.
    ///
    /// # Errors
    /// Where it is not UTF-8.
    pub(crate) fn new(value: &'a [u8], levels_max: u32) -> Result<Self, String> {
        let text = std::str::from_utf8(value).map_err(|error| {
            let at = error.valid_up_to();
            format!("the value is not JSON: byte {at} is not UTF-8")
        })?;
        Ok(Self {
            text,
            at: 0,
            level: 0,
            levels_max,
        })
    }

    /// One of what another one has cut out.
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            level: 0,
            levels_max: LEVELS_MAX,
        }
    }

    /// How many bytes of the text are behind it.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How many maps and lists are open.
    pub(crate) fn level(&self) -> u32 {
        self.level
    }

    /// The next byte that is no white space; it is not taken.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    /// Takes the bracket that was peeked at, of what ends with `end`. Whether there is anything in it; else it is closed again.
    pub(crate) fn open(&mut self, end: u8) -> Result<bool, String> {
        self.at += 1;
        self.level += 1;
        if self.level > self.levels_max {
            let max = self.levels_max;
            return Err(format!(
                "there are more than {max} levels of maps and lists"
            ));
        }
        if self.peek() == Some(end) {
            self.close();
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether there is more behind a part of what ends with `end`: takes the comma, or the end.
    pub(crate) fn more(&mut self, end: u8) -> Result<bool, String> {
        if self.peek() == Some(b',') {
            self.at += 1;
            return Ok(true);
        }
        if self.peek() != Some(end) {
            return Err(self.wrong(&format!("`{}` was expected", char::from(end))));
        }
        self.close();
        Ok(false)
    }

    fn close(&mut self) {
        self.at += 1;
        self.level -= 1;
    }

    /// Takes the colon behind a name.
    pub(crate) fn colon(&mut self) -> Result<(), String> {
        if self.peek() != Some(b':') {
            return Err(self.wrong("`:` was expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether the name of a member is next; it is not taken.
    pub(crate) fn at_name(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(b'"') => Ok(()),
            _ => Err(self.wrong("a name in quotes was expected")),
        }
    }

    /// Takes the name of a member and the colon behind it.
    pub(crate) fn name(&mut self) -> Result<Cow<'a, str>, String> {
        self.at_name()?;
        let start = self.at;
        self.pass_text()?;
        let name = text(&self.text[start..self.at])?;
        self.colon()?;
        Ok(name)
    }

    /// Takes a value whole, as it stands.
    pub(crate) fn value(&mut self) -> Result<&'a str, String> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'"') => self.pass_text()?,
            Some(b'{') => {
                let mut more = self.open(b'}')?;
                while more {
                    self.at_name()?;
                    self.pass_text()?;
                    self.colon()?;
                    self.value()?;
                    more = self.more(b'}')?;
                }
            }
            Some(b'[') => {
                let mut more = self.open(b']')?;
                while more {
                    self.value()?;
                    more = self.more(b']')?;
                }
            }
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => drop(self.number()?),
            _ => return Err(self.wrong("a value was expected")),
        }
        Ok(&self.text[start..self.at])
    }

    /// Takes a value, and returns what of it `keys` lead to as a JSON pointer does. Of a name that is there twice the last one counts.
    pub(crate) fn find<'k>(
        &mut self,
        mut keys: impl Iterator<Item = Cow<'k, str>> + Clone,
    ) -> Result<Option<&'a str>, String> {
        let Some(key) = keys.next() else {
            return self.value().map(Some);
        };
        let mut found = None;
        match self.peek() {
            Some(b'{') => {
                let mut more = self.open(b'}')?;
                while more {
                    if self.name()? == key {
                        found = self.find(keys.clone())?;
                    } else {
                        self.value()?;
                    }
                    more = self.more(b'}')?;
                }
            }
            Some(b'[') => {
                let wanted = index(&key);
                let (mut at, mut more) = (0, self.open(b']')?);
                while more {
                    if wanted == Some(at) {
                        found = self.find(keys.clone())?;
                    } else {
                        self.value()?;
                    }
                    at += 1;
                    more = self.more(b']')?;
                }
            }
            _ => drop(self.value()?),
        }
        Ok(found)
    }

    /// Nothing but white space may be left.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("there is something behind the value")),
        }
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn word(&mut self, word: &str) -> Result<(), String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a number, whose first byte was peeked at.
    pub(crate) fn number(&mut self) -> Result<&'a str, String> {
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

    /// Takes a text, whose first quote was peeked at, and hands on what it says, piece by piece.
    pub(crate) fn text(&mut self, mut piece: impl FnMut(&str)) -> Result<(), String> {
        self.at += 1;
        loop {
            piece(self.plain()?);
            if !self.is_escape() {
                return Ok(());
            }
            let character = self.escape()?;
            let character = character.ok_or_else(|| self.wrong("half of a character"))?;
            piece(character.encode_utf8(&mut [0; 4]));
        }
    }

    /// Takes a text, whatever it says.
    fn pass_text(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            self.plain()?;
            if !self.is_escape() {
                return Ok(());
            }
            self.escape()?;
        }
    }

    /// Takes what of a text needs no escape.
    fn plain(&mut self) -> Result<&'a str, String> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let Some(length) = memchr2(b'"', b'\\', rest) else {
            self.at = self.text.len();
            return Err(self.wrong("a text has no end"));
        };
        let (plain, is_control) = (&rest[..length], |byte: &u8| *byte < 0x20);
        // All of it is looked at without a branch, many bytes at a time; almost never is there one.
        if plain.iter().fold(false, |any, byte| any | is_control(byte)) {
            self.at += plain.iter().position(is_control).unwrap_or_default();
            return Err(self.wrong("a control character must be written as an escape"));
        }
        self.at += length;
        Ok(&self.text[start..self.at])
    }

    /// Takes the byte behind what is plain: whether an escape follows, or else the text has ended.
    fn is_escape(&mut self) -> bool {
        self.at += 1;
        self.text.as_bytes()[self.at - 1] == b'\\'
    }

    /// Takes what is behind a backslash: the character that it stands for, if that is a whole one.
    fn escape(&mut self) -> Result<Option<char>, String> {
        let byte = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(Some(match byte {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at = self.text.len().min(self.at - 1);
                return Err(self.wrong("there is no such escape"));
            }
        }))
    }

    /// The character that four digits, or two times four, stand for.
    fn unicode(&mut self) -> Result<Option<char>, String> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first));
        }
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Ok(None);
        }
        let behind_first = self.at;
        self.at += 2;
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            // That may be the first half of another one.
            self.at = behind_first;
            return Ok(None);
        }
        Ok(char::from_u32(
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
        ))
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
    pub(crate) fn wrong(&self, why: &str) -> String {
        format!("the value is not JSON: {why} at byte {}", self.at)
    }
}

/// Reads `value` to its end, for whoever wants to know no more of it than its first byte.
///
/// # Errors
/// Where it is not JSON.
#[cfg(feature = "elasticsearch")]
pub(crate) fn check(value: &[u8]) -> Result<Option<u8>, String> {
    let mut reader = Reader::new(value, LEVELS_MAX)?;
    let first = reader.peek();
    reader.value()?;
    reader.end()?;
    Ok(first)
}

/// What `value`, which was cut out as it stands, says if it is a text; else it stays as it is.
///
/// # Errors
/// Where there is half of a character in it.
pub(crate) fn text(value: &str) -> Result<Cow<'_, str>, String> {
    match value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => {
            let mut said = String::with_capacity(inner.len());
            Reader::of(value).text(|piece| said.push_str(piece))?;
            Ok(Cow::Owned(said))
        }
        Some(inner) => Ok(Cow::Borrowed(inner)),
        None => Ok(Cow::Borrowed(value)),
    }
}

/// An index of a list: digits, and no zero in front of others.
fn index(key: &str) -> Option<usize> {
    let is_written_so = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|_| is_written_so)
}

#[cfg(test)]
pub(crate) mod tests;
