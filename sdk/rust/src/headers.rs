//! The headers of a record as the contract lays them out: name length, name, value length (-1 for none), value.

use crate::length;

/// The headers of one record, in order.
#[derive(Debug, Clone)]
pub struct Headers<'b> {
    rest: &'b [u8],
}

impl<'b> Headers<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    fn length(&mut self) -> Option<usize> {
        let bytes = self.take(4).try_into().expect("four bytes were taken");
        usize::try_from(i32::from_le_bytes(bytes)).ok()
    }
}

impl<'b> Iterator for Headers<'b> {
    type Item = (&'b str, Option<&'b [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name_length = self.length().expect("a header has a name");
        let name = std::str::from_utf8(self.take(name_length)).expect("names are UTF-8");
        let value = self.length().map(|length| self.take(length));
        Some((name, value))
    }
}

/// Lays one more header behind the others.
pub(crate) fn push(bytes: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    bytes.extend_from_slice(&length(name.len()).to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&value.map_or(-1, |value| length(value.len())).to_le_bytes());
    bytes.extend_from_slice(value.unwrap_or_default());
}
