//! Collections of MongoDB, one for each partition.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::stage::PARTITIONS;
use super::{Fate, Impossible, Store};
use crate::data;
use crate::mongo::{Document, MongoServer};

const DATABASE: &str = "prove";

pub(super) struct Collections(MongoServer);

impl Collections {
    pub(super) fn start() -> Self {
        let server = MongoServer::default();
        server.start();
        let validator = json!({ "Retries": { "$not": { "$type": "string" } } });
        for partition in 0..PARTITIONS {
            let create = json!({ "create": format!("logs-{partition}"), "validator": validator });
            server.mongo().must(DATABASE, &create);
        }
        Self(server)
    }
}

impl Store for Collections {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    fn start(&self) {
        self.0.start();
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn log(&self) -> PathBuf {
        self.0.log()
    }

    fn sink(&self) -> String {
        let address = self.0.mongo().address;
        format!(
            "mongodb: {{ uri: 'mongodb://{address}/?directConnection=true', database: {DATABASE}, \
             collection: 'logs-{{partition}}', timeout_ms: 5000, requests: {{ records_max: 200 }} }}"
        )
    }

    fn impossible(&self) -> Impossible {
        Impossible {
            field: r#""Retries":"many""#,
            words: "Document failed validation",
        }
    }

    fn fates(&self, records: &[u8]) -> Vec<Fate> {
        let fate = |document: Value| match document == "refused" {
            false => Ok(document),
            // Of what the program refuses nothing else occurs.
            true => Err("more than 100 levels"),
        };
        data::documents(records).into_iter().map(fate).collect()
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let parts = |mut document: Document| {
            let fields = document.fields.as_object_mut();
            match fields.and_then(|fields| fields.shift_remove("_id")) {
                Some(Value::String(id)) => (id, document.fields),
                other => panic!("{other:?} is no id"),
            }
        };
        let documents = self.0.mongo().documents(DATABASE);
        documents.into_iter().map(parts).collect()
    }
}
