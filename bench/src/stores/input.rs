//! The records that are written, with the ids that Tamis gives them.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::data::Data;
use crate::digest::Digest;

/// What the source is named: the first part of each id.
pub(super) const SOURCE: &str = "bench";

/// A record and its id.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) id: String,
    pub(super) value: Vec<u8>,
}

/// The records of a file.
#[derive(Debug)]
pub(crate) struct Input {
    pub(super) path: String,
    pub(super) records: Arc<Vec<Record>>,
}

impl Input {
    /// All of `data`.
    pub(super) fn new(data: &Data) -> Result<Self> {
        let path = data.path.to_str().context("a path that is no text")?;
        let mut start = 0;
        let record = |value: Vec<u8>| {
            let id = format!("{SOURCE}/{path}/0/{start}/0");
            start += value.len() + 1;
            Record { id, value }
        };
        let records = data.lines(data.records)?.into_iter().map(record);
        Ok(Self {
            path: path.to_owned(),
            records: Arc::new(records.collect()),
        })
    }
}

/// What a store that was given `records` has to hold.
pub(super) fn digest(records: &[Record]) -> Result<Digest> {
    let mut digest = Digest::default();
    for Record { id, value } in records {
        digest.add_under(id, &serde_json::from_slice(value)?);
    }
    Ok(digest)
}
