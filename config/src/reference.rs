//! The JSON schema for editors and the reference page for people, both made from the same types.

use serde_json::Value;

use crate::problem::below;
use crate::shape;

/// The JSON schema of a configuration file.
pub fn schema() -> String {
    format!("{:#}\n", shape::schema())
}

/// The reference page, as Markdown: one table for each map of a configuration file.
pub fn reference() -> String {
    let schema = shape::schema();
    let mut page = Page {
        root: schema,
        text: String::new(),
    };
    page.text.push_str(HEAD);
    page.inner(schema, "");
    page.text
}

const HEAD: &str = "\
# Configuration reference

Generated from the types of `config/src/raw`; do not edit. `UPDATE_EXPECT=1 cargo test --release -p tamis-config`
writes it anew. Complete examples are in `config/examples`.

- Any value can be overridden by an environment variable: `TAMIS__SOURCE__KAFKA__GROUP=tamis` sets `source.kafka.group`,
  `TAMIS__PLUGINS__0__SETTINGS__MINIMUM=warn` a setting of the first plugin. `_` stands for `.` and `-` in a key that the
  file has; a new key is lower case, unless the variable writes it in lower case itself (`…__PROPERTIES__session.timeout.ms`).
  Lists, maps, numbers and `true` are written as JSON, all else is text.
- Any text may hold `${env:NAME}` and `${file:/path}`: the variable, or the content of the file without line feeds at its end.
  They are never printed. Any other `${` is text.
";

struct Page<'a> {
    root: &'a Value,
    text: String,
}

impl Page<'_> {
    /// The sections of the maps that a value at `path` may be or hold.
    fn inner(&mut self, schema: &Value, path: &str) {
        let all = shape::alternatives(self.root, schema);
        let is_map = |schema: &&&Value| schema.get("properties").is_some();
        let maps = all.iter().filter(is_map).collect::<Vec<_>>();
        match maps.as_slice() {
            [] => {
                for alternative in all {
                    self.inner_of_many(alternative, path);
                }
            }
            [map] => self.section(map, path),
            choices => choices
                .iter()
                .for_each(|choice| self.properties(choice, path)),
        }
    }

    /// The sections of what a list, or a map with free keys, holds.
    fn inner_of_many(&mut self, schema: &Value, path: &str) {
        if let Some(items) = schema.get("items") {
            self.inner(items, &format!("{path}[]"));
        }
        if let Some(others @ Value::Object(_)) = schema.get("additionalProperties") {
            self.inner(others, &below(path, "NAME"));
        }
    }

    fn properties(&mut self, schema: &Value, path: &str) {
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            self.inner(value, &below(path, key));
        }
    }

    /// The section of the map at `path`, and of what is in it.
    fn section(&mut self, schema: &Value, path: &str) {
        let title = if path.is_empty() {
            "The file".to_owned()
        } else {
            format!("`{path}`")
        };
        let about = description(schema);
        let table = "| key | value | default | meaning |\n|---|---|---|---|\n";
        self.text += &format!("\n## {title}\n\n{about}\n\n{table}");
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            let kind = self.kind(value);
            let default = default(key, value, schema);
            let meaning = description(value).replace('|', "\\|");
            self.text += &format!("| `{key}` | {kind} | {default} | {meaning} |\n");
        }
        self.properties(schema, path);
    }

    /// What a value may be.
    fn kind(&self, schema: &Value) -> String {
        let all = shape::alternatives(self.root, schema);
        let mut kinds = all
            .iter()
            .copied()
            .filter_map(shape::name_of)
            .collect::<Vec<_>>();
        kinds.dedup();
        let kinds = kinds.join(" or ");
        match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => format!("{kinds}, {least} to {most}"),
            (_, _) => kinds,
        }
    }
}

/// The comment of a type or field, on one line.
fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ")
}

/// What holds if `key` is not there.
fn default(key: &str, value: &Value, schema: &Value) -> String {
    let required = schema["required"]
        .as_array()
        .is_some_and(|keys| keys.iter().any(|k| k == key));
    match value.get("default") {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(plain @ (Value::Number(_) | Value::Bool(_))) => format!("{plain}"),
        _ if required => "required".to_owned(),
        _ => String::new(),
    }
}
