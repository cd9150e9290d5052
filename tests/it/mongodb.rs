//! The MongoDB sink on a server: what is written, what is refused, and what a server's troubles come to. The laws that it shares with
//! other sinks are in [`crate::laws`].

mod access;
mod answers;
mod create;
mod job;
mod records;

use std::sync::Arc;

use serde_json::{Value, json};
use tamis_core::batch::BatchBuilder;
use tamis_core::id::Partition;
use tamis_core::sink::{Records, SinkError, Verdict};
use tamis_tests::kafka::unique;
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mongo::{Mongo, plain};

/// A database of a test's own, and the sink that writes to it.
struct Place {
    mongo: Mongo,
    database: String,
    /// Of the connection, beside those that each has.
    options: &'static str,
}

impl Place {
    fn new(mongo: Mongo) -> Self {
        let database = unique("it");
        let options = "";
        Self {
            mongo,
            database,
            options,
        }
    }

    /// A sink of which `more` is known beside its collection, which is `all`.
    fn sink(&self, more: &str) -> Subject {
        let sink = self.configuration(&format!("collection: all, {more}"));
        Subject::connect(&sink).unwrap_or_else(|error| panic!("{sink}: {error:?}"))
    }

    fn configuration(&self, more: &str) -> String {
        let Self {
            mongo,
            database,
            options,
        } = self;
        let address = &mongo.address;
        format!(
            "mongodb: {{ uri: 'mongodb://{address}/?directConnection=true{options}', database: {database}, {more} }}"
        )
    }

    /// Each document of the collection `all` by its number, without its id, as canonical extended JSON.
    fn all(&self) -> Vec<(u64, Value)> {
        let documents = self.mongo.documents(&self.database);
        let kept = documents.into_iter().filter(|it| it.collection == "all");
        let mut all: Vec<_> = kept
            .map(|mut document| {
                let fields = document.fields.as_object_mut().unwrap();
                let id = fields.shift_remove("_id").unwrap();
                (number(id.as_str().unwrap()), document.fields)
            })
            .collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// The numbers of the documents in `all`.
    fn numbers(&self) -> Vec<u64> {
        self.all().into_iter().map(|(number, _)| number).collect()
    }
}

/// The number of the record with this id.
fn number(id: &str) -> u64 {
    let rest = id.strip_prefix("it/records/0/").unwrap();
    rest.strip_suffix("/0").unwrap().parse().unwrap()
}

/// Records with these values, numbered from `first` on.
fn records<T: AsRef<[u8]>>(first: u64, values: impl IntoIterator<Item = T>) -> Records {
    let values: Vec<_> = values.into_iter().map(Some).collect();
    optional_records(first, &values)
}

/// The same, some of them without a value.
fn optional_records<T: AsRef<[u8]>>(first: u64, values: &[Option<T>]) -> Records {
    let partition = Arc::new(Partition {
        source: "it".into(),
        topic: "records".into(),
        number: 0,
        split: 0,
    });
    let mut batch = BatchBuilder::new(partition, values.len(), 0);
    for (offset, value) in (first..).zip(values) {
        let value = value.as_ref().map(T::as_ref);
        batch.push(offset, 1_674_014_706_789, None, value, &[]);
    }
    let count = u32::try_from(values.len()).unwrap();
    let batch = Arc::new(batch.finish(first + u64::from(count)));
    let mut records = Records::default();
    records.push(&batch, 0..count);
    records
}

/// Panics unless these `verdicts` are: written where nothing is expected, and rejected with these words where something is.
fn assert_verdicts(verdicts: &[Verdict], expected: &[Option<&str>]) {
    assert_eq!(verdicts.len(), expected.len());
    for (index, (verdict, expected)) in verdicts.iter().zip(expected).enumerate() {
        match (verdict, expected) {
            (Verdict::Written, None) => {}
            (Verdict::Rejected(reason), Some(words)) => {
                assert!(
                    reason.contains(words),
                    "{index}: {reason:?} does not say {words:?}"
                );
            }
            (verdict, expected) => panic!("{index}: {verdict:?} instead of {expected:?}"),
        }
    }
}

/// Panics unless the pipeline would stop, and say `advice`; returns all that is said.
fn assert_stops<T>(outcome: Result<T, SinkError>, advice: &str) -> String {
    match outcome.map(drop) {
        Err(SinkError::Misconfigured(error)) => {
            let said = causes(&*error);
            assert!(said.contains(advice), "{said:?} does not say {advice:?}");
            said
        }
        other => panic!("{other:?} instead of: {advice}"),
    }
}

/// The answer to a command, with plain numbers.
fn answer(place: &Place, command: &Value) -> Value {
    plain(place.mongo.run(&place.database, command))
}

/// The options of a collection; nothing where there is none of this name.
fn options(place: &Place, collection: &str) -> Value {
    let list = json!({ "listCollections": 1, "filter": { "name": collection } });
    answer(place, &list)["cursor"]["firstBatch"][0]["options"].clone()
}
