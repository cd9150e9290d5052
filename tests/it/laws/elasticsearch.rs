//! Elasticsearch keeps the laws. The server at hand has no security: who refuses credentials is a stand-in that answers as
//! Elasticsearch does.

use serde_json::{Value, json};
use tamis_tests::elasticsearch::{Elasticsearch, NEVER_MADE, Node};
use tamis_tests::kafka::unique;
use tamis_tests::laws::{self, Case, Server, Store};
use tamis_tests::stand_in::StandIn;

/// An index, and others whose names begin alike.
struct Indexes {
    elasticsearch: Elasticsearch,
    name: String,
    stern: StandIn,
    node: Option<Node>,
}

impl Indexes {
    fn on(elasticsearch: Elasticsearch, node: Option<Node>) -> Self {
        let name = unique("laws");
        let mapping = json!({
            "settings": { "number_of_replicas": 0 },
            "mappings": { "properties": { "n": { "type": "long" } } },
        });
        elasticsearch.put(&format!("{name}-there"), &mapping);
        let error = json!({
            "error": {
                "type": "security_exception",
                "reason": "unable to authenticate user [tamis] for REST request [/]",
            },
            "status": 401,
        });
        Self {
            elasticsearch,
            name,
            stern: StandIn::new(move |_| (401, error.to_string())),
            node,
        }
    }
}

impl Store for Indexes {
    fn sink(&self, address: &str, case: Case) -> Option<String> {
        let stern = self.stern.address();
        let (address, index) = match case {
            Case::Usual => (address, "-there"),
            Case::Missing => (address, NEVER_MADE),
            Case::Named => (address, "-{field:/to}"),
            Case::Refused => (&*stern, "-there"),
        };
        let name = &self.name;
        Some(format!(
            "elasticsearch: {{ urls: ['http://{address}'], index: '{name}{index}', timeout_ms: 2000, user: tamis, password: wrong }}"
        ))
    }

    fn address(&self) -> Option<String> {
        Some(self.elasticsearch.address.clone())
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let documents = self.elasticsearch.documents(&format!("{}*", self.name));
        documents.into_iter().map(|it| (it.id, it.source)).collect()
    }

    fn bad(&self) -> Option<(Vec<u8>, &'static str)> {
        let value = br#"{"n":"no number"}"#.to_vec();
        Some((value, "failed to parse field [n] of type [long]"))
    }

    fn advice(&self, case: Case) -> &'static str {
        match case {
            Case::Refused => "check `user` and `password`",
            Case::Missing => "make it, let it be made",
            other => unreachable!("no sink of {other:?} stops"),
        }
    }
}

impl Server for Indexes {
    fn kill(&self) {
        self.node.as_ref().unwrap().kill();
    }

    fn start(&self) {
        self.node.as_ref().unwrap().start();
    }
}

impl Drop for Indexes {
    fn drop(&mut self) {
        if self.node.is_none() {
            self.elasticsearch.remove(&self.name);
        }
    }
}

#[test]
fn indexes_keep_every_law() {
    laws::keep(|| Indexes::on(Elasticsearch::shared(), None));
}

#[test]
fn indexes_lose_and_double_nothing_whatever_becomes_of_their_server() {
    let node = Node::default();
    node.start();
    laws::outlast(&Indexes::on(node.elasticsearch(), Some(node)));
}
