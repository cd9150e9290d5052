//! Compares a tree of values with the schema of the configuration: unknown and missing keys, types,
//! choices, ranges.
//!
//! serde could do that too, but it stops at the first problem, loses the path inside of choices,
//! and repeats values that nobody wants to see in a log. So the schema that serde's types generate
//! is enforced first; it is small, and only what `schemars` makes of [`crate::raw`] has to be
//! understood.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::problem::{Report, below, item, near_miss, quoted};
use crate::raw::RawPipeline;

/// The schema of a configuration file, as a tree.
pub(crate) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| schemars::schema_for!(RawPipeline).to_value());
    &SCHEMA
}

/// Notes everything in `tree` that the schema does not allow.
pub(crate) fn check(tree: &Value, report: &mut Report) {
    let schema = schema();
    Shape {
        root: schema,
        report,
    }
    .value(tree, schema, "");
}

/// What `schema` stands for: itself, what it refers to, or each of its choices.
pub(crate) fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#')) {
        let target = root
            .pointer(pointer)
            .expect("schemars refers to definitions that are there");
        return alternatives(root, target);
    }
    match schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
    {
        Some(choices) => choices
            .iter()
            .flat_map(|choice| alternatives(root, choice))
            .collect(),
        None => vec![schema],
    }
}

/// The texts that `schema` allows, if it does not allow all.
pub(crate) fn choices(schema: &Value) -> Option<Vec<&str>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(only), _) => Some(only.as_str().into_iter().collect()),
        (None, Some(several)) => Some(
            several
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .collect(),
        ),
        (None, None) => None,
    }
}

/// Whether `schema` is one for values of `kind`, a type of JSON schema.
pub(crate) fn is_for(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|each| each == kind),
        Some(one) => one == kind,
        None => choices(schema).is_none() || kind == "string",
    }
}

/// What a person calls values that `schema` allows.
pub(crate) fn name_of(schema: &Value) -> Option<String> {
    let names = [
        ("object", "a map"),
        ("array", "a list"),
        ("string", "text"),
        ("integer", "a whole number"),
        ("boolean", "true or false"),
    ];
    match choices(schema) {
        Some(choices) => Some(quoted(choices)),
        None => {
            let (_, name) = names.into_iter().find(|(kind, _)| is_for(schema, kind))?;
            Some(name.to_owned())
        }
    }
}

struct Shape<'a> {
    root: &'a Value,
    report: &'a mut Report,
}

impl Shape<'_> {
    fn value(&mut self, value: &Value, schema: &Value, path: &str) {
        let (kind, found) = match value {
            Value::Null => ("null", "nothing"),
            Value::Bool(_) => ("boolean", "true or false"),
            Value::Number(number) if number.is_f64() => ("number", "a fraction"),
            Value::Number(_) => ("integer", "a whole number"),
            Value::String(_) => ("string", "text"),
            Value::Array(_) => ("array", "a list"),
            Value::Object(_) => ("object", "a map"),
        };
        let all = alternatives(self.root, schema);
        let fitting = all
            .iter()
            .copied()
            .filter(|schema| is_for(schema, kind))
            .collect::<Vec<_>>();
        let Some(first) = fitting.first() else {
            let mut expected = all.into_iter().filter_map(name_of).collect::<Vec<_>>();
            expected.dedup();
            let expected = expected.join(" or ");
            return self
                .report
                .add(path, format!("expected {expected}, found {found}"));
        };
        match value {
            Value::Object(map) if fitting.len() > 1 => self.choice(map, &fitting, path),
            Value::Object(map) => self.map(map, first, path),
            Value::Array(items) => {
                self.length(items.len(), first, "minItems", "maxItems", path);
                for (index, value) in items.iter().enumerate() {
                    self.value(value, &first["items"], &item(path, index));
                }
            }
            Value::String(text) => self.text(text, &all, path),
            Value::Number(number) => self.range(number.as_i128(), first, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A map whose single key chooses one of `schemas`.
    fn choice(&mut self, map: &Map<String, Value>, schemas: &[&Value], path: &str) {
        let name = |schema: &Value| schema["required"][0].as_str().map(str::to_owned);
        let names = schemas
            .iter()
            .filter_map(|schema| name(schema))
            .collect::<Vec<_>>();
        for (key, value) in map {
            let chosen = schemas
                .iter()
                .find_map(|schema| schema["properties"].get(key));
            match chosen {
                Some(schema) => self.value(value, schema, &below(path, key)),
                None => self.unknown_key(key, names.iter().map(String::as_str), path),
            }
        }
        if map.len() != 1 {
            let names = quoted(names.iter().map(String::as_str));
            self.report.add(
                path,
                format!("expected exactly one of {names}, found {}", map.len()),
            );
        }
    }

    fn map(&mut self, map: &Map<String, Value>, schema: &Value, path: &str) {
        let none = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let others = schema.get("additionalProperties");
        for (key, value) in map {
            match (known.get(key), others) {
                (Some(schema), _) => self.value(value, schema, &below(path, key)),
                (None, Some(Value::Bool(false))) => {
                    self.unknown_key(key, known.keys().map(String::as_str), path);
                }
                (None, Some(Value::Bool(true)) | None) => {}
                (None, Some(schema)) => self.value(value, schema, &below(path, key)),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required
            .filter_map(Value::as_str)
            .filter(|key| !map.contains_key(*key))
        {
            self.report.add(&below(path, key), "is missing");
        }
        self.length(map.len(), schema, "minProperties", "maxProperties", path);
    }

    fn unknown_key<'a>(&mut self, key: &str, known: impl Iterator<Item = &'a str>, path: &str) {
        let known = known.collect::<Vec<_>>();
        let cure = match near_miss(key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", quoted(known)),
        };
        self.report
            .add_with_cure(&below(path, key), "unknown key", cure);
    }

    fn length(&mut self, length: usize, schema: &Value, least: &str, most: &str, path: &str) {
        let bound = |key: &str| {
            schema[key]
                .as_u64()
                .and_then(|bound| usize::try_from(bound).ok())
        };
        if bound(least).is_some_and(|least| length < least) {
            self.report.add(path, "must not be empty");
        }
        if let Some(most) = bound(most).filter(|most| length > *most) {
            self.report.add(
                path,
                format!("has {length} entries, but may have {most} at most"),
            );
        }
    }

    /// A text where a value of one of `schemas` belongs.
    fn text(&mut self, text: &str, schemas: &[&Value], path: &str) {
        let (texts, others): (Vec<_>, Vec<_>) =
            schemas.iter().partition(|schema| is_for(schema, "string"));
        let allowed = texts.into_iter().map(choices).collect::<Option<Vec<_>>>();
        // `None`: one of the schemas allows any text.
        let Some(allowed) = allowed.map(|choices| choices.concat()) else {
            return;
        };
        if allowed.contains(&text) {
            return;
        }
        let mut expected = vec![quoted(allowed.iter().copied())];
        expected.extend(others.into_iter().filter_map(name_of));
        expected.dedup();
        let expected = expected.join(" or ");
        let message = format!("unknown choice `{text}`: expected one of {expected}");
        match near_miss(text, allowed) {
            Some(meant) => {
                self.report
                    .add_with_cure(path, message, format!("did you mean `{meant}`?"));
            }
            None => self.report.add(path, message),
        }
    }

    fn range(&mut self, number: Option<i128>, schema: &Value, path: &str) {
        let bound = |key: &str| {
            schema[key]
                .as_number()
                .and_then(serde_json::Number::as_i128)
        };
        let (least, most) = (bound("minimum"), bound("maximum"));
        let Some(number) = number else { return };
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let least = least.map_or_else(String::new, |least| format!(" from {least}"));
            let most = most.map_or_else(String::new, |most| format!(" to {most}"));
            self.report.add(
                path,
                format!("{number} is out of range: expected a number{least}{most}"),
            );
        }
    }
}
