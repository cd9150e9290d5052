//! The lines of a bulk request: for each record one that says what to do, and its value as it stands.

use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tamis_config::spec::{ElasticsearchOperation, ElasticsearchSinkSpec, is_index_name};
use tamis_core::sink::{Record, SinkError, Verdict};

use crate::destinations::Destinations;
use crate::json;

/// What Elasticsearch takes as an `_id`. It refuses a whole request because of a longer one.
const ID_BYTES_MAX: usize = 512;
/// What a line has beside value, index and id.
const LINE_BYTES: usize = 40;

/// Lines of one request, or of several.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// The two lines of one record.
#[derive(Debug)]
pub(super) struct Line {
    /// Its number among those that are written.
    pub(super) record: usize,
    /// Where it goes.
    pub(super) index: String,
    /// Where its lines end.
    end: usize,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn of(&self, part: &Range<usize>) -> &[Line] {
        &self.lines[part.clone()]
    }

    pub(super) fn bytes_of(&self, part: &Range<usize>) -> Range<usize> {
        let end = |line: usize| self.lines[line].end;
        let start = part.start.checked_sub(1).map_or(0, end);
        start..end(part.end - 1)
    }

    /// All bytes, once nothing is added any more.
    pub(super) fn take_bytes(&mut self) -> Arc<Vec<u8>> {
        Arc::new(std::mem::take(&mut self.bytes))
    }
}

/// Makes lines of records.
#[derive(Debug)]
pub(super) struct Encoder {
    destinations: Destinations,
    start: &'static [u8],
}

impl Encoder {
    pub(super) fn new(spec: &ElasticsearchSinkSpec) -> Self {
        Self {
            destinations: Destinations::new(&spec.index, spec.indexes_max),
            start: match spec.operation {
                ElasticsearchOperation::Create => br#"{"create":{"_index":"#,
                ElasticsearchOperation::Index => br#"{"index":{"_index":"#,
            },
        }
    }

    /// Adds the lines of `record`, which has this number; or says why it can be no document.
    ///
    /// # Errors
    /// Where a person named an index that cannot be.
    pub(super) fn add(
        &self,
        lines: &mut Lines,
        number: usize,
        record: &Record<'_>,
    ) -> Result<Result<(), String>, SinkError> {
        let (value, id) = match (document(record), record.id().to_string()) {
            (Ok(value), id) if id.len() <= ID_BYTES_MAX => (value, id),
            (Ok(_), id) => {
                let len = id.len();
                return Ok(Err(format!(
                    "its id has {len} bytes, and an _id has {ID_BYTES_MAX} at most: {id}"
                )));
            }
            (Err(reason), _) => return Ok(Err(reason)),
        };
        let index = match self.destinations.of(*record) {
            Ok(index) => index,
            Err(reason) => return Ok(Err(reason)),
        };
        if !is_index_name(&index) {
            let words = format!("index {index}: Elasticsearch allows no index of this name");
            return self.destinations.refuse(&index, words).map(Err);
        }
        let bytes = &mut lines.bytes;
        bytes.reserve(LINE_BYTES + index.len() + id.len() + value.len());
        bytes.extend_from_slice(self.start);
        push_text(bytes, &index);
        bytes.extend_from_slice(br#","_id":"#);
        push_text(bytes, &id);
        bytes.extend_from_slice(b"}}\n");
        push_line(bytes, value);
        lines.lines.push(Line {
            record: number,
            index,
            end: lines.bytes.len(),
        });
        Ok(Ok(()))
    }

    /// What it means that there is no `index`, and that none is made.
    pub(super) fn no_index(&self, index: &str, words: &str) -> Result<Verdict, SinkError> {
        let advice = "make it, let it be made (`action.auto_create_index`), or correct `index`";
        let words = format!("index {index}: {words}; {advice}");
        self.destinations
            .refuse(index, words)
            .map(Verdict::Rejected)
    }

    /// What it means that this user may not write to `index`.
    pub(super) fn forbidden_index(&self, index: &str, words: &str) -> Result<Verdict, SinkError> {
        let advice = "give the user of `user` or `api_key` the rights `create_doc` (with `operation: index` also `index`) and \
                      `auto_configure` on it";
        let words = format!("index {index}: {words}; {advice}");
        self.destinations
            .refuse(index, words)
            .map(Verdict::Rejected)
    }

    /// What it means that `index` is there, and that a person has closed it or set it to be read only.
    pub(super) fn retired_index(&self, index: &str, words: &str) -> Result<Verdict, SinkError> {
        let words = format!("index {index}: {words}");
        self.destinations
            .refuse_one(index, words)
            .map(Verdict::Rejected)
    }
}

/// The value of `record`, if it is a JSON object.
fn document<'a>(record: &Record<'a>) -> Result<&'a [u8], String> {
    let value = record.value();
    let value = value.ok_or("a record without a value (a tombstone) is no document")?;
    if json::check(value)? == Some(b'{') {
        Ok(value)
    } else {
        Err("a document is a JSON object, and this is another kind of value".to_owned())
    }
}

/// `value` as one line. In JSON a raw line feed can only be white space, and a space is as good.
fn push_line(bytes: &mut Vec<u8>, value: &[u8]) {
    let start = bytes.len();
    bytes.extend_from_slice(value);
    for byte in &mut bytes[start..] {
        if *byte == b'\n' {
            *byte = b' ';
        }
    }
    bytes.push(b'\n');
}

/// `text` in quotes.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(bytes, text).expect("a text becomes JSON in memory");
}

/// This part of `bytes`, compressed on a thread that may take its time.
pub(super) async fn gzip(bytes: &Arc<Vec<u8>>, part: Range<usize>) -> Result<Vec<u8>, SinkError> {
    let bytes = Arc::clone(bytes);
    let compress = move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes[part])?;
        encoder.finish()
    };
    let compressed: io::Result<_> = tokio::task::spawn_blocking(compress)
        .await
        .map_err(|error| SinkError::Unavailable(error.into()))?;
    compressed.map_err(|error| SinkError::Unavailable(error.into()))
}

#[cfg(test)]
mod tests;
