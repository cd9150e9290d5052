//! One pass over a JSON text: where the members of its top level lie, and whether serde_json would take it.
//!
//! What is wrong inside a string or a number is noted and the pass goes on, so that the view still finds what it
//! can; what is wrong with the structure ends it. Nothing recurses: a text that is nested ten thousand levels deep
//! costs what a flat one of the same length costs.
//!
//! Each step takes the place where it starts and gives the one behind what it passed. Places are handed from step
//! to step and kept nowhere: that is what leaves them in registers, in the sandbox above all.

use super::JsonError;
use super::block;
use super::shape::{Shape, Shapes};
use super::text::hex4;

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

/// A member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// What is between the quotes of its key.
    pub(crate) key: Span,
    /// Whether the key has escapes in it.
    pub(crate) escaped: bool,
    /// Its value, without space around it.
    pub(crate) value: Span,
}

/// A pass over a text, and what it found on its way.
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    shapes: &'a mut Shapes,
    /// Whether there was an escape since this was last cleared.
    escaped: bool,
    fault: Option<JsonError>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8], shapes: &'a mut Shapes) -> Self {
        Self {
            bytes,
            shapes,
            escaped: false,
            fault: None,
        }
    }

    /// What it found wrong first.
    pub(crate) fn fault(&self) -> Option<JsonError> {
        self.fault
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
        let mut number = 0;
        loop {
            let (quote, value, escaped) = match self.shapes.top.same_key(number, self.bytes, at) {
                Some(width) => (at + width - 2, self.space(at + width), false),
                None => self.other_key(at, |shapes| &mut shapes.top, number),
            };
            let end = self.value(value, depth + 1);
            if end == BROKEN {
                return BROKEN;
            }
            let key = Span::new(at + 1, quote);
            each(Found {
                key,
                escaped,
                value: Span::new(value, end),
            });
            number += 1;
            at = end;
            if self.follows(at, b",\"") {
                at += 1;
                continue;
            }
            at = self.space(at);
            match self.peek(at) {
                b',' => at = self.space(at + 1),
                b'}' => return at + 1,
                _ => return self.stop(at, "expected `,` or `}`"),
            }
        }
    }

    /// Passes a key that is not known yet. Gives the quote that ends it, its value, and whether it has escapes.
    #[inline(never)]
    fn other_key(
        &mut self,
        at: usize,
        shape: fn(&mut Shapes) -> &mut Shape,
        number: usize,
    ) -> (usize, usize, bool) {
        if self.peek(at) != b'"' {
            return (BROKEN, self.stop(at, "expected a key"), false);
        }
        self.escaped = false;
        let quote = self.string(at);
        let value = self.colon(quote);
        if value != BROKEN {
            let plain = value == quote + 2 && !self.escaped && self.fault.is_none();
            shape(self.shapes).remember(number, self.bytes, at, quote, plain);
        }
        (quote, value, self.escaped)
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
        let byte = self.peek(at);
        if byte == b'"' {
            behind(self.string(at))
        } else if byte == b'{' || byte == b'[' {
            self.container(at, depth)
        } else {
            self.scalar(at, byte)
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
        let (mut open, mut number) = (Open::default(), 0);
        loop {
            let byte = self.peek(at);
            if byte == b'"' {
                at = behind(self.string(at));
            } else if byte != b'{' && byte != b'[' {
                at = self.scalar(at, byte);
            } else if depth + open.count >= DEPTH_MAX {
                at = self.too_deep(at);
            } else {
                open.push(byte == b'{');
                at = self.space(at + 1);
                if self.peek(at) != open.closing() {
                    if byte == b'{' {
                        at = self.inner_key(at, &mut number);
                    }
                    continue;
                }
                at += 1;
                open.pop();
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
                        at = self.inner_key(at, &mut number);
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
                    at = behind(self.string(at));
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

    /// Passes a key within a member, the colon and the space behind it.
    #[inline(always)]
    fn inner_key(&mut self, at: usize, number: &mut usize) -> usize {
        *number += 1;
        match self.shapes.inner.same_key(*number - 1, self.bytes, at) {
            Some(width) => self.space(at + width),
            None => {
                self.other_key(at, |shapes| &mut shapes.inner, *number - 1)
                    .1
            }
        }
    }

    /// Passes the quote behind a key, the colon and the space around it.
    #[inline(always)]
    fn colon(&mut self, quote: usize) -> usize {
        if self.follows(quote, b"\":") {
            self.space(quote + 2)
        } else {
            self.spaced_colon(quote)
        }
    }

    #[inline(never)]
    fn spaced_colon(&mut self, quote: usize) -> usize {
        let at = self.space(behind(quote));
        if self.peek(at) != b':' {
            return self.stop(at, "expected `:`");
        }
        self.space(at + 1)
    }

    #[inline(always)]
    fn follows<const N: usize>(&self, at: usize, expected: &[u8; N]) -> bool {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk) == Some(expected)
    }

    /// Passes a string up to the quote that ends it.
    #[inline(always)]
    fn string(&mut self, at: usize) -> usize {
        let at = block::special(self.bytes, at + 1);
        if self.peek(at) == b'"' {
            at
        } else {
            self.rest_of_string(at)
        }
    }

    /// Passes what is left of a string from a byte on that is not plain.
    #[cold]
    fn rest_of_string(&mut self, mut at: usize) -> usize {
        loop {
            match self.bytes.get(at) {
                Some(b'"') => return at,
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
            at = block::special(self.bytes, at);
        }
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
        if byte.is_ascii_digit() || byte == b'-' {
            self.number(at)
        } else {
            self.literal(at, byte)
        }
    }

    fn literal(&mut self, at: usize, byte: u8) -> usize {
        let word: &[u8] = match byte {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return self.stop(at, "expected a value"),
        };
        let there = self.bytes[at..].starts_with(word);
        if there {
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
        let at = block::behind_digits(self.bytes, start);
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

/// The place behind another one.
#[inline(always)]
fn behind(at: usize) -> usize {
    at.saturating_add(1)
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
