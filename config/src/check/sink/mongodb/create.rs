//! Checks what is to be made with a collection.

use super::field_name;
use crate::problem::{Report, item};
use crate::raw::{RawMongodbCreate, RawMongodbIndex, RawTimeSeries};
use crate::spec::{MongodbCreate, MongodbDate, MongodbIndex, MongodbKind};

pub(super) fn check(
    at: &str,
    raw: RawMongodbCreate,
    dates: &[MongodbDate],
    report: &mut Report,
) -> MongodbCreate {
    let kind = match (raw.capped, raw.time_series) {
        (None, None) => MongodbKind::Plain,
        (Some(capped), None) => MongodbKind::Capped {
            bytes_max: capped.bytes_max,
            records_max: capped.records_max,
        },
        (capped, Some(raw)) => {
            let at = format!("{at}.time_series");
            if capped.is_some() {
                report.add(&at, "cannot stand beside `capped`");
            }
            time_series(&at, raw, dates, report)
        }
    };
    let mut indexes = Vec::new();
    for (index, raw) in raw.indexes.into_iter().enumerate() {
        let at = item(&format!("{at}.indexes"), index);
        if raw.expire_after_s.is_some() && matches!(kind, MongodbKind::Capped { .. }) {
            let message =
                "means nothing in a capped collection, from which nothing is removed by age";
            report.add(&format!("{at}.expire_after_s"), message);
        }
        indexes.push(self::index(&at, raw, dates, report));
    }
    MongodbCreate { indexes, kind }
}

fn time_series(
    at: &str,
    raw: RawTimeSeries,
    dates: &[MongodbDate],
    report: &mut Report,
) -> MongodbKind {
    let RawTimeSeries {
        time_field,
        meta_field,
        granularity,
        expire_after_s,
    } = raw;
    field_name(&format!("{at}.time_field"), &time_field, report);
    if !is_date(&time_field, dates) {
        let cure = format!("add `/{time_field}` to `dates`");
        let message = "is none of `dates`, and MongoDB takes nothing else there";
        report.add_with_cure(&format!("{at}.time_field"), message, cure);
    }
    if let Some(name) = &meta_field {
        let at = format!("{at}.meta_field");
        field_name(&at, name, report);
        if *name == time_field {
            report.add(&at, "is `time_field`, too");
        }
    }
    MongodbKind::TimeSeries {
        time_field,
        meta_field,
        granularity,
        expire_after_s,
    }
}

fn index(
    at: &str,
    raw: RawMongodbIndex,
    dates: &[MongodbDate],
    report: &mut Report,
) -> MongodbIndex {
    let mut keys = Vec::<(String, bool)>::new();
    for (index, text) in raw.keys.iter().enumerate() {
        let at = item(&format!("{at}.keys"), index);
        let (path, down) = match text.strip_prefix('-') {
            Some(path) => (path, true),
            None => (text.as_str(), false),
        };
        let legal = |name: &str| !name.is_empty() && !name.starts_with('$') && !name.contains('\0');
        if !path.split('.').all(legal) {
            let cure =
                "names with `.` between them, as in `Field.user`, after a `-` if it goes down";
            report.add_with_cure(&at, "is not a field", cure);
        } else if keys.iter().any(|(key, _)| key == path) {
            report.add(&at, "is there twice");
        }
        keys.push((path.to_owned(), down));
    }
    if raw.name.as_ref().is_some_and(String::is_empty) {
        report.add(&format!("{at}.name"), "must not be empty");
    }
    if raw.expire_after_s.is_some() {
        expires(&format!("{at}.expire_after_s"), &keys, dates, report);
    }
    MongodbIndex {
        keys,
        name: raw.name,
        expire_after_s: raw.expire_after_s,
    }
}

/// Notes a problem where nothing would ever be removed.
fn expires(at: &str, keys: &[(String, bool)], dates: &[MongodbDate], report: &mut Report) {
    let [(key, _)] = keys else {
        return report.add(at, "needs an index of one field");
    };
    if !is_date(key, dates) {
        let cure = format!("add `/{}` to `dates`", key.replace('.', "/"));
        let message = "would never remove anything, since the field is none of `dates`";
        report.add_with_cure(at, message, cure);
    }
}

/// Whether the field at `path` becomes a date.
fn is_date(path: &str, dates: &[MongodbDate]) -> bool {
    dates.iter().any(|date| date.field.join(".") == path)
}
