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
pub struct Fragment(Box<[u8]>);

impl Fragment {
    /// Writes `value`.
    ///
    /// # Errors
    /// Where serde refuses it: a map whose keys are no strings, for one.
    pub fn new(value: impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_vec(&value)?.into()))
    }
}

impl ToJson for Fragment {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
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
