//! Indexes of Elasticsearch or OpenSearch, written by bulk requests whose answers are read item by item.
//!
//! A record's id is the `_id` of its document, so that a repeat is told by the cluster (409) or puts the same in its place. What
//! a node says of a request as a whole is in `refusal`, what it says of one document in `answer`.

mod answer;
mod bulk;
mod fleet;
mod nodes;
mod refusal;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tamis_config::spec::ElasticsearchSinkSpec;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};

use answer::{Fate, Item};
use bulk::{Encoder, Line, Lines};
use nodes::{Nodes, Question};
use refusal::Refusal;

use crate::parts::Parts;

/// What is asked at the start must be answered within this, so that whoever waits hears of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Only what is read of an answer. Without errors it is some 25 bytes a document.
const BULK: &str = "_bulk?filter_path=errors,items.*.status,items.*.error,items.*.failure_store";

/// How many records in a row Elasticsearch may refuse as a whole, each alone, until that is not their fault.
const REFUSED_MAX: u32 = 100;

/// Indexes of one cluster.
pub struct ElasticsearchSink {
    nodes: Nodes,
    encoder: Encoder,
    gzip: bool,
    timeout: Duration,
    /// Requests of one record that Elasticsearch refused as a whole since it took one.
    refused: AtomicU32,
}

impl ElasticsearchSink {
    /// Asks the cluster whether it is there and lets this user in, and makes the index template where one is asked for.
    ///
    /// # Errors
    /// Where no node answers, or one refuses.
    pub async fn connect(spec: &ElasticsearchSinkSpec) -> Result<Self, SinkError> {
        let nodes = Nodes::new(spec)?;
        let timeout = Duration::from_millis(spec.timeout_ms);
        let patience = timeout.min(CONNECT_TIMEOUT);
        let cluster = fleet::greet(&nodes, patience).await?;
        if let Some(template) = &spec.template {
            let data_stream = spec.data_stream;
            fleet::make(&nodes, patience, cluster, template, data_stream).await?;
        }
        let encoder = Encoder::new(spec);
        Ok(Self {
            nodes,
            encoder,
            gzip: spec.gzip,
            timeout,
            refused: AtomicU32::new(0),
        })
    }

    /// Sends one part of `lines`.
    async fn send(
        &self,
        bytes: &Arc<Vec<u8>>,
        part: Range<usize>,
        count: usize,
    ) -> Result<Result<Vec<Item>, Refusal>, SinkError> {
        let compressed;
        let body = if self.gzip {
            compressed = bulk::gzip(bytes, part).await?;
            &compressed[..]
        } else {
            &bytes[part]
        };
        let question = Question::bulk(BULK, body, self.gzip, self.timeout);
        let reply = self.nodes.ask(&question).await?;
        if !reply.is_success() {
            return refusal::of(&reply).map(Err);
        }
        answer::items(&reply.body, count, &reply.mask).map(Ok)
    }

    /// What the fate of one document means for its record.
    fn verdict(&self, line: &Line, fate: Fate) -> Result<Verdict, SinkError> {
        let index = &line.index;
        let hide = |words| self.nodes.mask().hide(words);
        match fate {
            Fate::Written => Ok(Verdict::Written),
            Fate::Retry(words) => Ok(Verdict::Retry(hide(words))),
            Fate::Rejected(words) => Ok(Verdict::Rejected(hide(words))),
            Fate::NoSuchIndex(words) => self.encoder.no_index(index, &hide(words)),
            Fate::Retired(words) => self.encoder.retired_index(index, &hide(words)),
            Fate::Forbidden(words) => self.encoder.forbidden_index(index, &hide(words)),
        }
    }

    /// What it means that a request was refused that holds one record alone.
    fn refused(&self, refusal: Refusal, doubts: &mut Doubts) -> Result<Verdict, SinkError> {
        match refusal {
            Refusal::TooLarge(words) => Ok(Verdict::Rejected(words)),
            Refusal::Unreadable(words) => {
                let before = self.refused.fetch_add(1, Ordering::Relaxed);
                if before >= REFUSED_MAX && !doubts.answered {
                    return Err(refusal::of_all(&words));
                }
                Ok(Verdict::Rejected(words))
            }
            Refusal::Strange(words) => doubts.add(&words),
        }
    }
}

#[async_trait]
impl Sink for ElasticsearchSink {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let mut verdicts = vec![Verdict::Written; records.len()];
        let mut lines = Lines::default();
        for (index, record) in records.iter().enumerate() {
            if let Err(reason) = self.encoder.add(&mut lines, index, &record)? {
                verdicts[index] = Verdict::Rejected(reason);
            }
        }
        let bytes = lines.take_bytes();
        let mut doubts = Doubts::default();
        let whole: Range<usize> = 0..lines.len();
        let mut parts = Parts::of([whole]);
        while let Some(part) = parts.next() {
            let sent = self.send(&bytes, lines.bytes_of(&part), part.len()).await?;
            match sent {
                Ok(items) => {
                    doubts.answered = true;
                    self.refused.store(0, Ordering::Relaxed);
                    for (line, item) in lines.of(&part).iter().zip(items) {
                        verdicts[line.record] = self.verdict(line, item.fate())?;
                    }
                }
                Err(refusal) if part.len() == 1 => {
                    let line = &lines.of(&part)[0];
                    verdicts[line.record] = self.refused(refusal, &mut doubts)?;
                }
                Err(_) => parts.halve(part),
            }
        }
        doubts.end()?;
        Ok(verdicts)
    }
}

/// Requests that were refused as a whole by someone who does not say that he is Elasticsearch. If others of the same write were
/// answered, then it is because of a record; if none was, then it is because of whatever stands between.
#[derive(Debug, Default)]
struct Doubts {
    answered: bool,
    words: Option<String>,
}

impl Doubts {
    fn add(&mut self, words: &str) -> Result<Verdict, SinkError> {
        if self.words.is_some() {
            // A second record that is alone to blame is not looked for among a thousand.
            self.end()?;
        }
        self.words = Some(words.to_owned());
        Ok(Verdict::Rejected(words.to_owned()))
    }

    fn end(&self) -> Result<(), SinkError> {
        match &self.words {
            Some(words) if !self.answered => Err(refusal::of_all(words)),
            Some(_) | None => Ok(()),
        }
    }
}
