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
    time(engine, place, SAMPLE, SHARE, usual, report, "sample.js", |out| {
        ensure!(out == sampled, "sample keeps others than Rust does");
        Ok(())
    })?;

    time(engine, place, STACKTRACE, "{}", usual, report, "stacktrace.python", |out| {
        let lines = out.strip_suffix(b"\n").unwrap_or_default();
        let same = lines.split(|byte| *byte == b'\n').eq(usual.iter().map(Vec::as_slice));
        ensure!(same, "stacktrace has changed a record without a trace");
        Ok(())
    })?;
    let failed: Vec<_> = usual.iter().map(|record| with_trace(record)).collect::<Result<_>>()?;
    let found = |out: &[u8]| {
        let lines = out.strip_suffix(b"\n").unwrap_or_default().split(|byte| *byte == b'\n');
        let mut count = 0;
        for line in lines {
            let record: Value = serde_json::from_slice(line)?;
            ensure!(record["error"]["type"] == "java.sql.SQLTimeoutException", "{record}");
            count += 1;
        }
        ensure!(count == failed.len(), "{count} of {} records", failed.len());
        Ok(())
    };
    time(engine, place, STACKTRACE, "{}", &failed, report, "stacktrace.python.trace", found)
}

#[expect(clippy::too_many_arguments, reason = "a row is all of these")]
fn time(
    engine: &Engine,
    place: &Place,
    file: &str,
    settings: &str,
    records: &[Vec<u8>],
    report: &mut Report,
    row: &str,
    check: impl Fn(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut sandbox = Sandbox(vec![stage(engine, place, file, settings)?]);
    check(&sandbox.pass(records)?.out)?;
    let mut times = Times::default();
    for _ in 0..REPETITIONS {
        times.push(sandbox.pass(records)?.first);
    }
    report.ns_per_record(row, records.len(), &times, None);
    Ok(())
}

/// Where a stack trace is the message.
fn with_trace(record: &[u8]) -> Result<Vec<u8>> {
    let mut record: Value = serde_json::from_slice(record)?;
    record["Msg"] = TRACE.into();
    Ok(record.to_string().into_bytes())
}
