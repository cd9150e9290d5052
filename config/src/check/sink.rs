//! Checks the sinks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::names;
use crate::problem::{Report, below, item};
use crate::raw::{
    RawCompression, RawCompressionLevel, RawCompressionName, RawFileSink, RawGzip, RawRoutes,
    RawSink, RawStar, RawZstd,
};
use crate::spec::{Compression, FileSinkSpec, Routes, SinkKind, SinkSpec};
use crate::template::{Part, Template};

/// The sinks, in order of their names.
pub(super) fn check(raw: BTreeMap<String, RawSink>, report: &mut Report) -> Vec<SinkSpec> {
    let mut roots = BTreeMap::new();
    let mut sinks = Vec::new();
    for (name, raw) in raw {
        let at = below("sinks", &name);
        names::check(&at, &name, report);
        let file = file(&format!("{at}.file"), raw.file, report);
        // An empty one is a problem already.
        let root = Some(&file.root).filter(|root| root.is_absolute()).cloned();
        if let Some(other) = root.and_then(|root| roots.insert(root, name.clone())) {
            // Files of two sinks in one folder cannot be told apart.
            let message = format!("is the folder of `sinks.{other}` too");
            report.add_with_cure(&format!("{at}.file.url"), message, "give each its own");
        }
        let routes = routes(&format!("{at}.routes"), raw.routes, report);
        sinks.push(SinkSpec {
            name,
            kind: SinkKind::File(file),
            routes,
        });
    }
    sinks
}

fn routes(at: &str, raw: Option<RawRoutes>, report: &mut Report) -> Routes {
    match raw {
        None => Routes::Unrouted,
        Some(RawRoutes::All(RawStar::Star)) => Routes::All,
        Some(RawRoutes::Named(names)) => {
            for (index, name) in names.iter().enumerate() {
                if name.is_empty() {
                    report.add(&item(at, index), "must not be empty");
                } else if names[..index].contains(name) {
                    report.add(&item(at, index), "is there twice");
                }
            }
            Routes::Named(names)
        }
    }
}

fn file(at: &str, raw: RawFileSink, report: &mut Report) -> FileSinkSpec {
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

/// The template in `text`.
fn path(at: &str, text: &str, report: &mut Report) -> Template {
    match Template::parse(text) {
        Ok(template) => {
            stays_below(at, &template, report);
            template
        }
        Err(error) => {
            let shown = if report.is_secret(at) {
                "is not a template".to_owned()
            } else {
                error
            };
            report.add(at, shown);
            Template { parts: Vec::new() }
        }
    }
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
