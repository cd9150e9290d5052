//! The mark of a dead letter that was replayed: where it lies, and when that was.
//!
//! It is stored beside the letter, in a topic as headers without a value, in a folder as a line of JSON. A mark is about one place:
//! when a record is refused again, its new letter lies at another one, and is open.

use serde::{Deserialize, Serialize};
use tamis_core::dead::{HEADER_ID, HEADER_STAGE};
use tamis_core::headers;

/// Version of the form; readers refuse others.
pub(crate) const VERSION: u32 = 1;
/// Header: the version of the form. It comes first.
const HEADER_VERSION: &str = "tamis-replayed";
/// Header: where the letter lies.
const HEADER_PLACE: &str = "tamis-place";
/// Header: when it was replayed, by RFC 3339.
const HEADER_WHEN: &str = "tamis-when";

/// Says that a letter was replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    version: u32,
    /// The id in the letter.
    pub id: String,
    /// Its stage.
    pub stage: String,
    /// Where it lies in its store.
    pub place: String,
    /// When, by RFC 3339, in UTC.
    pub when: String,
}

impl Marker {
    /// Of the letter with this id and stage at `place`.
    #[must_use]
    pub fn new(id: String, stage: String, place: String, when: String) -> Self {
        Self {
            version: VERSION,
            id,
            stage,
            place,
            when,
        }
    }

    /// The headers that it is in a topic, in their flat form.
    pub(crate) fn to_headers(&self) -> Vec<u8> {
        let mut flat = Vec::new();
        let version = self.version.to_string();
        for (name, value) in [
            (HEADER_VERSION, &version),
            (HEADER_ID, &self.id),
            (HEADER_STAGE, &self.stage),
            (HEADER_PLACE, &self.place),
            (HEADER_WHEN, &self.when),
        ] {
            headers::push(&mut flat, name, Some(value.as_bytes()));
        }
        flat
    }

    /// The mark in a record with `flat` headers, or what is wrong with it; `None` where it is something else.
    pub(crate) fn in_headers(flat: &[u8]) -> Option<Result<Self, String>> {
        let text =
            |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        let (name, version) = headers::iter(flat).next()?;
        if name != HEADER_VERSION {
            return None;
        }
        let version = text(version);
        if version != VERSION.to_string() {
            return Some(Err(format!("version {version} is not known")));
        }
        let said = |name: &str| {
            let header = headers::iter(flat).find(|(other, _)| *other == name);
            let header = header.ok_or_else(|| format!("header {name} is missing"));
            header.map(|(_, value)| text(value))
        };
        let read = || {
            Ok(Self {
                version: VERSION,
                id: said(HEADER_ID)?,
                stage: said(HEADER_STAGE)?,
                place: said(HEADER_PLACE)?,
                when: said(HEADER_WHEN)?,
            })
        };
        Some(read())
    }
}
