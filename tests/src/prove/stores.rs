//! The stores of a proof: each has a server of its own, which is killed, too.

mod elasticsearch;
mod mongodb;
mod mysql;

use std::path::PathBuf;

use serde_json::Value;

use self::elasticsearch::Indexes;
use self::mongodb::Collections;
use self::mysql::Tables;
use crate::data::lines;

/// Of so many records one is impossible, for each store another one.
const IMPOSSIBLE: usize = 500;

/// What a proof needs of a store, whichever it is.
pub(super) trait Store {
    /// Its name, which is that of its sink as well.
    fn name(&self) -> &'static str;

    /// Starts its server, and waits until it is ready.
    fn start(&self);

    /// Kills its server (SIGKILL). What it has acknowledged stays.
    fn kill(&self);

    /// What its server says.
    fn log(&self) -> PathBuf;

    /// What a pipeline says of its sink.
    fn sink(&self) -> String;

    /// A field that it refuses, and no other store.
    fn impossible(&self) -> Impossible;

    /// What must become of each of `records`, such impossible ones aside.
    fn fates(&self, records: &[u8]) -> Vec<Fate>;

    /// The id of each document, in whatever part of the store it is, and what is there under it.
    fn stored(&self) -> Vec<(String, Value)>;
}

/// The document that a record must be, or words of the reason for which it is refused. Where a store keeps the text as it came, the
/// document is that text.
pub(super) type Fate = Result<Value, &'static str>;

/// A field of a record, and the store's words about it.
pub(super) struct Impossible {
    field: &'static str,
    pub(super) words: &'static str,
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Elasticsearch,
    Mongodb,
    Mysql,
}

impl Kind {
    /// One of its own, with nothing in it.
    pub(super) fn start(self) -> Box<dyn Store> {
        match self {
            Self::Elasticsearch => Box::new(Indexes::start()),
            Self::Mongodb => Box::new(Collections::start()),
            Self::Mysql => Box::new(Tables::start()),
        }
    }
}

/// Whether the record at `index` is impossible for the store with this `number`.
pub(super) fn is_impossible(index: usize, number: usize) -> bool {
    // Each one place behind the one before it, so that they are in every partition.
    index % IMPOSSIBLE == (index / IMPOSSIBLE + number) % IMPOSSIBLE
}

/// The records of `input`, some of them replaced by such as a store refuses.
pub(super) fn spoilt(input: &[u8], stores: &[Box<dyn Store>]) -> Vec<u8> {
    let mut spoilt = Vec::with_capacity(input.len());
    for (index, line) in lines(input).enumerate() {
        let mut numbered = (0..).zip(stores);
        match numbered.find(|(number, _)| is_impossible(index, *number)) {
            Some((_, store)) => spoilt.extend(impossible(index, store.impossible().field)),
            None => spoilt.extend_from_slice(line),
        }
        spoilt.push(b'\n');
    }
    spoilt
}

/// A record that every plugin keeps.
fn impossible(index: usize, field: &str) -> Vec<u8> {
    format!(r#"{{"Type":"error","Time":"2023-01-18 12:00:00","Msg":"record {index}",{field}}}"#)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_500_is_impossible_for_one_store_and_they_are_in_each_partition() {
        for number in 0..3 {
            let all = || (0..20_000).filter(|index| is_impossible(*index, number));
            assert_eq!(all().count(), 20_000 / IMPOSSIBLE);
            for partition in 0..4 {
                assert!(all().any(|index| index % 4 == partition));
            }
            for other in (0..3).filter(|it| *it != number) {
                assert!(!all().any(|index| is_impossible(index, other)));
            }
        }
    }
}
