//! Checks which records a sink takes, beside their routes.

use crate::problem::{Report, item};
use crate::raw::{RawProperty, RawWhen};
use crate::spec::{Among, WhenSpec};

pub(super) fn check(at: &str, raw: RawWhen, report: &mut Report) -> WhenSpec {
    let RawWhen { field, is, is_not } = raw;
    let field_at = format!("{at}.field");
    if !field.starts_with('/') {
        let message = "is not a pointer to a field, which starts with `/`";
        report.add_with_cure(&field_at, message, "as in `/Type`");
    } else if field
        .split('~')
        .skip(1)
        .any(|it| !it.starts_with(['0', '1']))
    {
        let message = "in a pointer `~` is written `~0` and `/` in a name `~1`";
        report.add(&field_at, message);
    }
    let among = match (is, is_not) {
        (Some(values), None) => Among::These(values.into_iter().map(text).collect()),
        (None, Some(values)) => Among::Others(values.into_iter().map(text).collect()),
        (None, None) | (Some(_), Some(_)) => {
            report.add(at, "expected exactly one of `is`, `is_not`");
            Among::These(Vec::new())
        }
    };
    let (key, values) = match &among {
        Among::These(values) => ("is", values),
        Among::Others(values) => ("is_not", values),
    };
    for (index, value) in values.iter().enumerate() {
        if values[..index].contains(value) {
            report.add(&item(&format!("{at}.{key}"), index), "is there twice");
        }
    }
    WhenSpec { field, among }
}

fn text(value: RawProperty) -> String {
    match value {
        RawProperty::Text(text) => text,
        RawProperty::Number(number) => number.to_string(),
        RawProperty::Flag(flag) => flag.to_string(),
    }
}
