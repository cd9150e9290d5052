//! Checks a sink of files.

use std::path::PathBuf;

use super::template;
use crate::problem::Report;
use crate::raw::{
    RawCompression, RawCompressionLevel, RawCompressionName, RawFileSink, RawGzip, RawZstd,
};
use crate::spec::{Compression, FileSinkSpec};
use crate::template::{Part, Template};

pub(super) fn check(at: &str, raw: RawFileSink, report: &mut Report) -> FileSinkSpec {
    FileSinkSpec {
        root: root(&format!("{at}.url"), &raw.url, report),
        path: path(&format!("{at}.path"), &raw.path, report),
        format: raw.format,
        compression: compression(&raw.compression),
        run: raw.run,
        paths_max: raw.paths_max,
    }
}

fn compression(raw: &RawCompression) -> Compression {
    match raw {
        RawCompression::Named(RawCompressionName::None) => Compression::None,
        RawCompression::Named(RawCompressionName::Gzip) => {
            Compression::Gzip(RawGzip::default().level)
        }
        RawCompression::Named(RawCompressionName::Zstd) => {
            Compression::Zstd(RawZstd::default().level)
        }
        RawCompression::Leveled(RawCompressionLevel::Gzip(raw)) => Compression::Gzip(raw.level),
        RawCompression::Leveled(RawCompressionLevel::Zstd(raw)) => Compression::Zstd(raw.level),
    }
}

/// The folder that `url` names.
fn root(at: &str, url: &str, report: &mut Report) -> PathBuf {
    const CURE: &str = "write `file:///` and an absolute path";
    let path = url.strip_prefix("file://").unwrap_or_default();
    if !path.starts_with('/') {
        report.add_with_cure(at, "is not the URL of an absolute path", CURE);
    } else if path.split('/').any(|name| name == "..") {
        report.add_with_cure(at, "leads back by `..`", CURE);
    }
    // Component by component, so that `/a/` and `/a` are the same folder.
    PathBuf::from(path).components().collect()
}

/// The template in `text`, whose fixed parts must not lead out of the sink's folder.
fn path(at: &str, text: &str, report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    stays_below(at, &template, report);
    template
}

/// Notes a problem if the fixed parts of `template` could lead out of the sink's folder.
fn stays_below(at: &str, template: &Template, report: &mut Report) {
    // What records put in is made safe by the sink; here any name stands for it.
    let sample = template.parts.iter().map(|part| match part {
        Part::Literal(text) | Part::Time(text) => text.as_str(),
        Part::Topic | Part::Partition | Part::Field(_) | Part::Route => "x",
    });
    let sample = sample.collect::<String>();
    if sample
        .split('/')
        .any(|name| ["", ".", ".."].contains(&name))
    {
        let cure = "write folders with one `/` between them, as in `{topic}/{route}`";
        report.add_with_cure(at, "has an empty folder name, a `.` or a `..` in it", cure);
    }
    if sample.contains(char::is_control) {
        report.add(at, "has a control character in it");
    }
}
