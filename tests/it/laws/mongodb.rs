//! Collections of MongoDB keep the laws. None is ever missing: MongoDB makes what an insert names.

use serde_json::{Value, json};
use tamis_tests::kafka::unique;
use tamis_tests::laws::{self, Case, Server, Store};
use tamis_tests::mongo::{Mongo, MongoServer};

/// A database of its own, in which `n` must be a number.
struct Collections {
    mongo: Mongo,
    database: String,
    server: Option<MongoServer>,
}

impl Collections {
    fn on(mongo: Mongo, server: Option<MongoServer>) -> Self {
        let database = unique("laws");
        let validator = json!({ "n": { "$type": "long" } });
        mongo.must(
            &database,
            &json!({ "create": "records", "validator": validator }),
        );
        Self {
            mongo,
            database,
            server,
        }
    }
}

impl Store for Collections {
    fn sink(&self, address: &str, case: Case) -> Option<String> {
        let user = match case {
            Case::Usual => "",
            Case::Refused => "tamis:wrong@",
            Case::Missing | Case::Named => return None,
        };
        let database = &self.database;
        Some(format!(
            "mongodb: {{ uri: 'mongodb://{user}{address}/?directConnection=true', database: {database}, collection: records, timeout_ms: 2000 }}"
        ))
    }

    fn address(&self) -> Option<String> {
        Some(self.mongo.address.clone())
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let documents = self.mongo.documents(&self.database);
        documents.iter().map(|document| document.plain()).collect()
    }

    fn bad(&self) -> Option<(Vec<u8>, &'static str)> {
        let value = br#"{"n":"no number"}"#.to_vec();
        Some((value, "Document failed validation"))
    }

    fn advice(&self, case: Case) -> &'static str {
        match case {
            Case::Refused => "check user, password and `authSource`",
            other => unreachable!("no sink of {other:?} stops"),
        }
    }
}

impl Server for Collections {
    fn kill(&self) {
        self.server.as_ref().unwrap().kill();
    }

    fn start(&self) {
        self.server.as_ref().unwrap().start();
    }
}

#[test]
fn collections_keep_every_law() {
    laws::keep(|| Collections::on(Mongo::shared(), None));
}

#[test]
fn collections_lose_and_double_nothing_whatever_becomes_of_their_server() {
    let server = MongoServer::default();
    server.start();
    laws::outlast(&Collections::on(server.mongo(), Some(server)));
}
