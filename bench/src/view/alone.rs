//! What each plugin that the job does not have costs a record, alone: in the sandbox and natively.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use parse::Parse;
use redact::Redact;
use serde_json::Value;
use tamis_host::Engine;
use tamis_sdk::Plugin;
use tamis_sdk::batch::Instance;

use super::sides::{Sandbox, Side, batches, process};
use super::stage;
use crate::REPETITIONS;
use crate::data::Place;
use crate::report::{Report, Times};

const MASK: &str = r#"{"fields":["/Field/phone"],
    "patterns":["phone","id_card","email","bank_card","bearer_token"]}"#;
const HASH: &str = r#"{"fields":["/Field/phone"],"method":"hash","key":"a key of a benchmark",
    "patterns":["phone","id_card","email","bank_card","bearer_token"]}"#;

/// A usual record as another format has it.
type Line = fn(&Log<'_>) -> String;

const LINES: [(&str, Line); 6] = [
    ("zap_console", |log| {
        let (level, message, fields) = (log.level, log.message, log.fields);
        format!("2023-01-18T12:00:00.123+0800\t{level}\tserver/main.go:42\t{message}\t{fields}")
    }),
    ("combined", |log| {
        let (user, ip) = (&log.fields["user_id"], log.ip);
        format!(
            "{ip} - {user} [18/Jan/2023:12:00:00 +0800] \"GET /{} HTTP/1.1\" 200 5316 \"-\" \"Mozilla/5.0 (X11; Linux \
             x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36\"",
            log.action
        )
    }),
    ("rfc3164", |log| {
        format!("<13>Jan 18 12:00:00 web-1 app[42]: {}", log.message)
    }),
    ("rfc5424", |log| {
        let (action, message) = (log.action, log.message);
        format!(
            "<13>1 2023-01-18T12:00:00+08:00 web-1 app 42 - [log@1 action=\"{action}\"] {message}"
        )
    }),
    ("logback", |log| {
        let (level, message) = (log.level, log.message);
        format!("2023-01-18 12:00:00.123 [main] {level} com.example.App - {message}")
    }),
    ("logfmt", |log| {
        let Log {
            level,
            action,
            message,
            ip,
            ..
        } = log;
        format!(
            "time=2023-01-18T12:00:00+08:00 level={level} action={action} ip={ip} msg=\"{message}\""
        )
    }),
];

/// What of a usual record is put into lines.
struct Log<'r> {
    level: &'r str,
    action: &'r str,
    message: &'r str,
    ip: &'r str,
    fields: &'r Value,
}

impl<'r> Log<'r> {
    fn new(record: &'r Value) -> Self {
        let text = |value: &'r Value| value.as_str().unwrap_or_default();
        Self {
            level: text(&record["Type"]),
            action: text(&record["Action"]),
            message: text(&record["Msg"]),
            ip: text(&record["Field"]["ip"]),
            fields: &record["Field"],
        }
    }
}

/// Adds a row for each plugin and each side, measured with `usual` records and what is made of them.
pub(super) fn measure(
    engine: &Engine,
    place: &Place,
    usual: &[Vec<u8>],
    report: &mut Report,
) -> Result<()> {
    let values = usual
        .iter()
        .map(|record| Ok(serde_json::from_slice(record)?))
        .collect::<Result<Vec<Value>>>()?;
    let personal: Vec<_> = values.iter().map(personal).collect();
    for (variant, settings, records) in [
        ("", MASK, usual),
        (".mask", MASK, &personal[..]),
        (".hash", HASH, &personal[..]),
    ] {
        let file = "plugins/redact/redact.wasm";
        let mut sandbox = Sandbox(vec![stage(engine, place, file, settings)?]);
        let taken = Taken::of::<Redact>(&mut sandbox, settings, records)?;
        taken.report("redact", variant, records.len(), report);
    }
    for (format, line) in LINES {
        let settings = format!(r#"{{"formats":["{format}"],"on_unparsed":"reject"}}"#);
        let lines = values
            .iter()
            .map(|value| line(&Log::new(value)).into_bytes());
        let lines: Vec<_> = lines.collect();
        let file = "plugins/parse/parse.wasm";
        let mut sandbox = Sandbox(vec![stage(engine, place, file, &settings)?]);
        let taken = Taken::of::<Parse>(&mut sandbox, &settings, &lines)?;
        taken.report("parse", &format!(".{format}"), lines.len(), report);
    }
    Ok(())
}

/// With something to hide in its message.
fn personal(record: &Value) -> Vec<u8> {
    let mut record = record.clone();
    let message = record["Msg"].as_str().unwrap_or_default();
    record["Msg"] = format!("{message} 13800138000 {message} name@example.com").into();
    record.to_string().into_bytes()
}

#[derive(Default)]
struct Taken {
    wasm: Times,
    native: Times,
}

impl Taken {
    /// The sides in turn; once they are compared before.
    fn of<P: Plugin>(sandbox: &mut Sandbox, settings: &str, records: &[Vec<u8>]) -> Result<Self> {
        let mut instance = Instance::<P>::default();
        instance
            .configure(settings)
            .map_err(|error| anyhow!("{error}"))?;
        let (expected, _) = native(&mut instance, records)?;
        let same = sandbox.pass(records)?.out == expected;
        ensure!(same, "the sandbox and the native code differ: {settings}");
        let mut taken = Self::default();
        for _ in 0..REPETITIONS {
            taken.wasm.push(sandbox.pass(records)?.first);
            taken.native.push(native(&mut instance, records)?.1);
        }
        Ok(taken)
    }

    fn report(&self, plugin: &str, variant: &str, records: usize, report: &mut Report) {
        for (side, times) in [("wasm", &self.wasm), ("native", &self.native)] {
            report.ns_per_record(&format!("{plugin}.{side}{variant}"), records, times, None);
        }
    }
}

/// What is left of `records`, each with a line feed, and the time that it took.
pub(super) fn native<P: Plugin>(
    instance: &mut Instance<P>,
    records: &[Vec<u8>],
) -> Result<(Vec<u8>, Duration)> {
    let (mut out, mut taken) = (Vec::new(), Duration::ZERO);
    for records in batches(records) {
        let (kept, time) = process(instance, records)?;
        taken += time;
        for record in kept {
            out.extend_from_slice(&record);
            out.push(b'\n');
        }
    }
    Ok((out, taken))
}
