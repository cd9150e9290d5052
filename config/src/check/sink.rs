//! Checks the sinks: each is of exactly one kind, and each kind has a file of its own.

mod elasticsearch;
mod file;
mod kafka;
mod mongodb;
mod mysql;
mod outage;
mod when;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::names;
use crate::problem::{Report, below, item, quoted};
use crate::raw::{RawOnOutage, RawRoutes, RawSink, RawStar, RawWhen};
use crate::spec::{Routes, SinkKind, SinkSpec, SourceSpec};
use crate::template::Template;

/// What a sink is checked against.
struct Beside<'a> {
    /// Where the records come from.
    source: &'a SourceSpec,
    /// Where relative paths start.
    folder: &'a Path,
    /// Whether there are other sinks, too.
    others: bool,
}

/// The sinks, in order of their names.
pub(super) fn check(
    raw: BTreeMap<String, RawSink>,
    source: &SourceSpec,
    folder: &Path,
    report: &mut Report,
) -> Vec<SinkSpec> {
    let beside = Beside {
        source,
        folder,
        others: raw.len() > 1,
    };
    let mut sinks = Vec::new();
    for (name, raw) in raw {
        let at = below("sinks", &name);
        names::check(&at, &name, report);
        let (kind, rest) = kind(&at, raw, &beside, report);
        let routes = routes(&format!("{at}.routes"), rest.routes, report);
        let when = rest.when;
        let when = when.map(|raw| when::check(&format!("{at}.when"), raw, report));
        let outage_at = format!("{at}.on_outage");
        let on_outage = outage::check(&outage_at, rest.on_outage, kind.as_ref(), &beside, report);
        sinks.extend(kind.map(|kind| SinkSpec {
            name,
            kind,
            routes,
            when,
            on_outage,
        }));
    }
    distinct_folders(&sinks, report);
    sinks
}

/// What every sink may say.
struct Rest {
    routes: Option<RawRoutes>,
    when: Option<RawWhen>,
    on_outage: RawOnOutage,
}

/// The one kind of the sink at `at`, and what else it says.
fn kind(
    at: &str,
    raw: RawSink,
    beside: &Beside<'_>,
    report: &mut Report,
) -> (Option<SinkKind>, Rest) {
    let RawSink {
        elasticsearch,
        file,
        kafka,
        mongodb,
        mysql,
        routes,
        when,
        on_outage,
    } = raw;
    let kinds = ["elasticsearch", "file", "kafka", "mongodb", "mysql"];
    let mut chosen = Vec::new();
    if let Some(raw) = elasticsearch {
        let at = format!("{at}.elasticsearch");
        let spec = elasticsearch::check(&at, raw, beside.folder, report);
        chosen.push(SinkKind::Elasticsearch(spec));
    }
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
    if let Some(raw) = mysql {
        let at = format!("{at}.mysql");
        let spec = mysql::check(&at, raw, beside.folder, report);
        chosen.push(SinkKind::Mysql(spec));
    }
    if chosen.len() != 1 {
        let (kinds, found) = (quoted(kinds), chosen.len());
        report.add(
            at,
            format!("expected exactly one of {kinds}, found {found}"),
        );
    }
    let rest = Rest {
        routes,
        when,
        on_outage,
    };
    (chosen.pop(), rest)
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
