//! A collection of MongoDB, in a database of its own.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use ::mongodb::bson::{Document, RawDocumentBuf, doc, serialize_to_raw_document_buf};
use ::mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use ::mongodb::{Client, Collection};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::input::{Input, Record};
use super::raw::RawWriter;
use super::{REQUESTS_MAX, Store};
use crate::digest::Digest;

pub(crate) struct Mongodb {
    client: Client,
    database: String,
}

pub(crate) struct Raw {
    collection: Collection<RawDocumentBuf>,
    documents: Arc<Vec<RawDocumentBuf>>,
}

impl Store for Mongodb {
    const NAME: &'static str = "mongodb";
    const SERVICE: &'static str = "mongo";
    type Raw = Raw;

    async fn connect(address: &str) -> Result<Self> {
        let mut options = ClientOptions::parse(format!("mongodb://{address}")).await?;
        // As safe as Tamis wants it.
        let concern = WriteConcern::builder().w(Acknowledgment::Majority);
        options.write_concern = Some(concern.journal(true).build());
        Ok(Self {
            client: Client::with_options(options)?,
            database: super::unique_name(),
        })
    }

    fn table(&self) -> &str {
        &self.database
    }

    async fn renew(&mut self) -> Result<()> {
        self.database = super::unique_name();
        Ok(())
    }

    /// Left to `tests/services/mongo.sh clean`: the stand-in takes minutes to drop what it took in seconds.
    async fn remove(&mut self) -> Result<()> {
        Ok(())
    }

    async fn raw(&mut self, input: &Input) -> Result<Vec<Raw>> {
        let documents = input.records.iter().map(document);
        let documents = Arc::new(documents.collect::<Result<Vec<_>>>()?);
        let raw = || Raw {
            collection: self.collection(),
            documents: Arc::clone(&documents),
        };
        Ok((0..REQUESTS_MAX).map(|_| raw()).collect())
    }

    async fn seen(&mut self, ids: &[&str]) -> Result<HashSet<String>> {
        let among = doc! { "_id": { "$in": ids } };
        let collection = self.collection::<Document>();
        let found = collection.find(among);
        let mut cursor = found.projection(doc! { "_id": 1 }).await?;
        let mut seen = HashSet::new();
        while cursor.advance().await? {
            seen.insert(cursor.current().get_str("_id")?.to_owned());
        }
        Ok(seen)
    }

    async fn contents(&mut self) -> Result<Digest> {
        const PAGE: u32 = 10_000;
        let collection = self.collection::<Value>();
        let all = collection.find(doc! {});
        let mut cursor = all.batch_size(PAGE).await?;
        let mut digest = Digest::default();
        while cursor.advance().await? {
            let mut document = cursor.deserialize_current()?;
            let members = document.as_object_mut().context("a document")?;
            let id = members.remove("_id").context("an _id")?;
            digest.add_under(id.as_str().context("a text")?, &document);
        }
        Ok(digest)
    }
}

impl Mongodb {
    fn collection<T: Send + Sync>(&self) -> Collection<T> {
        self.client.database(&self.database).collection("records")
    }
}

/// The document that a record becomes.
fn document(Record { id, value }: &Record) -> Result<RawDocumentBuf> {
    let value: Value = serde_json::from_slice(value)?;
    let mut document = serde_json::Map::new();
    document.insert("_id".to_owned(), id.as_str().into());
    document.extend(value.as_object().context("an object")?.clone());
    Ok(serialize_to_raw_document_buf(&document)?)
}

impl RawWriter for Raw {
    async fn write(&mut self, records: Range<usize>) -> Result<()> {
        let documents = &self.documents[records];
        let insert = self.collection.insert_many(documents).ordered(false);
        let inserted = insert.await?.inserted_ids.len();
        ensure!(inserted == documents.len(), "{inserted} are inserted");
        Ok(())
    }
}
