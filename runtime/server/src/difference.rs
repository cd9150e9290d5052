//! What became otherwise of a record, in words.

use tamis_core::shadow::{Became, Change, Fate, Output};

use crate::fields;

const WORDS: [&str; 2] = ["was", "is"];

/// How `new` differs from `old`, a line for each difference.
pub(crate) fn of_record(old: &Became, new: &Became) -> Vec<String> {
    match (&old.outputs[..], &new.outputs[..]) {
        ([one], [other]) if old.rejected.is_empty() && new.rejected.is_empty() => {
            of_output(one, other)
        }
        _ => {
            let [was, is] = WORDS;
            vec![format!("{was} {}, {is} {}", fate(old), fate(new))]
        }
    }
}

/// The kind of a difference, for a script.
pub(crate) fn key(change: Change) -> String {
    match change {
        Change::Fate(was, is) => format!("{}_to_{}", decided(was), decided(is)),
        Change::Outputs => "outputs".to_owned(),
        Change::Value => "value".to_owned(),
        Change::Key => "key".to_owned(),
        Change::Headers => "headers".to_owned(),
        Change::Route => "route".to_owned(),
        Change::Time => "time".to_owned(),
        Change::Reason => "reason".to_owned(),
    }
}

/// The kind of a difference, for a person.
pub(crate) fn words(change: Change) -> String {
    match change {
        Change::Fate(was, is) => {
            let [before, now] = WORDS;
            format!("{before} {}, {now} {}", decided(was), decided(is))
        }
        Change::Outputs => "another number of records".to_owned(),
        Change::Value => "another value".to_owned(),
        Change::Key => "another key".to_owned(),
        Change::Headers => "other headers".to_owned(),
        Change::Route => "another route".to_owned(),
        Change::Time => "another time".to_owned(),
        Change::Reason => "refused for another reason".to_owned(),
    }
}

fn decided(fate: Fate) -> &'static str {
    match fate {
        Fate::Kept => "kept",
        Fate::Dropped => "dropped",
        Fate::Refused => "refused",
    }
}

fn of_output(old: &Output, new: &Output) -> Vec<String> {
    let mut said = match (&old.value, &new.value) {
        (one, other) if one == other => Vec::new(),
        (Some(one), Some(other)) => fields::changed(one, other, WORDS),
        (one, other) => vec![changed("the value", one.as_deref(), other.as_deref())],
    };
    let parts = [
        ("the key", old.key.as_deref(), new.key.as_deref()),
        ("the route", old.route.as_deref(), new.route.as_deref()),
    ];
    for (part, one, other) in parts {
        if one != other {
            said.push(changed(part, one, other));
        }
    }
    if old.headers != new.headers {
        said.push("the headers differ".to_owned());
    }
    if old.timestamp_ms != new.timestamp_ms {
        let [was, is] = WORDS;
        let (one, other) = (old.timestamp_ms, new.timestamp_ms);
        said.push(format!("the time: {was} {one} ms, {is} {other} ms"));
    }
    said
}

fn changed(part: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> String {
    let show = |bytes: Option<&[u8]>| bytes.map_or("none".to_owned(), fields::text);
    let [was, is] = WORDS;
    format!("{part}: {was} {}, {is} {}", show(old), show(new))
}

fn fate(became: &Became) -> String {
    let rejected = became.rejected.first();
    match (became.outputs.len(), rejected) {
        (0, None) => "dropped".to_owned(),
        (0, Some(reason)) => format!("refused ({reason})"),
        (1, None) => "kept".to_owned(),
        (outputs, None) => format!("{outputs} records"),
        (outputs, Some(reason)) => format!("{outputs} records, and refused ({reason})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(value: &str, route: Option<&str>) -> Output {
        Output {
            value: Some(value.as_bytes().to_vec()),
            key: None,
            headers: Vec::new(),
            route: route.map(|it| it.as_bytes().to_vec()),
            timestamp_ms: 5,
        }
    }

    fn kept(outputs: Vec<Output>) -> Became {
        Became {
            outputs,
            rejected: Vec::new(),
        }
    }

    #[test]
    fn what_became_of_a_record_is_compared_field_by_field_and_by_its_fate() {
        let check = |old: &Became, new: &Became, expected: &[&str]| {
            assert_eq!(of_record(old, new), expected);
        };
        let one = kept(vec![output(r#"{"a":1,"b":2}"#, None)]);
        let other = kept(vec![output(r#"{"a":1,"b":3,"c":4}"#, Some("slow"))]);
        let both = [
            "/b: was 2, is 3",
            "/c: was nothing, is 4",
            "the route: was none, is slow",
        ];
        check(&one, &other, &both);
        check(&one, &Became::default(), &["was kept, is dropped"]);
        let refused = Became {
            outputs: vec![],
            rejected: vec!["no JSON".to_owned()],
        };
        check(&refused, &one, &["was refused (no JSON), is kept"]);
        let two = kept([&one.outputs[..], &one.outputs[..]].concat());
        check(&one, &two, &["was kept, is 2 records"]);
    }
}
