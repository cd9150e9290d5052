//! The JSON object that is made of a line.

use tamis_sdk::ToJson;

/// An object, as far as it is written. Kept from record to record for its memory.
#[derive(Debug, Default)]
pub(super) struct Object {
    out: Vec<u8>,
}

impl Object {
    /// Starts anew.
    pub(super) fn clear(&mut self) {
        self.out.clear();
        self.out.push(b'{');
    }

    /// Adds a string.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        value.write_json(&mut self.out);
    }

    /// Adds a string, where there is one.
    pub(super) fn some_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// Adds strings.
    pub(super) fn texts<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        self.key(key);
        self.out.push(b'[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            value.write_json(&mut self.out);
        }
        self.out.push(b']');
    }

    /// Adds a number.
    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        value.write_json(&mut self.out);
    }

    /// Adds what is JSON already.
    pub(super) fn json(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Starts an object within this one; what is added belongs to it until it is closed.
    pub(super) fn open(&mut self, key: &str) {
        self.key(key);
        self.out.push(b'{');
    }

    /// Ends the object that was opened last.
    pub(super) fn close(&mut self) {
        self.out.push(b'}');
    }

    /// Ends the whole.
    pub(super) fn finish(&mut self) -> &[u8] {
        self.close();
        &self.out
    }

    fn key(&mut self, key: &str) {
        // No value ends with an open brace.
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        key.write_json(&mut self.out);
        self.out.push(b':');
    }
}
