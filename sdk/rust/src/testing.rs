//! Runs a plugin natively, through the same code and the same flat form as in Tamis.

use std::cell::Cell;

use crate::batch::{Answer, Batch, Instance};
use crate::effects::LogLevel;
use crate::headers::{self, Headers};
use crate::plugin::{ConfigError, Metadata, Plugin};
use crate::{export, length};

/// A record for a plugin to decide about; `"{}".into()` is one with this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRecord {
    value: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    headers: Vec<u8>,
    timestamp_ms: i64,
}

impl TestRecord {
    /// A record with this value and nothing else.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::tombstone()
        }
    }

    /// A record with no value.
    #[must_use]
    pub fn tombstone() -> Self {
        Self {
            value: None,
            key: None,
            headers: Vec::new(),
            timestamp_ms: -1,
        }
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        headers::push(&mut self.headers, name, value);
        self
    }

    /// With this time.
    #[must_use]
    pub fn timestamp_ms(mut self, timestamp_ms: i64) -> Self {
        self.timestamp_ms = timestamp_ms;
        self
    }
}

impl From<&str> for TestRecord {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestFate {
    /// It goes on as it is.
    Keep,
    /// It ends here.
    Drop,
    /// It becomes a dead letter, for this reason.
    Reject(String),
    /// These go on in its place.
    Emit(Vec<TestOutput>),
}

impl TestFate {
    /// The value of the one output, where there is one and it is text.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Emit(outputs) => match outputs.as_slice() {
                [
                    TestOutput {
                        value: Some(value), ..
                    },
                ] => std::str::from_utf8(value).ok(),
                _ => None,
            },
            Self::Keep | Self::Drop | Self::Reject(_) => None,
        }
    }
}

/// A record that goes on in the place of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutput {
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The route that it was given.
    pub route: Option<String>,
    /// Its time, where it was given one that is not its record's.
    pub timestamp_ms: Option<i64>,
}

/// The plugin with these settings, a JSON text.
///
/// # Errors
/// Where the plugin refuses them.
pub fn configure<P: Plugin>(settings: &str) -> Result<P, ConfigError> {
    crate::plugin::configure(settings)
}

/// The JSON schema of the plugin's settings.
#[must_use]
pub fn settings_schema<P: Plugin>() -> String {
    export::schema::<P>()
}

/// What becomes of `records`, which lie at the offsets 0, 1, … of partition 0 of the topic `topic` of the source
/// `source`.
///
/// # Panics
/// Where the plugin refuses the settings, or panics.
#[must_use]
pub fn run<P: Plugin>(settings: &str, records: &[TestRecord]) -> Vec<TestFate> {
    decode(&answer::<P>(settings, records), records)
}

/// What a plugin counted and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestEffects {
    /// Names and sums, in the order in which they were first counted.
    pub counts: Vec<(String, u64)>,
    /// Each line with its level and the index of the record that it is about.
    pub lines: Vec<(LogLevel, usize, String)>,
}

/// What the plugin counts and logs about `records`, which lie as for [`run`].
///
/// # Panics
/// Where the plugin refuses the settings, or panics.
#[must_use]
pub fn effects<P: Plugin>(settings: &str, records: &[TestRecord]) -> TestEffects {
    let answer = answer::<P>(settings, records);
    let mut words = &answer.words[..];
    let mut word = |length: i32| {
        let length = usize::try_from(length).expect("a word has a length");
        let (word, rest) = words.split_at(length);
        words = rest;
        text(word.to_vec())
    };
    let names = answer.count_names.iter().map(|length| word(*length));
    let counts = names.zip(answer.counts.iter().copied()).collect();
    let (lines, ragged) = answer.logs.as_chunks::<3>();
    assert!(ragged.is_empty(), "three numbers for each line");
    let index = |number: i32| usize::try_from(number).expect("a level and a record have an index");
    let lines = lines.iter().map(|[level, record, length]| {
        let level = LogLevel::ALL[index(*level)];
        (level, index(*record), word(*length))
    });
    let lines = lines.collect();
    assert!(words.is_empty(), "words add up");
    TestEffects { counts, lines }
}

fn answer<P: Plugin>(settings: &str, records: &[TestRecord]) -> Answer {
    let mut instance = Instance::<P>::default();
    if let Err(error) = instance.configure(settings) {
        panic!("the settings are refused: {error}");
    }
    instance.process(&batch(P::WANTS, records))
}

/// Sets the clock that [`now_ms`](crate::now_ms) reads in this thread.
pub fn set_now_ms(now_ms: u64) {
    NOW_MS.set(now_ms);
}

pub(crate) fn now_ms() -> u64 {
    NOW_MS.get()
}

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
}

/// The records in the flat form, with what a plugin that `wants` this is sent.
#[doc(hidden)]
#[must_use]
pub fn batch(wants: Metadata, records: &[TestRecord]) -> Batch {
    let mut batch = Batch {
        values: Vec::new(),
        value_lengths: Vec::new(),
        keys: Vec::new(),
        key_lengths: Vec::new(),
        headers: Vec::new(),
        header_lengths: Vec::new(),
        timestamps: Vec::new(),
        source: String::new(),
        topic: String::new(),
        partition: 0,
        offsets: Vec::new(),
        numbers: Vec::new(),
    };
    for record in records {
        lay(
            &mut batch.values,
            &mut batch.value_lengths,
            record.value.as_deref(),
        );
    }
    if wants.contains(Metadata::KEY) {
        for record in records {
            lay(
                &mut batch.keys,
                &mut batch.key_lengths,
                record.key.as_deref(),
            );
        }
    }
    if wants.contains(Metadata::HEADERS) {
        for record in records {
            lay(
                &mut batch.headers,
                &mut batch.header_lengths,
                Some(&record.headers),
            );
        }
    }
    if wants.contains(Metadata::TIMESTAMP) {
        batch.timestamps = records.iter().map(|record| record.timestamp_ms).collect();
    }
    if wants.contains(Metadata::POSITION) {
        batch.source = "source".to_owned();
        batch.topic = "topic".to_owned();
        batch.offsets = (0..).take(records.len()).collect();
        batch.numbers = vec![0; records.len()];
    }
    batch
}

fn lay(bytes: &mut Vec<u8>, lengths: &mut Vec<i32>, part: Option<&[u8]>) {
    lengths.push(part.map_or(-1, |part| length(part.len())));
    bytes.extend_from_slice(part.unwrap_or_default());
}

fn decode(answer: &Answer, records: &[TestRecord]) -> Vec<TestFate> {
    assert_eq!(
        answer.fates.len(),
        records.len(),
        "one fate for each record"
    );
    let mut rows = Rows {
        rows: &answer.rows,
        timestamps: &answer.timestamps,
        bytes: &answer.bytes,
    };
    let fates = answer
        .fates
        .iter()
        .zip(records)
        .enumerate()
        .map(|(index, (&fate, record))| {
            let index = length(index);
            match fate {
                0 => TestFate::Keep,
                1 => TestFate::Drop,
                2 => TestFate::Emit(std::iter::from_fn(|| rows.next_of(index, record)).collect()),
                3 => {
                    let row = rows.next_of(index, record).expect("a reason");
                    TestFate::Reject(text(row.value.expect("a reason")))
                }
                other => panic!("no fate has the number {other}"),
            }
        });
    let fates = fates.collect();
    let left = (rows.rows.len(), rows.timestamps.len(), rows.bytes.len());
    assert_eq!(left, (0, 0, 0), "rows, times and bytes add up");
    fates
}

struct Rows<'a> {
    rows: &'a [i32],
    timestamps: &'a [i64],
    bytes: &'a [u8],
}

impl Rows<'_> {
    /// The next row, if it comes from the record with this index.
    fn next_of(&mut self, index: i32, record: &TestRecord) -> Option<TestOutput> {
        let (&[of, value, key, headers, route], rest) = self.rows.split_first_chunk::<5>()?;
        if of != index {
            return None;
        }
        self.rows = rest;
        let value = self.part(value, record.value.as_deref());
        let key = self.part(key, record.key.as_deref());
        let headers = self
            .part(headers, Some(&record.headers))
            .unwrap_or_default();
        let headers = Headers::new(&headers)
            .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
            .collect();
        let route = self.part(route, None).map(text);
        let timestamp_ms = self.timestamp_ms(record);
        Some(TestOutput {
            value,
            key,
            headers,
            route,
            timestamp_ms,
        })
    }

    fn timestamp_ms(&mut self, record: &TestRecord) -> Option<i64> {
        let (&timestamp_ms, rest) = self.timestamps.split_first()?;
        self.timestamps = rest;
        Some(timestamp_ms).filter(|&timestamp_ms| timestamp_ms != record.timestamp_ms)
    }

    fn part(&mut self, length: i32, same: Option<&[u8]>) -> Option<Vec<u8>> {
        if length == -2 {
            return same.map(<[u8]>::to_vec);
        }
        let (part, rest) = self.bytes.split_at(usize::try_from(length).ok()?);
        self.bytes = rest;
        Some(part.to_vec())
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("routes and reasons are UTF-8")
}
