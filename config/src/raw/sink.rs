//! What a file may say of a sink.

mod file;
mod kafka;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use file::{
    RawCompression, RawCompressionLevel, RawCompressionName, RawFileSink, RawGzip, RawZstd,
};
pub(crate) use kafka::{RawKafkaBatch, RawKafkaSink, RawTransaction};

/// One destination: exactly one kind of store, and which records go there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_kind)]
pub(crate) struct RawSink {
    /// Files on a disk.
    pub(crate) file: Option<RawFileSink>,
    /// Topics of a Kafka cluster.
    pub(crate) kafka: Option<RawKafkaSink>,
    /// Which records go there: a list of routes, or `"*"` for all. By default those that no plugin
    /// gave a route.
    pub(crate) routes: Option<RawRoutes>,
}

/// Tells editors that exactly one kind is chosen. It stands in an `allOf`, which [`crate::shape`] leaves to the check: a sink
/// is one map, and no choice among maps.
fn one_kind(schema: &mut Schema) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys = properties
        .into_iter()
        .flat_map(|properties| properties.keys());
    let kinds = keys.filter(|key| *key != "routes");
    let kinds = kinds.map(|kind| json!({ "required": [kind] }));
    let one = json!([{ "oneOf": kinds.collect::<Vec<_>>() }]);
    schema.insert("allOf".to_owned(), one);
}

/// Routes by name, or all.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawRoutes {
    All(RawStar),
    Named(#[schemars(length(min = 1))] Vec<String>),
}

/// All routes, and no route too.
#[derive(Deserialize, JsonSchema)]
pub(crate) enum RawStar {
    #[serde(rename = "*")]
    Star,
}
