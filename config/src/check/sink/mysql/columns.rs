//! Checks the columns of a table, and knows those of the fleet's logs.

use std::collections::BTreeMap;

use super::NAME_RULE;
use crate::problem::{Report, below, near_miss, quoted};
use crate::raw::RawMysqlColumn;
use crate::spec::{MYSQL_ID, MysqlColumn, MysqlFrom, MysqlType, is_sql_name};
use crate::template;

/// The columns that are configured, or those of the fleet's logs.
pub(super) fn check(
    at: &str,
    raw: Option<BTreeMap<String, RawMysqlColumn>>,
    report: &mut Report,
) -> Vec<MysqlColumn> {
    let Some(raw) = raw else {
        return fleet();
    };
    let mut columns: Vec<MysqlColumn> = Vec::with_capacity(raw.len());
    for (name, raw) in raw {
        let at = below(at, &name);
        let same = |other: &str| other.to_lowercase() == name.to_lowercase();
        if same(MYSQL_ID) {
            report.add(&at, "is the column of the record's id, which Tamis fills");
        } else if !is_sql_name(&name) {
            report.add_with_cure(&at, "is not the name of a column", NAME_RULE);
        } else if columns.iter().any(|other| same(&other.name)) {
            report.add(&at, "is there twice: MySQL sees no difference of case");
        }
        columns.push(MysqlColumn {
            from: from(&format!("{at}.from"), raw.from.as_deref(), &name, report),
            kind: kind(&format!("{at}.type"), &raw.kind, report),
            name,
        });
    }
    columns
}

/// What the fleet logs: five fields of text, one that is free, and whatever comes beside them.
fn fleet() -> Vec<MysqlColumn> {
    let column = |name: &str, from: MysqlFrom, kind: MysqlType| {
        let name = name.to_owned();
        MysqlColumn { name, from, kind }
    };
    let field =
        |name: &str, kind: MysqlType| column(name, MysqlFrom::Field(vec![name.to_owned()]), kind);
    vec![
        field("Type", MysqlType::Varchar(64)),
        field("Action", MysqlType::Varchar(255)),
        field("Time", MysqlType::Datetime(3)),
        field("Msg", MysqlType::MediumText),
        field("FuncName", MysqlType::Varchar(255)),
        field("Field", MysqlType::Json),
        column("rest", MysqlFrom::Rest, MysqlType::Json),
    ]
}

/// What goes into the column `name`.
fn from(at: &str, text: Option<&str>, name: &str, report: &mut Report) -> MysqlFrom {
    const WORDS: [&str; 4] = ["{rest}", "{value}", "{time}", "{topic}"];
    let Some(text) = text else {
        return MysqlFrom::Field(vec![name.to_owned()]);
    };
    match text {
        "{rest}" => return MysqlFrom::Rest,
        "{value}" => return MysqlFrom::Value,
        "{time}" => return MysqlFrom::Time,
        "{topic}" => return MysqlFrom::Topic,
        _ => {}
    }
    match template::pointer(text) {
        Ok(keys) => return MysqlFrom::Field(keys),
        Err(message) if text.starts_with('/') => report.add(at, message),
        Err(_) => {
            let message = format!(
                "is neither a pointer to a field nor one of {}",
                quoted(WORDS)
            );
            // A secret is not shown, and what it nearly is would show it.
            let meant = near_miss(text, WORDS).filter(|_| !report.is_secret(at));
            let cure = meant.map(|it| format!("did you mean `{it}`?"));
            let cure = cure.unwrap_or_else(|| "a pointer begins with `/`".to_owned());
            report.add_with_cure(at, message, cure);
        }
    }
    MysqlFrom::Value
}

fn kind(at: &str, text: &str, report: &mut Report) -> MysqlType {
    const CURE: &str = "there are `varchar(n)`, `text`, `mediumtext`, `longtext`, `bigint`, `double`, `decimal(p,s)`, \
                        `datetime(p)`, `json` and `boolean`";
    match parse(text) {
        Some(Ok(kind)) => return kind,
        Some(Err(message)) => report.add(at, message),
        None => report.add_with_cure(at, "is not the type of a column", CURE),
    }
    MysqlType::LongText
}

/// The type that `text` names; `None` where it is none, and a message where its numbers are wrong.
fn parse(text: &str) -> Option<Result<MysqlType, &'static str>> {
    let text = text.to_lowercase();
    let (name, numbers) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')')?),
        None => (&*text, ""),
    };
    let numbers = numbers
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty());
    let numbers = numbers
        .map(|it| it.parse().ok())
        .collect::<Option<Vec<u32>>>()?;
    Some(Ok(match (name.trim(), &numbers[..]) {
        ("varchar", [length @ 1..=16_383]) => MysqlType::Varchar(*length),
        ("varchar", _) => return Some(Err("needs a length from 1 to 16383, as in `varchar(255)`")),
        ("text", []) => MysqlType::Text,
        ("mediumtext", []) => MysqlType::MediumText,
        ("longtext", []) => MysqlType::LongText,
        ("bigint", []) => MysqlType::Bigint,
        ("double", []) => MysqlType::Double,
        ("decimal", [digits @ 1..=65, scale @ 0..=30]) if scale <= digits => {
            MysqlType::Decimal(*digits, *scale)
        }
        ("decimal", _) => {
            let message = "needs 1 to 65 digits, of which 0 to 30 stand behind the point, as in `decimal(20,4)`";
            return Some(Err(message));
        }
        ("datetime", []) => MysqlType::Datetime(0),
        ("datetime", [digits @ 0..=6]) => MysqlType::Datetime(*digits),
        ("datetime", _) => {
            return Some(Err("has 0 to 6 digits of a fraction, as in `datetime(3)`"));
        }
        ("json", []) => MysqlType::Json,
        ("boolean", []) => MysqlType::Boolean,
        (_, _) => return None,
    }))
}
