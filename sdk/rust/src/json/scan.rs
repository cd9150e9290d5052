//! One pass over a JSON text: where the members of its top level lie, and whether serde_json would take it.
//!
//! What is wrong inside a string or a number is noted and the pass goes on, so that the view still finds what it
//! can; what is wrong with the structure ends it. Nothing recurses: a text that is nested ten thousand levels deep
//! costs what a flat one of the same length costs.
//!
//! Each step takes the place where it starts and gives the one behind what it passed. Places are handed from step
//! to step and kept nowhere: that is what leaves them in registers, in the sandbox above all.

use super::JsonError;
use super::text::hex4;
use super::word;

/// The nesting that serde_json refuses: arrays and objects within each other.
const DEPTH_MAX: u32 = 127;

/// A number of so few bytes that has no exponent is always within an `f64`.
const PLAIN_NUMBER_MAX: usize = 300;

/// The place that a step gives where the structure is broken: behind every text, so that nothing is found there.
pub(crate) const BROKEN: usize = usize::MAX;

/// Bytes of a text, from `start` to just before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = "a record is bounded far below 4 GiB";
        Self {
            start: u32::try_from(start).expect(narrow),
            end: u32::try_from(end).expect(narrow),
        }
    }

    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// A member of an object: its key without the quotes, and its value without space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: Span,
    /// Whether the key has escapes in it.
    pub(crate) escaped: bool,
    pub(crate) value: Span,
}

/// A pass over a text, and what it found on its way.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    /// Of all bytes of strings, and some others.
    high_bits: u64,
    /// Whether there was an escape since this was last cleared.
    escaped: bool,
    fault: Option<JsonError>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            high_bits: 0,
            escaped: false,
            fault: None,
        }
    }

    /// What it found wrong first.
    pub(crate) fn fault(&self) -> Option<JsonError> {
        self.fault
    }

    /// Whether a string that it passed may have had a byte beyond ASCII; never false where one had.
    pub(crate) fn beyond_ascii(&self) -> bool {
        word::has_high_bit(self.high_bits)
    }

    /// The byte at a place; 0, which no text has between its tokens, behind the end.
    #[inline(always)]
    pub(crate) fn peek(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Passes space.
    #[inline(always)]
    pub(crate) fn space(&self, at: usize) -> usize {
        if self.peek(at) > b' ' {
            at
        } else {
            self.long_space(at)
        }
    }

    /// Passes the members of the object that starts here, `depth` containers deep, and shows each one.
    #[inline(always)]
    pub(crate) fn object(&mut self, at: usize, depth: u32, mut each: impl FnMut(Found)) -> usize {
        let mut at = self.space(at + 1);
        if self.peek(at) == b'}' {
            return at + 1;
        }
        loop {
            if self.peek(at) != b'"' {
                return self.stop(at, "expected a key");
            }
            self.escaped = false;
            let behind = self.string(at);
            let value = self.colon(behind);
            let escaped = self.escaped;
            let end = self.value(value, depth + 1);
            if end == BROKEN {
                return BROKEN;
            }
            each(Found {
                key: Span::new(at + 1, behind - 1),
                escaped,
                value: Span::new(value, end),
            });
            at = self.space(end);
            match self.peek(at) {
                b',' => at = self.space(at + 1),
                b'}' => return at + 1,
                _ => return self.stop(at, "expected `,` or `}`"),
            }
        }
    }

    /// Passes the elements of the array that starts here, `depth` containers deep, and shows each one.
    pub(crate) fn array(&mut self, at: usize, depth: u32, mut each: impl FnMut(Span)) -> usize {
        let mut at = self.space(at + 1);
        if self.peek(at) == b']' {
            return at + 1;
        }
        loop {
            let end = self.value(at, depth + 1);
            if end == BROKEN {
                return BROKEN;
            }
            each(Span::new(at, end));
            at = self.space(end);
            match self.peek(at) {
                b',' => at = self.space(at + 1),
                b']' => return at + 1,
                _ => return self.stop(at, "expected `,` or `]`"),
            }
        }
    }

    /// Passes the value that starts here, `depth` containers deep.
    #[inline(always)]
    pub(crate) fn value(&mut self, at: usize, depth: u32) -> usize {
        match self.peek(at) {
            b'"' => self.string(at),
            b'{' | b'[' => self.container(at, depth),
            byte => self.scalar(at, byte),
        }
    }

    /// Passes the space behind the whole text, which has to end there.
    pub(crate) fn end(&mut self, at: usize) -> usize {
        let at = self.space(at);
        if at == self.bytes.len() {
            at
        } else {
            self.stop(at, "expected the end")
        }
    }

    /// Passes an object or an array and all within it.
    fn container(&mut self, mut at: usize, depth: u32) -> usize {
        let mut open = Open::default();
        loop {
            match self.peek(at) {
                b'"' => at = self.string(at),
                byte @ (b'{' | b'[') => {
                    if depth + open.count >= DEPTH_MAX {
                        at = self.too_deep(at);
                    } else {
                        open.push(byte == b'{');
                        at = self.space(at + 1);
                        if self.peek(at) != open.closing() {
                            if byte == b'{' {
                                at = self.key(at);
                            }
                            continue;
                        }
                        at += 1;
                        open.pop();
                    }
                }
                byte => at = self.scalar(at, byte),
            }
            // Up to the next value, or out of everything.
            loop {
                if open.count == 0 {
                    return at;
                }
                at = self.space(at);
                let byte = self.peek(at);
                if byte == b',' {
                    at = self.space(at + 1);
                    if open.in_object() {
                        at = self.key(at);
                    }
                    break;
                }
                if byte != open.closing() {
                    return self.stop(at, "expected `,` or the end of the container");
                }
                at += 1;
                open.pop();
            }
        }
    }

    /// Passes a container that serde_json would not go into, by counting.
    #[cold]
    fn too_deep(&mut self, mut at: usize) -> usize {
        self.note(at, "nested too deeply");
        let mut open = 0_usize;
        loop {
            match self.peek(at) {
                b'"' => {
                    at = self.string(at);
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ if at >= self.bytes.len() => return self.stop(at, "ends within a container"),
                _ => {}
            }
            at += 1;
            if open == 0 {
                return at;
            }
        }
    }

    /// Passes a key, the colon and the space behind it.
    #[inline(always)]
    fn key(&mut self, at: usize) -> usize {
        if self.peek(at) != b'"' {
            return self.stop(at, "expected a key");
        }
        let at = self.string(at);
        self.colon(at)
    }

    /// Passes the colon behind a key and the space around it.
    #[inline(always)]
    fn colon(&mut self, at: usize) -> usize {
        let at = self.space(at);
        if self.peek(at) != b':' {
            return self.stop(at, "expected `:`");
        }
        self.space(at + 1)
    }

    /// Passes a string.
    #[inline(always)]
    fn string(&mut self, at: usize) -> usize {
        let at = self.plain(at + 1);
        if self.peek(at) == b'"' {
            at + 1
        } else {
            self.rest_of_string(at)
        }
    }

    /// Passes what is left of a string from a byte on that is not plain.
    #[cold]
    fn rest_of_string(&mut self, mut at: usize) -> usize {
        loop {
            match self.bytes.get(at) {
                Some(b'"') => return at + 1,
                Some(b'\\') => {
                    self.escaped = true;
                    at = self.escape(at);
                }
                Some(_) => {
                    self.note(at, "control character in a string");
                    at += 1;
                }
                None => return self.stop(at, "ends within a string"),
            }
            at = self.plain(at);
        }
    }

    /// Passes the bytes of a string up to a quote, a backslash, a control character or the end: eight at a time.
    #[inline(always)]
    fn plain(&mut self, mut at: usize) -> usize {
        let mut high_bits = 0;
        loop {
            let Some(word) = word::at(self.bytes, at) else {
                self.high_bits |= high_bits;
                return self.plain_tail(at);
            };
            high_bits |= word;
            if let Some(place) = word::special(word) {
                self.high_bits |= high_bits;
                return at + place;
            }
            at += 8;
        }
    }

    /// The same for the last bytes of the text, of which there are too few.
    fn plain_tail(&mut self, mut at: usize) -> usize {
        while let Some(&byte) = self.bytes.get(at) {
            if byte == b'"' || byte == b'\\' || byte < b' ' {
                break;
            }
            self.high_bits |= word::repeat(byte);
            at += 1;
        }
        at
    }

    /// Passes an escape.
    fn escape(&mut self, at: usize) -> usize {
        let width = match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match hex4(self.bytes, at) {
                Some(0xd800..=0xdbff) => match hex4(self.bytes, at + 6) {
                    Some(0xdc00..=0xdfff) => 12,
                    _ => self.note(at, "lone surrogate"),
                },
                Some(0xdc00..=0xdfff) | None => self.note(at, "invalid unicode escape"),
                Some(_) => 6,
            },
            _ => self.note(at, "unknown escape"),
        };
        at + width
    }

    /// Passes a number, `true`, `false` or `null`, of which `byte` is the first.
    #[inline(always)]
    fn scalar(&mut self, at: usize, byte: u8) -> usize {
        match byte {
            b'-' | b'0'..=b'9' => self.number(at),
            b't' => self.literal(at, b"true"),
            b'f' => self.literal(at, b"false"),
            b'n' => self.literal(at, b"null"),
            _ => self.stop(at, "expected a value"),
        }
    }

    fn literal(&mut self, at: usize, word: &[u8]) -> usize {
        if self.bytes[at..].starts_with(word) {
            at + word.len()
        } else {
            self.stop(at, "expected a value")
        }
    }

    fn number(&mut self, start: usize) -> usize {
        let at = start + usize::from(self.peek(start) == b'-');
        let mut at = if self.peek(at) == b'0' {
            at + 1
        } else {
            self.digits(at)
        };
        if self.peek(at) == b'.' {
            at = self.digits(at + 1);
        }
        let exponent = matches!(self.peek(at), b'e' | b'E');
        if exponent {
            at = self.digits(at + 1 + usize::from(matches!(self.peek(at + 1), b'+' | b'-')));
        }
        if at != BROKEN && (exponent || at - start > PLAIN_NUMBER_MAX) {
            self.range(start, at);
        }
        at
    }

    /// Passes at least one digit.
    #[inline(always)]
    fn digits(&mut self, start: usize) -> usize {
        let mut at = start;
        while self.peek(at).is_ascii_digit() {
            at += 1;
        }
        if at == start {
            self.stop(at, "expected a digit")
        } else {
            at
        }
    }

    #[cold]
    fn range(&mut self, start: usize, end: usize) {
        if serde_json::from_slice::<serde_json::Number>(&self.bytes[start..end]).is_err() {
            self.note(start, "number out of range");
        }
    }

    fn long_space(&self, mut at: usize) -> usize {
        while matches!(self.peek(at), b' ' | b'\n' | b'\t' | b'\r') {
            at += 1;
        }
        at
    }

    /// Keeps the first thing that is wrong. Gives the width of the least that can be passed of it.
    #[cold]
    fn note(&mut self, at: usize, problem: &'static str) -> usize {
        self.fault.get_or_insert(JsonError {
            at: at.min(self.bytes.len()),
            problem,
        });
        2
    }

    #[cold]
    fn stop(&mut self, at: usize, problem: &'static str) -> usize {
        self.note(at, problem);
        BROKEN
    }
}

/// The containers that are open, one bit each: 1 for an object.
#[derive(Default)]
struct Open {
    kinds: u128,
    count: u32,
}

impl Open {
    #[inline(always)]
    fn push(&mut self, object: bool) {
        self.kinds = self.kinds << 1 | u128::from(object);
        self.count += 1;
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.kinds >>= 1;
        self.count -= 1;
    }

    #[inline(always)]
    fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    #[inline(always)]
    fn closing(&self) -> u8 {
        if self.in_object() { b'}' } else { b']' }
    }
}
