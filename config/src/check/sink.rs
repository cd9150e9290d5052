//! Checks the sinks: each is of exactly one kind, and each kind has a file of its own.

mod file;
mod kafka;
mod mongodb;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::names;
use crate::problem::{Report, below, item, quoted};
use crate::raw::{RawRoutes, RawSink, RawStar};
use crate::spec::{Routes, SinkKind, SinkSpec, SourceSpec};
use crate::template::Template;

/// What a sink is checked against.
struct Beside<'a> {
    /// Where the records come from.
    source: &'a SourceSpec,
    /// Whether there are other sinks, too.
    others: bool,
    /// Where relative paths start.
    folder: &'a Path,
}

/// The sinks, in order of their names.
pub(super) fn check(
    raw: BTreeMap<String, RawSink>,
    source: &SourceSpec,
    folder: &Path,
    report: &mut Report,
) -> Vec<SinkSpec> {
    let others = raw.len() > 1;
    let beside = Beside {
        source,
        others,
        folder,
    };
    let mut sinks = Vec::new();
    for (name, raw) in raw {
        let at = below("sinks", &name);
        names::check(&at, &name, report);
        let routes_at = format!("{at}.routes");
        let (kind, raw_routes) = kind(&at, raw, &beside, report);
        let routes = routes(&routes_at, raw_routes, report);
        sinks.extend(kind.map(|kind| SinkSpec { name, kind, routes }));
    }
    distinct_folders(&sinks, report);
    sinks
}

/// The one kind of the sink at `at`, and what it says of routes.
fn kind(
    at: &str,
    raw: RawSink,
    beside: &Beside<'_>,
    report: &mut Report,
) -> (Option<SinkKind>, Option<RawRoutes>) {
    let RawSink {
        file,
        kafka,
        mongodb,
        routes,
    } = raw;
    let kinds = ["file", "kafka", "mongodb"];
    let mut chosen = Vec::new();
    if let Some(raw) = file {
        let at = format!("{at}.file");
        chosen.push(SinkKind::File(file::check(&at, raw, report)));
    }
    if let Some(raw) = kafka {
        let at = format!("{at}.kafka");
        chosen.push(SinkKind::Kafka(kafka::check(&at, raw, beside, report)));
    }
    if let Some(raw) = mongodb {
        let at = format!("{at}.mongodb");
        chosen.push(SinkKind::Mongodb(mongodb::check(&at, raw, beside, report)));
    }
    if chosen.len() != 1 {
        let (kinds, found) = (quoted(kinds), chosen.len());
        report.add(
            at,
            format!("expected exactly one of {kinds}, found {found}"),
        );
    }
    (chosen.pop(), routes)
}

/// The template in `text`, unless it is none.
fn template(at: &str, text: &str, report: &mut Report) -> Option<Template> {
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(error) => {
            let shown = if report.is_secret(at) {
                "is not a template".to_owned()
            } else {
                error
            };
            report.add(at, shown);
            None
        }
    }
}

/// Files of two sinks in one folder could not be told apart.
fn distinct_folders(sinks: &[SinkSpec], report: &mut Report) {
    let mut roots = BTreeMap::<&PathBuf, &str>::new();
    for sink in sinks {
        let SinkKind::File(file) = &sink.kind else {
            continue;
        };
        // An empty one is a problem already.
        let root = Some(&file.root).filter(|root| root.is_absolute());
        if let Some(other) = root.and_then(|root| roots.insert(root, &sink.name)) {
            let message = format!("is the folder of `sinks.{other}` too");
            let at = format!("{}.file.url", below("sinks", &sink.name));
            report.add_with_cure(&at, message, "give each its own");
        }
    }
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
