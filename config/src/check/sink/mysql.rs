//! Checks a sink that writes MySQL or MariaDB.

mod columns;
mod server;

use std::path::Path;

use super::template;
use crate::problem::Report;
use crate::raw::{RawMysqlSink, RawMysqlTls};
use crate::spec::{MysqlSinkSpec, MysqlTls, MysqlTlsMode, is_sql_name};
use crate::template::{Part, Template};

/// What the name of a table or a column is made of.
const NAME_RULE: &str = "letters, digits, `_`, `$` and `-`; 1 to 64 characters";

pub(super) fn check(
    at: &str,
    raw: RawMysqlSink,
    folder: &Path,
    report: &mut Report,
) -> MysqlSinkSpec {
    MysqlSinkSpec {
        server: server::check(at, &raw.url, raw.password, report),
        tls: tls(&format!("{at}.tls"), raw.tls, folder, report),
        table: table(&format!("{at}.table"), &raw.table, report),
        destinations_max: raw.destinations_max,
        columns: columns::check(&format!("{at}.columns"), raw.columns, report),
        create: raw.create,
        timeout_ms: raw.timeout_ms,
        requests: raw.requests.into(),
    }
}

/// The template of the table in `text`.
fn table(at: &str, text: &str, report: &mut Report) -> Template {
    let Some(template) = template(at, text, report) else {
        return Template { parts: Vec::new() };
    };
    // What records put in is judged when it is there; here a digit stands for it.
    let sample = template.parts.iter().map(|part| match part {
        Part::Literal(text) => text.clone(),
        Part::Time(format) => format.replace('%', ""),
        Part::Topic | Part::Partition | Part::Field(_) | Part::Route => "0".to_owned(),
    });
    if !is_sql_name(&sample.collect::<String>()) {
        report.add_with_cure(at, "is not the name of a table", NAME_RULE);
    }
    template
}

fn tls(at: &str, raw: Option<RawMysqlTls>, folder: &Path, report: &mut Report) -> MysqlTls {
    let Some(raw) = raw else {
        return MysqlTls::default();
    };
    let given = [&raw.ca, &raw.certificate, &raw.key];
    match raw.mode {
        MysqlTlsMode::Disabled if given.into_iter().any(Option::is_some) => {
            let message = "is `disabled`, so that certificates say nothing";
            report.add(&format!("{at}.mode"), message);
        }
        MysqlTlsMode::Required if raw.ca.is_some() => {
            let message = "is `required`, which looks at no certificate, so that `ca` says nothing";
            let cure = "write `verify_ca` or `verify_identity`";
            report.add_with_cure(&format!("{at}.mode"), message, cure);
        }
        MysqlTlsMode::Disabled
        | MysqlTlsMode::Required
        | MysqlTlsMode::VerifyCa
        | MysqlTlsMode::VerifyIdentity => {}
    }
    let client = match (raw.certificate, raw.key) {
        (Some(certificate), Some(key)) => Some((folder.join(certificate), folder.join(key))),
        (None, None) => None,
        (Some(_), None) => {
            report.add(&format!("{at}.key"), "is missing beside `certificate`");
            None
        }
        (None, Some(_)) => {
            report.add(&format!("{at}.certificate"), "is missing beside `key`");
            None
        }
    };
    MysqlTls {
        mode: Some(raw.mode),
        ca: raw.ca.map(|path| folder.join(path)),
        client,
    }
}
