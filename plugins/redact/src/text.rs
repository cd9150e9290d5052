//! What a text says: whatever it is written with, it is read before something is looked for in it.

use tamis_sdk::json::unescape;

/// What starts a colour in a terminal.
pub(super) const ESC: u8 = 0x1b;

/// A text, and where in what it was read from each byte of it comes from. Kept from text to text for its memory.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    text: Vec<u8>,
    /// For each byte, and for the end.
    places: Vec<usize>,
}

/// What is between the quotes of a string in a record: its escapes are those of JSON.
fn json(rest: &[u8]) -> Option<(char, usize)> {
    if rest[0] == b'\\' {
        unescape(rest)
    } else {
        None
    }
}

/// What was written out: escapes of JSON that stands in a text, however deep, so that there may be more backslashes than
/// one, and what colours a text in a terminal, which is one character like any other that is no letter.
pub(super) fn written_out(rest: &[u8]) -> Option<(char, usize)> {
    let (character, width) = match rest[0] {
        b'\\' => {
            let more = rest[1..].iter().take_while(|&&byte| byte == b'\\').count();
            let (character, width) = unescape(&rest[more..]).unwrap_or(('\\', 1));
            (character, more + width)
        }
        ESC => (char::from(ESC), 1),
        _ => return None,
    };
    let colour = if character == char::from(ESC) {
        colour_length(&rest[width..])
    } else {
        0
    };
    Some((character, width + colour))
}

/// What URLs and forms are written with: `%40`. Bytes beyond ASCII are only some letter here.
pub(super) fn percent(rest: &[u8]) -> Option<(char, usize)> {
    let [b'%', high, low, ..] = *rest else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    Some((char::from(byte), 3))
}

/// How much of `[31m` there is behind an `ESC`.
fn colour_length(rest: &[u8]) -> usize {
    let Some(rest) = rest.strip_prefix(b"[") else {
        return 0;
    };
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
    let length = rest.iter().take_while(is_part).count();
    if rest.get(length) == Some(&b'm') {
        length + 2
    } else {
        0
    }
}

impl Decoded {
    /// Reads what is between the quotes of a JSON string.
    pub(super) fn json(&mut self, raw: &[u8]) -> &[u8] {
        self.start(raw);
        self.resolve(json);
        &self.text
    }

    /// Starts with a text as it is.
    pub(super) fn start(&mut self, text: &[u8]) -> &[u8] {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.places.clear();
        self.places.extend(0..=text.len());
        &self.text
    }

    /// Puts characters in the place of what `read` finds them to be written with: it gets all that is left, and gives
    /// a character and how many bytes that one is written with, which are no fewer than those that it has.
    pub(super) fn resolve(&mut self, read: fn(&[u8]) -> Option<(char, usize)>) {
        let (mut from, mut to) = (0, 0);
        while from < self.text.len() {
            let mut buffer = [self.text[from], 0, 0, 0];
            let (length, width) = match read(&self.text[from..]) {
                Some((character, width)) => (character.encode_utf8(&mut buffer).len(), width),
                None => (1, 1),
            };
            let place = self.places[from];
            self.text[to..to + length].copy_from_slice(&buffer[..length]);
            self.places[to..to + length].fill(place);
            from += width;
            to += length;
        }
        self.places[to] = self.places[from];
        self.text.truncate(to);
        self.places.truncate(to + 1);
    }

    /// What it says.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where what has the byte `at` of the text starts in what it was read from.
    pub(super) fn place(&self, at: usize) -> usize {
        self.places[at]
    }
}
