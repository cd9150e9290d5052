//! Bytes of BSON (version 1.1), as they are written from front to back: lengths and types are put in once they are known.

/// What stands before the name of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Double = 0x01,
    Text = 0x02,
    Document = 0x03,
    Array = 0x04,
    Bool = 0x08,
    Date = 0x09,
    Null = 0x0a,
    Int64 = 0x12,
    Decimal128 = 0x13,
}

/// Where something begins whose length is not known yet.
#[derive(Debug, Clone, Copy)]
#[must_use = "it has to be closed"]
pub(super) struct Open(usize);

/// A document on its way to its end. What is opened last is closed first; nothing of it is checked here.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What was written from `start` on, or as much of it as `range` says.
    pub(super) fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.0[range]
    }

    /// Takes back what was written from `start` on.
    pub(super) fn truncate(&mut self, start: usize) {
        self.0.truncate(start);
    }

    /// The type of an element that is not known yet. Its name comes next, then [`Self::end_name`], then its value.
    pub(super) fn element(&mut self) -> usize {
        self.0.push(0);
        self.0.len() - 1
    }

    pub(super) fn end_name(&mut self) {
        self.0.push(0);
    }

    /// Says what kind of value the element at `element` has.
    pub(super) fn set_kind(&mut self, element: usize, kind: Kind) {
        self.0[element] = kind as u8;
    }

    /// A piece of a name or text.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The name of an array's element.
    pub(super) fn push_index(&mut self, index: usize) {
        let mut digits = [0; 20];
        let (mut at, mut rest) = (digits.len(), index);
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(rest % 10).expect("it is a digit");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[at..]);
    }

    /// A document, an array, or a text.
    pub(super) fn open(&mut self) -> Open {
        self.0.extend_from_slice(&[0; 4]);
        Open(self.0.len() - 4)
    }

    /// Ends a document or an array, whose length counts all of it.
    pub(super) fn close(&mut self, open: Open) {
        self.0.push(0);
        self.set_length(open, self.0.len() - open.0);
    }

    /// Ends a text, whose length does not count itself.
    pub(super) fn close_text(&mut self, open: Open) {
        self.0.push(0);
        self.set_length(open, self.0.len() - open.0 - 4);
    }

    fn set_length(&mut self, open: Open, length: usize) {
        // A longer one is refused as a whole before it is sent, and its bytes are never read.
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.0[open.0..open.0 + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        let open = self.open();
        self.push(text.as_bytes());
        self.close_text(open);
    }

    /// Removes these ranges, which are in order and do not meet: elements of the document that is being written.
    pub(super) fn remove(&mut self, ranges: &[std::ops::Range<usize>]) {
        let Some(first) = ranges.first() else { return };
        let mut to = first.start;
        for (index, range) in ranges.iter().enumerate() {
            let next = ranges.get(index + 1);
            let until = next.map_or(self.0.len(), |next| next.start);
            self.0.copy_within(range.end..until, to);
            to += until - range.end;
        }
        self.0.truncate(to);
    }
}
