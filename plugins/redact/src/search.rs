//! Looks for patterns in a text in all the ways in which it can be read.

use super::patterns::{self, Match, Pattern, Patterns};
use super::text::{Decoded, PERCENT, WRITTEN_OUT};

/// What is found, and what is needed to find it. Kept from text to text for its memory.
#[derive(Debug, Default)]
pub(super) struct Search {
    decoded: Decoded,
    matches: Vec<Match>,
    found: Vec<Found>,
    /// What all that was found says, one after another.
    said: Vec<u8>,
}

/// Something that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it starts in the text as it is written.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) pattern: Pattern,
    /// Where in [`Search::said`] it is.
    said: (usize, usize),
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is between the quotes of a JSON string.
    Json,
    /// What it says is what is written.
    Plain,
}

impl Search {
    /// Finds all there is in `written`, in order, in the place of what was found before. Nothing overlaps.
    pub(super) fn run(&mut self, written: &[u8], kind: Kind, patterns: Patterns) {
        self.found.clear();
        self.said.clear();
        if !is_odd(written) {
            patterns::find(written, patterns, &mut self.matches);
            self.note(written, |at| at);
            return;
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        match kind {
            Kind::Json => decoded.json(written),
            Kind::Plain => decoded.start(written),
        };
        decoded.resolve(WRITTEN_OUT);
        self.find(&decoded, patterns);
        if PERCENT.is_in(decoded.text()) {
            let before = std::mem::take(&mut self.found);
            decoded.resolve(PERCENT);
            self.find(&decoded, patterns);
            self.merge(&before);
        }
        self.decoded = decoded;
    }

    /// What was found.
    pub(super) fn found(&self) -> &[Found] {
        &self.found
    }

    /// What it says, however it is written.
    pub(super) fn said(&self, found: Found) -> &[u8] {
        let (start, end) = found.said;
        &self.said[start..end]
    }

    fn find(&mut self, decoded: &Decoded, patterns: Patterns) {
        patterns::find(decoded.text(), patterns, &mut self.matches);
        self.note(decoded.text(), |at| decoded.place(at));
    }

    /// Adds what was found in `text`.
    fn note(&mut self, text: &[u8], place: impl Fn(usize) -> usize) {
        for found in &self.matches {
            let start = self.said.len();
            self.said.extend_from_slice(&text[found.start..found.end]);
            self.found.push(Found {
                start: place(found.start),
                end: place(found.end),
                pattern: found.pattern,
                said: (start, self.said.len()),
            });
        }
    }

    /// Adds what only the reading before this one found: `'%13800138000%'` is no URL. Where both found something it is
    /// what this one read, and reaches as far as both of it.
    fn merge(&mut self, before: &[Found]) {
        let count = self.found.len();
        let found = &mut self.found;
        let mut at = 0;
        for other in before {
            while at < count && found[at].end <= other.start {
                at += 1;
            }
            let rest = found[at..count].iter();
            let overlaps = rest.take_while(|it| it.start < other.end).count();
            if overlaps == 0 {
                found.push(*other);
            } else {
                found[at].start = found[at].start.min(other.start);
                at += overlaps - 1;
                found[at].end = found[at].end.max(other.end);
            }
        }
        found.sort_unstable_by_key(|it| it.start);
    }
}

/// Whether `text` may have to be read in more than one way.
fn is_odd(text: &[u8]) -> bool {
    WRITTEN_OUT.is_in(text) || PERCENT.is_in(text)
}

/// Whether something may be found in `text`, however it is read.
pub(super) fn may_have(text: &[u8], patterns: Patterns) -> bool {
    !patterns.is_empty() && (is_odd(text) || patterns::may_have(text, patterns))
}
