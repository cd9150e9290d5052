//! Checks a sink that writes collections of MongoDB.

mod create;

use std::collections::BTreeMap;

use jiff::fmt::temporal::DateTimeParser;

use super::{Beside, template};
use crate::problem::{Report, below};
use crate::raw::{RawAcknowledgment, RawMongodbSink, RawMongodbTls, RawWriteConcern};
use crate::spec::{
    MongodbDate, MongodbServers, MongodbSinkSpec, MongodbTls, MongodbWriteConcern, Secret,
    is_collection_name, is_database_name,
};
use crate::template::{Part, Template};

const DATABASE_RULE: &str =
    "1 to 63 bytes without a space or any of `/\\.\"$*<>:|?`; not `admin`, `config`, `local`";
const COLLECTION_RULE: &str = "not empty, without `$`, no `.` at an end or beside another, not below `system.`; 255 bytes with the database";
const FIELD_RULE: &str = "not empty, no `$` at its start, no `.` in it; not `_id`";

pub(super) fn check(
    at: &str,
    raw: RawMongodbSink,
    beside: &Beside<'_>,
    report: &mut Report,
) -> MongodbSinkSpec {
    let keep_id_as_at = format!("{at}.keep_id_as");
    if let Some(name) = &raw.keep_id_as {
        field_name(&keep_id_as_at, name, report);
    }
    uri(&format!("{at}.uri"), &raw.uri, report);
    let database = database(&format!("{at}.database"), &raw.database, report);
    let dates = dates(&format!("{at}.dates"), raw.dates, report);
    MongodbSinkSpec {
        collection: collection(
            &format!("{at}.collection"),
            &raw.collection,
            &database,
            report,
        ),
        uri: Secret::new(raw.uri),
        database,
        destinations_max: raw.destinations_max,
        write_concern: write_concern(&format!("{at}.write_concern"), raw.write_concern, report),
        create: create::check(&format!("{at}.create"), raw.create, &dates, report),
        dates,
        decimals: raw.decimals,
        big_numbers: raw.big_numbers,
        keep_id_as: raw.keep_id_as,
        tls: raw
            .tls
            .map(|raw| tls(&format!("{at}.tls"), raw, beside, report)),
        timeout_ms: raw.timeout_ms,
        requests: raw.requests.into(),
    }
}

/// Notes what is wrong with `uri`; never what is in it.
fn uri(at: &str, uri: &str, report: &mut Report) {
    const WRITE_CONCERN: [&str; 4] = ["w", "journal", "j", "wtimeoutms"];
    if uri.starts_with("mongodb+srv://") {
        let cure = "name the hosts themselves: `mongodb://host:port,host:port/`";
        return report.add_with_cure(at, "asks for a look-up that tamis does not do", cure);
    }
    let Some(rest) = uri.strip_prefix("mongodb://") else {
        return report.add_with_cure(at, "is no URI of MongoDB", "write `mongodb://host:port`");
    };
    let (hosts, options) = rest.split_once('?').unwrap_or((rest, ""));
    if hosts.matches('@').count() > 1 {
        let cure = "write `%40` for it";
        report.add_with_cure(at, "has an `@` in the user or the password", cure);
    }
    if !hosts.contains('@') && options.contains('@') {
        // What is before it would be taken for a host and its port, and be shown where that is.
        let cure = "write `%40` for it, and `%3F` for a `?` in the user or the password";
        report.add_with_cure(at, "has an `@` behind a `?`", cure);
    }
    let hosts = hosts.rsplit_once('@').map_or(hosts, |(_, hosts)| hosts);
    if hosts.is_empty() || hosts.starts_with('/') {
        report.add_with_cure(at, "names no host", "write `mongodb://host:port`");
    }
    for option in options.split('&') {
        let name = option.split('=').next().unwrap_or_default().to_lowercase();
        if WRITE_CONCERN.contains(&&*name) {
            let message = format!("has the option `{name}`, which is not for it to say");
            report.add_with_cure(at, message, "set `write_concern` and `timeout_ms` instead");
        }
    }
}

/// What stands for the names that a template makes: its literals, and any name in the place of what records put in.
fn sample(template: &Template) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Time(text) => text.replace('%', ""),
        Part::Topic | Part::Partition | Part::Field(_) | Part::Route => "x".to_owned(),
    };
    template.parts.iter().map(part).collect()
}

fn database(at: &str, text: &str, report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    if !is_database_name(&sample(&template)) {
        let message = "is not a name that MongoDB allows for a database";
        report.add_with_cure(at, message, DATABASE_RULE);
    }
    template
}

fn collection(at: &str, text: &str, database: &Template, report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    if !is_collection_name(&sample(database), &sample(&template)) {
        let message = "is not a name that MongoDB allows for a collection";
        report.add_with_cure(at, message, COLLECTION_RULE);
    }
    template
}

fn write_concern(at: &str, raw: RawWriteConcern, report: &mut Report) -> MongodbWriteConcern {
    let servers = match raw.w {
        RawAcknowledgment::Servers(count) => MongodbServers::Count(count),
        RawAcknowledgment::Named(name) if name == "majority" => MongodbServers::Majority,
        RawAcknowledgment::Named(name) => {
            if name.is_empty() || name.parse::<i64>().is_ok() {
                let cure = "`majority`, a number from 1 to 50 without quotes, or a name";
                report.add_with_cure(&format!("{at}.w"), "is no write concern", cure);
            }
            MongodbServers::Named(name)
        }
    };
    let journal = raw.journal;
    MongodbWriteConcern { servers, journal }
}

fn dates(at: &str, raw: BTreeMap<String, String>, report: &mut Report) -> Vec<MongodbDate> {
    let mut dates = Vec::new();
    for (pointer, zone) in raw {
        let at = below(at, &pointer);
        if DateTimeParser::new().parse_time_zone(&zone).is_err() {
            let cure = "as in `Asia/Shanghai`, `+08:00` or `UTC`";
            report.add_with_cure(&at, "is not the name of a time zone", cure);
        }
        match names(&pointer) {
            Some(field) => dates.push(MongodbDate { field, zone }),
            None => {
                let cure = "`/` and a name, as in `/Time` or `/Field/at`; `~` is written `~0`, `/` in a name `~1`";
                report.add_with_cure(&at, "is not a pointer to a field", cure);
            }
        }
    }
    dates
}

/// The names that a JSON pointer leads through.
fn names(pointer: &str) -> Option<Vec<String>> {
    let name = |name: &str| {
        let escapes = name.split('~').skip(1);
        let right = escapes.into_iter().all(|it| it.starts_with(['0', '1']));
        right.then(|| name.replace("~1", "/").replace("~0", "~"))
    };
    pointer.strip_prefix('/')?.split('/').map(name).collect()
}

/// Notes a problem unless `name` may be that of a field of a document.
fn field_name(at: &str, name: &str, report: &mut Report) {
    let legal = !name.is_empty() && !name.starts_with('$') && !name.contains(['.', '\0']);
    if !legal || name == "_id" {
        report.add_with_cure(at, "is not a name for a field", FIELD_RULE);
    }
}

fn tls(at: &str, raw: RawMongodbTls, beside: &Beside<'_>, report: &mut Report) -> MongodbTls {
    let mut file = |key: &str, path: Option<std::path::PathBuf>| {
        let path = path?;
        if path.as_os_str().is_empty() {
            report.add(&format!("{at}.{key}"), "must not be empty");
        }
        Some(beside.folder.join(path))
    };
    MongodbTls {
        ca: file("ca", raw.ca),
        certificate_key: file("certificate_key", raw.certificate_key),
    }
}
