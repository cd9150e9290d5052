//! An index of Elasticsearch, with the mapping that Tamis makes for the fleet's records.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use ::elasticsearch::http::Method;
use ::elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ::elasticsearch::http::transport::Transport;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::input::{Input, Record};
use super::raw::RawWriter;
use super::{REQUESTS_MAX, Store};
use crate::digest::Digest;

/// Documents that are fetched at once.
const PAGE: usize = 2_000;
/// How often, and with which pause, a node that has no memory left for a question is asked again: half a minute.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Elasticsearch {
    transport: Transport,
    index: String,
}

pub(crate) struct Raw {
    transport: Transport,
    index: String,
    records: Arc<Vec<Record>>,
}

impl Store for Elasticsearch {
    const NAME: &'static str = "elasticsearch";
    const SERVICE: &'static str = "elasticsearch";
    type Raw = Raw;

    async fn connect(address: &str) -> Result<Self> {
        Ok(Self {
            transport: Transport::single_node(&format!("http://{address}"))?,
            index: super::unique_name(),
        })
    }

    fn table(&self) -> &str {
        &self.index
    }

    async fn renew(&mut self) -> Result<()> {
        self.remove().await?;
        let keyword = json!({ "type": "keyword" });
        let index = json!({
            "settings": { "number_of_shards": 1, "number_of_replicas": 0 },
            "mappings": { "properties": {
                "Time": { "type": "date", "format": "yyyy-MM-dd HH:mm:ss" },
                "Type": keyword,
                "Action": keyword,
                "FuncName": keyword,
                "Msg": { "type": "text" },
                "Field": { "type": "flattened" },
            } },
        });
        self.ask(Method::Put, "", Some(&index)).await?;
        Ok(())
    }

    async fn remove(&mut self) -> Result<()> {
        self.ask(Method::Delete, "?ignore_unavailable=true", None)
            .await?;
        Ok(())
    }

    async fn raw(&mut self, input: &Input) -> Result<Vec<Raw>> {
        let raw = || Raw {
            transport: self.transport.clone(),
            index: self.index.clone(),
            records: Arc::clone(&input.records),
        };
        Ok((0..REQUESTS_MAX).map(|_| raw()).collect())
    }

    async fn seen(&mut self, ids: &[&str]) -> Result<HashSet<String>> {
        let path = "/_mget?_source=false&filter_path=docs._id,docs.found";
        let answer = self
            .ask(Method::Post, path, Some(&json!({ "ids": ids })))
            .await?;
        let documents = answer["docs"].as_array().context("documents")?;
        let found = documents.iter().filter(|it| it["found"] == true);
        found.map(id_of).collect()
    }

    async fn contents(&mut self) -> Result<Digest> {
        self.ask(Method::Post, "/_refresh", None).await?;
        let mut digest = Digest::default();
        let search = json!({ "size": PAGE, "sort": ["_doc"] });
        let mut page = self
            .ask(Method::Post, "/_search?scroll=1m", Some(&search))
            .await?;
        loop {
            let hits = page["hits"]["hits"].as_array().context("hits")?;
            for hit in hits {
                digest.add_under(&id_of(hit)?, &hit["_source"]);
            }
            let scroll = json!({ "scroll": "1m", "scroll_id": page["_scroll_id"] });
            if hits.is_empty() {
                let scroll = json!({ "scroll_id": page["_scroll_id"] });
                ask(
                    &self.transport,
                    Method::Delete,
                    "_search/scroll",
                    Some(&scroll),
                )
                .await?;
                return Ok(digest);
            }
            page = ask(
                &self.transport,
                Method::Post,
                "_search/scroll",
                Some(&scroll),
            )
            .await?;
        }
    }
}

impl Elasticsearch {
    /// Asks something of the index.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let path = format!("{}{path}", self.index);
        ask(&self.transport, method, &path, body).await
    }
}

/// The small node of the tests may be out of memory for a moment; whoever looks waits for that, as Tamis does.
async fn ask(
    transport: &Transport,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let text = body.map(Value::to_string);
    for left in (0..TRIES).rev() {
        let text = text.as_deref();
        let sent = transport.send(method, path, HeaderMap::new(), None::<&()>, text, None);
        let answer = sent.await?;
        let status = answer.status_code();
        let answer = answer.bytes().await?;
        if status == 429 && left > 0 {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        ensure!(
            status.is_success(),
            "{path}: status {status}: {}",
            String::from_utf8_lossy(&answer)
        );
        return Ok(serde_json::from_slice(&answer)?);
    }
    unreachable!("the last try ends in an answer or an error")
}

fn id_of(document: &Value) -> Result<String> {
    Ok(document["_id"].as_str().context("an id")?.to_owned())
}

impl RawWriter for Raw {
    async fn write(&mut self, records: Range<usize>) -> Result<()> {
        let records = &self.records[records];
        let bytes = |it: &Record| it.id.len() + it.value.len() + self.index.len() + 40;
        let mut body = Vec::with_capacity(records.iter().map(bytes).sum());
        for Record { id, value } in records {
            for part in [
                br#"{"create":{"_index":""#,
                self.index.as_bytes(),
                br#"","_id":""#,
                id.as_bytes(),
                b"\"}}\n",
                value,
                b"\n",
            ] {
                body.extend_from_slice(part);
            }
        }
        let mut headers = HeaderMap::new();
        let lines = HeaderValue::from_static("application/x-ndjson");
        headers.insert(CONTENT_TYPE, lines);
        // All that has to be known here is whether everything went well.
        let path = "_bulk?filter_path=errors";
        let sent = self
            .transport
            .send(Method::Post, path, headers, None::<&()>, Some(body), None);
        let answer = sent.await?.bytes().await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(answer["errors"] == false, "{answer}");
        Ok(())
    }
}
