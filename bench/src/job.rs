//! The job of the benchmark as a plain program does it: `serde_json::Value` in, edited, and out again.
//!
//! It is what a careful person would write, no more: buffers are used again, and a time that came before is not worked
//! out anew, as the plugin does too.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// level-filter and enrich, with the settings of `settings/*.yaml`.
#[derive(Debug)]
pub(crate) struct Job {
    zone: TimeZone,
    last_time: String,
    last_timestamp: Option<String>,
}

impl Job {
    /// Ready for the first record.
    pub(crate) fn new() -> Result<Self> {
        let zone = TimeZone::get("Asia/Shanghai")?;
        Ok(Self {
            zone,
            last_time: String::new(),
            last_timestamp: None,
        })
    }

    /// Writes what becomes of `record` behind `out`; returns whether it is kept.
    pub(crate) fn run(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let mut value: Value = serde_json::from_slice(record)?;
        let object = value.as_object_mut().context("not an object")?;
        let level = match object.get("Type") {
            Some(Value::String(kind)) => Some(kind.to_lowercase()),
            _ => None,
        };
        if let Some("trace" | "debug") = level.as_deref() {
            return Ok(false);
        }
        let timestamp = match object.get("Time") {
            Some(Value::String(time)) => self.timestamp(time),
            _ => None,
        };
        object.insert("env".to_owned(), "prod".into());
        if let Some(level) = level {
            object.insert("level".to_owned(), level.into());
        }
        if let Some(timestamp) = timestamp {
            object.insert("@timestamp".to_owned(), timestamp.into());
        }
        serde_json::to_writer(out, &value)?;
        Ok(true)
    }

    fn timestamp(&mut self, time: &str) -> Option<String> {
        if self.last_time != time {
            time.clone_into(&mut self.last_time);
            self.last_timestamp = rfc3339(time, &self.zone);
        }
        self.last_timestamp.clone()
    }
}

fn rfc3339(time: &str, zone: &TimeZone) -> Option<String> {
    // `strptime` also takes what has fewer digits.
    let exact = time.len() == 19 && !time.contains(|c: char| !" -:0123456789".contains(c));
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", time)
        .ok()
        .filter(|_| exact)?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// The whole program: lines of `input` to lines of `output`, in one thread, with the output made safe at the end.
pub(crate) fn file_to_file(input: &Path, output: &Path) -> Result<()> {
    let mut job = Job::new()?;
    let mut input = BufReader::with_capacity(1 << 20, File::open(input)?);
    let mut output = BufWriter::with_capacity(1 << 20, File::create(output)?);
    let (mut line, mut out) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        if job.run(line.trim_ascii_end(), &mut out)? {
            out.push(b'\n');
            output.write_all(&out)?;
        }
        line.clear();
        out.clear();
    }
    output
        .into_inner()
        .map_err(|error| error.into_error())?
        .sync_all()?;
    Ok(())
}
