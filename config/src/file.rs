//! The configuration file: its text, and the tree of values in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use config::{FileFormat, Format};
use serde::Deserialize;
use serde_json::Value;

use crate::origin::Origins;
use crate::problem::{Problems, Report};

/// A configuration is written by people: a megabyte of it is a mistake.
pub(crate) const CONFIGURATION_BYTES_MAX: u64 = 1 << 20;

/// The text of the file at `path`, which may have `bytes_max` bytes. The error names neither the
/// path nor the content.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<String, String> {
    let mut text = String::new();
    let length = File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {}", reason(&error)))?;
    if length as u64 > bytes_max {
        return Err(format!(
            "cannot be read: it is larger than {bytes_max} bytes"
        ));
    }
    Ok(text)
}

/// What the operating system said, in words that do not differ between systems where it matters.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// The tree of values in `text`, and the report that knows their lines.
pub(crate) fn parse(text: &str, path: &Path) -> Result<(Value, Report), Problems> {
    let (origins, duplicates) = Origins::walk(path, text).map_err(|error| {
        let line = Some(error.marker().line());
        Problems::one(
            path,
            line,
            format!("is not a configuration: {}", error.info()),
        )
    })?;
    let mut report = Report::new(origins);
    for duplicate in duplicates {
        let lines = format!(
            "lines {} and {}",
            duplicate.first_line, duplicate.second_line
        );
        report.add(&duplicate.path, format!("is there twice: {lines}"));
    }
    report.end()?;

    // The format alone, not `Config::builder()`: that one would take a key such as
    // `session.timeout.ms` for a path.
    let table = FileFormat::Yaml
        .parse(None, text)
        .map_err(|error| Problems::one(path, None, format!("is not a configuration: {error}")))?;
    let tree = Value::deserialize(config::Value::from(table))
        .map_err(|error| Problems::one(path, None, format!("is not a configuration: {error}")))?;
    Ok((tree, report))
}
