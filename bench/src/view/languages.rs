//! What plugins in other languages than Rust cost a record, in the sandbox.

use anyhow::{Result, anyhow, ensure};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tamis_host::Engine;
use tamis_sdk::batch::Instance;
use tamis_sdk::{ConfigError, Fate, Metadata, Plugin, Record};

use super::alone::native;
use super::sides::{Sandbox, Side};
use super::stage;
use crate::REPETITIONS;
use crate::data::Place;
use crate::report::{Report, Times};

const SAMPLE: &str = "plugins/sample/sample.wasm";
const STACKTRACE: &str = "plugins/stacktrace/stacktrace.wasm";
const SHARE: &str = r#"{"share":0.5}"#;
const TRACE: &str = "java.lang.RuntimeException: could not pay\n\tat com.shop.Pay.charge(Pay.java:88)\n\
    Caused by: java.sql.SQLTimeoutException: no answer: 5 s\n\tat java.net.Socket.read(Socket.java:12)\n\
    \tat com.shop.Store.save(Store.java:41)\n\tat com.shop.Pay.charge(Pay.java:80)\n\t... 1 more";

/// What `sample` does with these settings, in Rust: the hash is the same in every language.
struct Half(f64);

/// Its settings.
#[derive(Deserialize, JsonSchema)]
struct Share {
    share: f64,
}

impl Plugin for Half {
    type Settings = Share;

    const WANTS: Metadata = Metadata::POSITION;

    fn new(settings: Share) -> Result<Self, ConfigError> {
        Ok(Self(settings.share))
    }

    fn process(&mut self, record: &mut Record<'_>) -> Fate {
        if record.is_sampled(self.0) {
            Fate::Keep
        } else {
            Fate::Drop
        }
    }
}

/// Adds a row for each of what they do, measured with a part of the `usual` records: they take a hundred times as long as those in Rust.
pub(super) fn measure(
    engine: &Engine,
    place: &Place,
    usual: &[Vec<u8>],
    report: &mut Report,
) -> Result<()> {
    let usual = &usual[..usual.len().min(10_000)];
    let mut half = Instance::<Half>::default();
    half.configure(SHARE).map_err(|error| anyhow!("{error}"))?;
    let (sampled, _) = native(&mut half, usual)?;
    let mut sandbox = Sandbox(vec![stage(engine, place, SAMPLE, SHARE)?]);
    let same = sandbox.pass(usual)?.out == sampled;
    ensure!(same, "sample keeps others than Rust does");
    time(&mut sandbox, usual, "sample.js", report)?;

    let mut sandbox = Sandbox(vec![stage(engine, place, STACKTRACE, "{}")?]);
    let same = lines(&sandbox.pass(usual)?.out).eq(usual.iter().map(Vec::as_slice));
    ensure!(same, "stacktrace has changed a record without a trace");
    time(&mut sandbox, usual, "stacktrace.python", report)?;

    let failed = usual.iter().map(|record| with_trace(record));
    let failed = failed.collect::<Result<Vec<_>>>()?;
    let out = sandbox.pass(&failed)?.out;
    ensure!(
        lines(&out).count() == failed.len(),
        "stacktrace has lost a record"
    );
    for line in lines(&out) {
        let record: Value = serde_json::from_slice(line)?;
        let found = record["error"]["type"] == "java.sql.SQLTimeoutException";
        ensure!(found, "stacktrace has not found the trace: {record}");
    }
    time(&mut sandbox, &failed, "stacktrace.python.trace", report)
}

fn time(sandbox: &mut Sandbox, records: &[Vec<u8>], row: &str, report: &mut Report) -> Result<()> {
    let mut times = Times::default();
    for _ in 0..REPETITIONS {
        times.push(sandbox.pass(records)?.first);
    }
    report.ns_per_record(row, records.len(), &times, None);
    Ok(())
}

/// The records in an output, without their line feeds.
fn lines(out: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = out.strip_suffix(b"\n").unwrap_or_default();
    whole.split(|byte| *byte == b'\n')
}

/// Where a stack trace is the message.
fn with_trace(record: &[u8]) -> Result<Vec<u8>> {
    let mut record: Value = serde_json::from_slice(record)?;
    record["Msg"] = TRACE.into();
    Ok(record.to_string().into_bytes())
}
