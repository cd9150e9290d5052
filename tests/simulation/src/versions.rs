//! Which versions of the plugins made a record: by the marks that they leave in it, and by what the engine says.

use tamis_core::dead::{HEADER_REASON, HEADER_STAGE_VERSION};
use tamis_core::headers;
use tamis_core::sink::Record;

const REFUSED_BY: &str = "refused by ";

/// The key of a record with the mark of `version` behind those that are in it.
pub(crate) fn marked(key: Option<&[u8]>, version: u32) -> String {
    match key {
        Some(key) => format!("{},{version}", String::from_utf8_lossy(key)),
        None => version.to_string(),
    }
}

/// The words with which `version` refuses a record.
pub(crate) fn refusal(version: u32) -> String {
    format!("{REFUSED_BY}{version}")
}

/// Checks that the versions that `record` is said to be of are those that it has the marks of, each once.
pub(crate) fn check(record: Record<'_>) {
    let stamped = record
        .stamp()
        .parts()
        .filter_map(|part| part.split_once('@'));
    let stamped: Vec<&str> = stamped.map(|(_, version)| version).collect();
    let marks = String::from_utf8_lossy(record.key().unwrap_or_default());
    let id = record.id();
    assert_eq!(stamped.join(","), marks, "{id} is by others than it says");
}

/// Checks of a dead letter that the version which it is said to be of is the one that refused the record.
pub(crate) fn check_letter(letter: Record<'_>) {
    let header = |name: &str| {
        let found = headers::iter(letter.headers()).find(|(header, _)| *header == name);
        let value = found.and_then(|(_, value)| value).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let reason = header(HEADER_REASON);
    // Stores have no versions.
    if let Some(version) = reason.strip_prefix(REFUSED_BY) {
        let id = letter.id();
        let said = header(HEADER_STAGE_VERSION);
        assert_eq!(said, version, "{id} was refused by another than it says");
    }
}
