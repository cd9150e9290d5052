//! The way through one value: what is hidden is cut out or replaced, every other byte stays as it is.
//!
//! The value is known to be valid JSON, so nothing is checked here a second time, and nothing is nested deeper than
//! what the check lets through: 127 levels.

use memchr::memchr2;

use super::fields::{Named, Ways};
use super::hide::{self, Method};
use super::patterns::{self, Patterns};
use super::search::{self, Kind};
use super::{Rules, Scratch};

/// A way through `value`, as far as it has been gone.
pub(super) struct Walk<'a> {
    value: &'a [u8],
    rules: &'a Rules,
    scratch: &'a mut Scratch,
    /// What is looked for: nothing where the value has nothing.
    patterns: Patterns,
    /// What of the value is written to `scratch.out`, or cut out.
    done: usize,
}

impl<'a> Walk<'a> {
    /// The start of one.
    pub(super) fn new(value: &'a [u8], rules: &'a Rules, scratch: &'a mut Scratch) -> Self {
        scratch.out.clear();
        let patterns = if search::may_have(value, rules.patterns) {
            rules.patterns
        } else {
            Patterns::default()
        };
        Self {
            value,
            rules,
            scratch,
            patterns,
            done: 0,
        }
    }

    /// Goes through JSON. Returns whether anything was hidden; what is left is in `scratch.out` then.
    pub(super) fn json(mut self) -> bool {
        let ways = self.rules.fields.ways();
        if !self.has_nothing(ways) {
            let start = self.space(0);
            self.any(start, ways);
        }
        self.finish()
    }

    /// Goes through what is no JSON, as through one string.
    pub(super) fn text(mut self) -> bool {
        self.replace_found(0, self.value.len(), Kind::Plain);
        self.finish()
    }

    fn finish(self) -> bool {
        if self.done == 0 {
            return false;
        }
        self.scratch.out.extend_from_slice(&self.value[self.done..]);
        true
    }

    /// Whether there is nothing to hide where these ways lead.
    fn has_nothing(&self, ways: Ways) -> bool {
        ways.is_empty() && self.patterns.is_empty()
    }

    /// Passes the value that starts here. Gives the place behind it, as all that passes something does.
    fn any(&mut self, at: usize, ways: Ways) -> usize {
        if self.has_nothing(ways) {
            return self.skip(at);
        }
        match self.peek(at) {
            b'"' => self.string(at),
            b'{' | b'[' => self.container(at, ways),
            _ => self.skip(at),
        }
    }

    fn container(&mut self, start: usize, ways: Ways) -> usize {
        let is_object = self.peek(start) == b'{';
        let mut at = self.space(start + 1);
        if matches!(self.peek(at), b'}' | b']') {
            return at + 1;
        }
        let (mut index, mut kept, mut before) = (0, false, at);
        loop {
            let (named, value) = if is_object {
                self.member(at, ways)
            } else {
                (self.rules.fields.element(ways, index), at)
            };
            let removed = matches!(named, Named::Field(Method::Remove));
            let end = match named {
                Named::Way(ways) => self.any(value, ways),
                Named::Field(method) => self.field(value, method),
            };
            if removed {
                // With the comma before it, or, as long as none is left before it, with the one behind it.
                self.cut(if kept { before } else { at }, end);
            }
            kept |= !removed;
            let comma = self.space(end);
            if self.peek(comma) != b',' {
                return comma + 1;
            }
            at = self.space(comma + 1);
            if !kept {
                self.cut(end, at);
            }
            before = end;
            index += 1;
        }
    }

    /// What is said of the member whose key starts here, and the place of its value.
    fn member(&mut self, at: usize, ways: Ways) -> (Named, usize) {
        let (behind, is_escaped) = self.key_end(at);
        let key = &self.value[at + 1..behind - 1];
        let key = if is_escaped && !ways.is_empty() {
            self.scratch.decoded.json(key)
        } else {
            key
        };
        let named = self.rules.fields.member(ways, key);
        let colon = self.space(behind);
        (named, self.space(colon + 1))
    }

    /// Hides the value that starts here. What is removed is cut out by who knows what is around it.
    fn field(&mut self, at: usize, method: Method) -> usize {
        let end = self.skip(at);
        let raw = &self.value[at..end];
        if method == Method::Remove || raw == b"null" {
            return end;
        }
        self.cut(at, end);
        self.scratch.out.push(b'"');
        match method {
            Method::Hash => self.hash_field(raw),
            Method::Mask => self.scratch.out.extend_from_slice(hide::STARS),
            Method::Remove => {}
        }
        self.scratch.out.push(b'"');
        end
    }

    /// Writes the hash of a field: that of the number or the address that it is, if it is one from its start to its end.
    fn hash_field(&mut self, raw: &[u8]) {
        let Scratch {
            out,
            search,
            decoded,
        } = &mut *self.scratch;
        let (written, kind) = match raw {
            [b'"', written @ .., b'"'] => (written, Kind::Json),
            other => (other, Kind::Plain),
        };
        if !raw.starts_with(b"{") && !raw.starts_with(b"[") {
            search.run(written, kind, Patterns::ALL);
            if let [found] = search.found()
                && (found.start, found.end) == (0, written.len())
            {
                let text = hide::canonical(found.pattern, search.said(*found));
                return self.rules.hide.hash(&text, out);
            }
        }
        match kind {
            Kind::Json => self.rules.hide.hash(decoded.json(written), out),
            Kind::Plain => self.rules.hide.hash(written, out),
        }
    }

    /// Hides what is found in the string that starts here.
    fn string(&mut self, at: usize) -> usize {
        let end = self.string_end(at);
        self.replace_found(at + 1, end - 1, Kind::Json);
        end
    }

    /// Replaces what is found from `start` to `end`.
    fn replace_found(&mut self, start: usize, end: usize, kind: Kind) {
        let patterns = self.patterns;
        let written = &self.value[start..end];
        if written.len() < patterns::BYTES_MIN {
            return;
        }
        self.scratch.search.run(written, kind, patterns);
        for number in 0..self.scratch.search.found().len() {
            let found = self.scratch.search.found()[number];
            self.cut(start + found.start, start + found.end);
            let Scratch { out, search, .. } = &mut *self.scratch;
            let text = search.said(found);
            self.rules.hide.found(patterns, found.pattern, text, out);
        }
    }

    /// Leaves out what is from `start` to `end`.
    fn cut(&mut self, start: usize, end: usize) {
        self.scratch
            .out
            .extend_from_slice(&self.value[self.done..start]);
        self.done = end;
    }

    /// Passes a value that is not looked into.
    fn skip(&self, start: usize) -> usize {
        match self.peek(start) {
            b'"' => self.string_end(start),
            b'{' | b'[' => self.container_end(start),
            _ => self.scalar_end(start),
        }
    }

    fn container_end(&self, start: usize) -> usize {
        let (mut at, mut open) = (start, 0_usize);
        while let Some(byte) = self.value.get(at) {
            match byte {
                b'"' => {
                    at = self.string_end(at);
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            at += 1;
            if open == 0 {
                break;
            }
        }
        at
    }

    fn scalar_end(&self, start: usize) -> usize {
        let rest = &self.value[start..];
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        start + rest.iter().take_while(|byte| is_part(byte)).count()
    }

    /// Passes the string that starts here, with its quotes.
    fn string_end(&self, start: usize) -> usize {
        self.key_end(start).0
    }

    /// The same, and whether there are escapes in it.
    fn key_end(&self, start: usize) -> (usize, bool) {
        let (mut at, mut is_escaped) = (start + 1, false);
        while let Some(offset) = memchr2(b'"', b'\\', &self.value[at..]) {
            at += offset;
            if self.value[at] == b'"' {
                return (at + 1, is_escaped);
            }
            is_escaped = true;
            at += 2;
        }
        (self.value.len(), is_escaped)
    }

    fn space(&self, mut at: usize) -> usize {
        while matches!(self.peek(at), b' ' | b'\n' | b'\t' | b'\r') {
            at += 1;
        }
        at
    }

    /// The byte at a place; 0 behind the end.
    fn peek(&self, at: usize) -> u8 {
        self.value.get(at).copied().unwrap_or(0)
    }
}
