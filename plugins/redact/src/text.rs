//! The text of a JSON string that has escapes in it.

/// A text, and where in the string each byte of it comes from. Kept from string to string for its memory.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    text: Vec<u8>,
    /// For each byte, and for the end.
    places: Vec<usize>,
}

impl Decoded {
    /// Reads what is between the quotes of a string.
    pub(super) fn read(&mut self, raw: &[u8]) {
        self.text.clear();
        self.places.clear();
        let mut at = 0;
        while let Some(&byte) = raw.get(at) {
            if byte == b'\\' {
                let (character, width) = unescape(&raw[at..]);
                let mut buffer = [0; 4];
                let bytes = character.encode_utf8(&mut buffer).as_bytes();
                self.text.extend_from_slice(bytes);
                self.places.extend(std::iter::repeat_n(at, bytes.len()));
                at += width;
            } else {
                self.text.push(byte);
                self.places.push(at);
                at += 1;
            }
        }
        self.places.push(raw.len());
    }

    /// What it says.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the character that has the byte `at` of the text starts in the string.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places[at]
    }
}

/// The character of the escape that `raw` starts with, and how many bytes the escape has.
fn unescape(raw: &[u8]) -> (char, usize) {
    let character = match raw.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(raw),
        Some(&same) => char::from(same),
        None => return (char::REPLACEMENT_CHARACTER, 1),
    };
    (character, 2)
}

fn unicode(raw: &[u8]) -> (char, usize) {
    let units = [hex4(raw, 0), hex4(raw, 6)];
    let pair = match units {
        [Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)] => {
            char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        }
        _ => None,
    };
    match (pair, units[0].and_then(char::from_u32)) {
        (Some(character), _) => (character, 12),
        (None, Some(character)) => (character, 6),
        (None, None) => (char::REPLACEMENT_CHARACTER, 2),
    }
}

/// The four hexadecimal digits of the escape `\uXXXX` that starts at `at`.
fn hex4(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |number, &digit| {
        Some(number << 4 | char::from(digit).to_digit(16)?)
    })
}
