//! What a text says: whatever it is written with, it is read before something is looked for in it.

use memchr::{memchr, memchr2};
use tamis_sdk::json::unescape;

/// What starts a colour in a terminal.
const ESC: u8 = 0x1b;

/// A text, and where in what it was read from each byte of it comes from. Kept from text to text for its memory.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    text: Vec<u8>,
    /// For each byte, and for the end.
    places: Vec<usize>,
}

/// A way to write characters with others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling {
    /// Where in a text something may be written like this first.
    sign: fn(&[u8]) -> Option<usize>,
    /// What a text that starts with such a sign starts with: a character, and how many bytes that one is written with,
    /// which are no fewer than those that it has.
    read: fn(&[u8]) -> Option<(char, usize)>,
}

/// What is between the quotes of a string in a record: its escapes are those of JSON.
const JSON: Spelling = Spelling {
    sign: |text| memchr(b'\\', text),
    read: unescape,
};

/// What was written out: escapes of JSON that stands in a text, however deep, so that there may be more backslashes than
/// one, and what colours a text in a terminal, which is one character like any other that is no letter.
pub(super) const WRITTEN_OUT: Spelling = Spelling {
    sign: |text| memchr2(b'\\', ESC, text),
    read: written_out,
};

/// What URLs and forms are written with: `%40`.
pub(super) const PERCENT: Spelling = Spelling {
    sign: |text| memchr(b'%', text),
    read: percent,
};

impl Spelling {
    /// Whether something in `text` is written like this.
    pub(super) fn is_in(self, text: &[u8]) -> bool {
        let mut from = 0;
        while let Some(plain) = (self.sign)(&text[from..]) {
            from += plain;
            if (self.read)(&text[from..]).is_some() {
                return true;
            }
            from += 1;
        }
        false
    }
}

fn written_out(rest: &[u8]) -> Option<(char, usize)> {
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

/// Bytes beyond ASCII are only some letter here.
fn percent(rest: &[u8]) -> Option<(char, usize)> {
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
        self.resolve(JSON);
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

    /// Puts characters in the place of what they are written with.
    pub(super) fn resolve(&mut self, spelling: Spelling) {
        let (mut from, mut to) = (0, 0);
        while let Some(plain) = (spelling.sign)(&self.text[from..]) {
            self.shift(from, to, plain);
            (from, to) = (from + plain, to + plain);
            let mut buffer = [self.text[from], 0, 0, 0];
            let (length, width) = match (spelling.read)(&self.text[from..]) {
                Some((character, width)) => (character.encode_utf8(&mut buffer).len(), width),
                None => (1, 1),
            };
            let place = self.places[from];
            self.text[to..to + length].copy_from_slice(&buffer[..length]);
            self.places[to..to + length].fill(place);
            (from, to) = (from + width, to + length);
        }
        let rest = self.text.len() - from;
        self.shift(from, to, rest);
        self.places[to + rest] = self.places[from + rest];
        self.text.truncate(to + rest);
        self.places.truncate(to + rest + 1);
    }

    /// Moves `count` bytes to where they are in the new text.
    fn shift(&mut self, from: usize, to: usize, count: usize) {
        if from != to {
            self.text.copy_within(from..from + count, to);
            self.places.copy_within(from..from + count, to);
        }
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
