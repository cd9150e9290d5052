//! The sink of MySQL and MariaDB, on a real MariaDB server.

mod laws;
mod main_job;
mod outages;
mod refusals;
mod rows;
mod tables;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;

use tamis_core::batch::BatchBuilder;
use tamis_core::id::Partition;
use tamis_core::sink::{Records, SinkError, Verdict};
use tamis_tests::laws::{Subject, causes};
use tamis_tests::mariadb::Database;

/// 2023-01-18 04:05:06.789 UTC.
const TIME: i64 = 1_674_014_706_789;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A sink that writes to `database`, with these further settings.
fn sink(database: &Database, settings: &str) -> String {
    format!(
        "mysql: {{ url: \"{}\", timeout_ms: 2000, {settings} }}",
        database.url()
    )
}

/// That sink, connected.
fn connected(database: &Database, settings: &str) -> Subject {
    let subject = Subject::connect(&sink(database, settings));
    subject.unwrap_or_else(|error| panic!("{}", causes(&error)))
}

/// Why that sink cannot be connected, which is to be mended by a person.
fn refused(database: &Database, settings: &str) -> String {
    match Subject::connect(&sink(database, settings)) {
        Err(SinkError::Misconfigured(error)) => causes(&*error),
        Err(other) => panic!("{}", causes(&other)),
        Ok(_) => panic!("it is connected"),
    }
}

/// Records with these values of topic `topic`, the first of offset 0; each is a day after the one before it.
fn records_of(topic: &str, values: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Records {
    let partition = Partition {
        source: "test".into(),
        topic: topic.into(),
        number: 0,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 0, 0);
    for (offset, value) in (0..).zip(values) {
        let time = TIME + DAY_MS * i64::try_from(offset).unwrap();
        batch.push(offset, time, None, Some(&value.into()), &[]);
    }
    let count = batch.len();
    let mut records = Records::default();
    let batch = Arc::new(batch.finish(count as u64));
    records.push(&batch, 0..u32::try_from(count).unwrap());
    records
}

fn records(values: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Records {
    records_of("rows", values)
}

/// The id of record `n` of [`records`].
fn id(n: usize) -> String {
    format!("test/rows/0/{n}/0")
}

/// What `table` has, by id: whatever `column` gives in SQL, as bytes; nothing for NULL.
fn stored(database: &Database, table: &str, column: &str) -> BTreeMap<String, Vec<u8>> {
    let rows = database.sql(&format!(
        "SELECT id, HEX(CAST(COALESCE({column}, '') AS BINARY)) FROM `{table}`"
    ));
    let cells = rows.iter().map(|row| row.split_once('\t').unwrap());
    let stored: BTreeMap<_, _> = cells
        .map(|(id, hex)| (id.to_owned(), laws::unhex(hex)))
        .collect();
    assert_eq!(stored.len(), rows.len(), "each id is there once");
    stored
}

/// Why record `n` was refused.
fn reason(verdicts: &[Verdict], n: usize) -> &str {
    match &verdicts[n] {
        Verdict::Rejected(reason) => reason,
        other => panic!("{n}: {other:?}"),
    }
}
