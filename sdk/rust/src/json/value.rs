//! What members can be set to.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::text;

/// A value that can be written as JSON without fail. What serde alone can write becomes a [`Fragment`] first.
pub trait ToJson {
    /// Writes it behind `out`: one whole JSON value, and nothing else.
    fn write_json(&self, out: &mut Vec<u8>);
}

/// A value that was written as JSON once, for setting it often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    len: usize,
    /// The first bytes. A copy of fixed length is a few moves; one of another length, in the sandbox, a call.
    first: [u8; Self::SHORT],
    /// All bytes, where there are more.
    long: Box<[u8]>,
}

impl Fragment {
    const SHORT: usize = 32;

    /// Writes `value`.
    ///
    /// # Errors
    /// Where serde refuses it: a map whose keys are no strings, for one.
    pub fn new(value: impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of(&serde_json::to_vec(&value)?))
    }

    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut first = [0; Self::SHORT];
        let len = bytes.len();
        if len <= Self::SHORT {
            first[..len].copy_from_slice(bytes);
            return Self {
                len,
                first,
                long: Box::default(),
            };
        }
        Self {
            len,
            first,
            long: bytes.into(),
        }
    }
}

impl ToJson for Fragment {
    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        if self.len <= Self::SHORT {
            let end = out.len() + self.len;
            out.extend_from_slice(&self.first);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.long);
        }
    }
}

impl ToJson for str {
    fn write_json(&self, out: &mut Vec<u8>) {
        if text::is_plain(self.as_bytes()) {
            out.push(b'"');
            out.extend_from_slice(self.as_bytes());
            out.push(b'"');
        } else {
            by_serde(self, out);
        }
    }
}

impl ToJson for String {
    fn write_json(&self, out: &mut Vec<u8>) {
        self.as_str().write_json(out);
    }
}

impl ToJson for Cow<'_, str> {
    fn write_json(&self, out: &mut Vec<u8>) {
        self.as_ref().write_json(out);
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write_json(&self, out: &mut Vec<u8>) {
        T::write_json(self, out);
    }
}

macro_rules! by_serde {
    ($($type:ty),*) => {
        $(impl ToJson for $type {
            fn write_json(&self, out: &mut Vec<u8>) {
                by_serde(self, out);
            }
        })*
    };
}

by_serde!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Value);

fn by_serde(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("no such value fails, nor does a vector");
}
