//! Indexes of Elasticsearch. A record's index is that of its minute: what is read again must go to the same one.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Fate, Impossible, Store};
use crate::data;
use crate::elasticsearch::Node;

pub(super) struct Indexes(Node);

impl Indexes {
    pub(super) fn start() -> Self {
        let node = Node::default();
        node.start();
        let template = json!({
            "index_patterns": ["prove-*"],
            "template": {
                "settings": { "number_of_replicas": 0 },
                "mappings": { "dynamic": false, "properties": { "Attempts": { "type": "long" } } },
            },
        });
        node.elasticsearch().put("_index_template/prove", &template);
        Self(node)
    }
}

impl Store for Indexes {
    fn name(&self) -> &'static str {
        "elasticsearch"
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
        let address = self.0.elasticsearch().address;
        format!(
            "elasticsearch: {{ urls: ['http://{address}'], index: 'prove-{{time:%H%M}}', timeout_ms: 5000, \
             requests: {{ records_max: 200 }} }}"
        )
    }

    fn impossible(&self) -> Impossible {
        Impossible {
            field: r#""Attempts":"twice""#,
            words: "failed to parse field [Attempts] of type [long]",
        }
    }

    fn fates(&self, records: &[u8]) -> Vec<Fate> {
        let fate = |(record, is_taken)| match is_taken {
            true => Ok(String::from_utf8_lossy(record).into()),
            false => Err("Duplicate field"),
        };
        let taken = data::taken_by_elasticsearch(records);
        data::lines(records).zip(taken).map(fate).collect()
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let texts = self.0.elasticsearch().texts("prove-*").into_iter();
        texts.map(|(id, text)| (id, text.into())).collect()
    }
}
