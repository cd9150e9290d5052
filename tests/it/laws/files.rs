//! Files keep the laws that are about a store without a server.

use serde_json::Value;
use tamis_tests::data::lines;
use tamis_tests::files::{content, visible};
use tamis_tests::laws::{self, Case, Store};
use tamis_tests::place::Place;

/// A folder.
struct Files(Place);

impl Store for Files {
    fn sink(&self, _address: &str, case: Case) -> Option<String> {
        let out = self.0.out();
        (case == Case::Usual).then(|| {
            let url = out.display();
            format!("file: {{ url: 'file://{url}', path: all, format: ndjson }}")
        })
    }

    fn address(&self) -> Option<String> {
        None
    }

    fn stored(&self) -> Vec<(String, Value)> {
        let mut stored = Vec::new();
        for path in visible(&self.0.out()) {
            for line in lines(&content(&path)) {
                let value: Value = serde_json::from_slice(line).unwrap();
                stored.push((laws::id(value["n"].as_u64().unwrap()), value));
            }
        }
        stored
    }

    fn bad(&self) -> Option<(Vec<u8>, &'static str)> {
        Some((b"{\n}".to_vec(), "line feed"))
    }

    fn advice(&self, case: Case) -> &'static str {
        unreachable!("files have no {case:?}")
    }
}

#[test]
fn files_keep_every_law() {
    laws::keep(|| Files(Place::default()));
}
