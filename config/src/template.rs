//! Templates that name a destination by a record: `{topic}/dt={time:%Y-%m-%d}/{field:/Type}`.

use std::fmt;

use crate::problem::{near_miss, quoted};

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Literal(String),
    /// `{topic}`
    Topic,
    /// `{partition}`
    Partition,
    /// `{time:%Y-%m-%d}`: the record's time in UTC, by strftime.
    Time(String),
    /// `{field:/Type}`: a field of the record's JSON value, by pointer.
    Field(String),
    /// `{route}`: the route that a plugin gave, or `default`.
    Route,
}

/// The strftime conversions that `{time:…}` may use: numbers only, so that names sort and every
/// locale agrees.
pub const TIME_CONVERSIONS: [&str; 13] = [
    "%Y", "%y", "%m", "%d", "%j", "%H", "%M", "%S", "%F", "%G", "%V", "%u", "%%",
];

const PLACEHOLDERS: [&str; 5] = ["topic", "partition", "route", "time", "field"];

impl Template {
    /// Parses `text`; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(['{', '}']) {
            let (literal, braced) = rest.split_at(start);
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let inner = braced
                .strip_prefix('{')
                .ok_or("a `}` has no `{` before it")?;
            let end = inner
                .find(['{', '}'])
                .filter(|end| inner[*end..].starts_with('}'));
            let end = end.ok_or("a `{` is not closed by `}`")?;
            parts.push(placeholder(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// Whether a person named what it names: the configuration alone, or together with what is read. Any other name
    /// depends on what is in a record, or on its time.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        let by_record = |part: &Part| matches!(part, Part::Time(_) | Part::Field(_) | Part::Route);
        !self.parts.iter().any(by_record)
    }
}

/// The part that the `inner` text of a pair of braces stands for.
fn placeholder(inner: &str) -> Result<Part, String> {
    let (name, argument) = match inner.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (inner, None),
    };
    match (name, argument) {
        ("topic", None) => Ok(Part::Topic),
        ("partition", None) => Ok(Part::Partition),
        ("route", None) => Ok(Part::Route),
        ("topic" | "partition" | "route", Some(_)) => {
            Err(format!("`{{{name}}}` takes nothing after its name"))
        }
        ("time", Some(format)) => time(format),
        ("time", None) => Err("`{time}` needs a format, as in `{time:%Y-%m-%d}`".to_owned()),
        ("field", Some(pointer)) => field(pointer),
        ("field", None) => Err("`{field}` needs a pointer, as in `{field:/Type}`".to_owned()),
        (unknown, _) => Err(match near_miss(unknown, PLACEHOLDERS) {
            Some(known) => format!("unknown placeholder `{{{unknown}}}`: did you mean `{known}`?"),
            None => {
                format!(
                    "unknown placeholder `{{{unknown}}}`: there are {}",
                    quoted(PLACEHOLDERS)
                )
            }
        }),
    }
}

fn time(format: &str) -> Result<Part, String> {
    if format.is_empty() {
        return Err("`{time:}` needs a format, as in `{time:%Y-%m-%d}`".to_owned());
    }
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        let conversion = rest[start..].chars().take(2).collect::<String>();
        if !TIME_CONVERSIONS.contains(&conversion.as_str()) {
            let known = quoted(TIME_CONVERSIONS);
            return Err(format!(
                "unknown time conversion `{conversion}`: there are {known}"
            ));
        }
        rest = &rest[start + conversion.len()..];
    }
    Ok(Part::Time(format.to_owned()))
}

fn field(pointer: &str) -> Result<Part, String> {
    if !pointer.starts_with('/') {
        let cure = format!("`{{field:/{pointer}}}`");
        return Err(format!(
            "a pointer to a field starts with `/`: did you mean {cure}?"
        ));
    }
    self::pointer(pointer)?;
    Ok(Part::Field(pointer.to_owned()))
}

/// The keys that `text`, a pointer to a field, leads through.
pub(crate) fn pointer(text: &str) -> Result<Vec<String>, String> {
    let keys = text
        .strip_prefix('/')
        .ok_or("a pointer to a field starts with `/`")?;
    let escapes = keys.split('~').skip(1);
    if escapes
        .into_iter()
        .any(|after| !after.starts_with(['0', '1']))
    {
        return Err("in a pointer `~` is written `~0` and `/` in a name `~1`".to_owned());
    }
    let key = |key: &str| key.replace("~1", "/").replace("~0", "~");
    Ok(keys.split('/').map(key).collect())
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| write!(f, "{part}"))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Literal(text) => f.write_str(text),
            Part::Topic => f.write_str("{topic}"),
            Part::Partition => f.write_str("{partition}"),
            Part::Route => f.write_str("{route}"),
            Part::Time(format) => write!(f, "{{time:{format}}}"),
            Part::Field(pointer) => write!(f, "{{field:{pointer}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    fn check(text: &str, expected: Result<&[Part], &str>) {
        let result = Template::parse(text);
        if let Ok(template) = &result {
            assert_eq!(
                template.to_string(),
                text,
                "a template prints as it was written"
            );
        }
        let result = result.map(|template| template.parts);
        assert_eq!(
            result,
            expected.map(<[Part]>::to_vec).map_err(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn a_template_is_literals_and_placeholders() {
        let literal = |text: &str| Part::Literal(text.to_owned());
        let day = Part::Time("%Y-%m-%d".to_owned());
        check("", Ok(&[]));
        check("日志", Ok(&[literal("日志")]));
        check(
            "{topic}/dt={time:%Y-%m-%d}",
            Ok(&[Part::Topic, literal("/dt="), day]),
        );
        check("{partition}{route}", Ok(&[Part::Partition, Part::Route]));
        check("{field:/a~1b/0}", Ok(&[Part::Field("/a~1b/0".to_owned())]));
    }

    #[test]
    fn a_broken_template_says_what_is_wrong() {
        check("{topic", Err("a `{` is not closed by `}`"));
        check("{topic{route}", Err("a `{` is not closed by `}`"));
        check("topic}", Err("a `}` has no `{` before it"));
        check(
            "{tpoic}",
            Err("unknown placeholder `{tpoic}`: did you mean `topic`?"),
        );
        check(
            "{}",
            Err("unknown placeholder `{}`: there are \
                 `topic`, `partition`, `route`, `time`, `field`"),
        );
        check("{topic:x}", Err("`{topic}` takes nothing after its name"));
        check(
            "{time}",
            Err("`{time}` needs a format, as in `{time:%Y-%m-%d}`"),
        );
        check(
            "{time:}",
            Err("`{time:}` needs a format, as in `{time:%Y-%m-%d}`"),
        );
        let known = quoted(TIME_CONVERSIONS);
        for conversion in ["%B", "%-d", "%", "%月"] {
            let short = conversion.chars().take(2).collect::<String>();
            let error = format!("unknown time conversion `{short}`: there are {known}");
            check(&format!("{{time:%Y{conversion}}}"), Err(&error));
        }
        check(
            "{field}",
            Err("`{field}` needs a pointer, as in `{field:/Type}`"),
        );
        let error = "a pointer to a field starts with `/`: did you mean `{field:/Type}`?";
        check("{field:Type}", Err(error));
        let error = "in a pointer `~` is written `~0` and `/` in a name `~1`";
        check("{field:/a~b}", Err(error));
        check("{field:/a~}", Err(error));
    }

    #[test]
    fn every_time_conversion_can_be_rendered() {
        let time = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        for conversion in TIME_CONVERSIONS {
            let rendered = jiff::fmt::strtime::format(conversion, &time);
            let expected = match conversion {
                "%Y" | "%G" => "1970",
                "%y" => "70",
                "%m" | "%d" | "%V" => "01",
                "%j" => "001",
                "%F" => "1970-01-01",
                "%u" => "4",
                "%%" => "%",
                "%H" | "%M" | "%S" => "00",
                other => panic!("no expectation for {other}"),
            };
            assert_eq!(rendered.ok().as_deref(), Some(expected), "{conversion}");
        }
    }
}
