//! What a replay has shown, for a person or a script.

use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Map, Value, json};
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::shadow::{Comparison, Difference};

use super::measured::Measured;
use crate::dead::plain;
use crate::difference;
use crate::exit::{Exit, Misuse};
use crate::table::Table;

/// Partitions that are named to a person.
const RANGES_SHOWN: usize = 8;

/// All of it.
pub(super) struct Report<'a> {
    pub(super) pipeline: &'a str,
    /// Its name in the pipeline.
    pub(super) plugin: &'a str,
    /// What of each partition was to be read.
    pub(super) ranges: &'a [(Arc<Partition>, OffsetRange)],
    /// Records that were.
    pub(super) read: u64,
    pub(super) comparison: &'a Comparison,
    pub(super) old: &'a Measured,
    pub(super) new: &'a Measured,
    pub(super) end: End,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All was read.
    Reached,
    /// A person ended it.
    Interrupted,
    /// A plugin could not go on; which, and why.
    GivenUp(String),
    /// The source failed, which is told apart.
    Failed,
}

impl Report<'_> {
    /// # Errors
    /// Where there was nothing to compare.
    pub(super) fn exit(&self) -> Result<Exit> {
        match &self.end {
            End::GivenUp(_) | End::Failed => return Ok(Exit::Failed),
            End::Interrupted | End::Reached if self.comparison.differing > 0 => {
                return Ok(Exit::Failed);
            }
            End::Interrupted => return Ok(Exit::Unsettled),
            End::Reached => {}
        }
        if self.read == 0 {
            let cure = "there is no record in what was to be read; see --from, --to, --topic and --partition";
            return Err(Misuse(cure.to_owned()).into());
        }
        Ok(Exit::Done)
    }

    /// One object.
    pub(super) fn json(&self) -> Value {
        let Comparison {
            records,
            differing,
            changes,
            differences,
            ..
        } = self.comparison;
        let range = |(partition, range): &(Arc<Partition>, OffsetRange)| {
            json!({
                "topic": &*partition.topic,
                "partition": partition.number,
                "from": range.start,
                "to": range.next,
            })
        };
        let changes = changes.iter();
        let changes: Map<String, Value> = changes
            .map(|(change, count)| (difference::key(*change), (*count).into()))
            .collect();
        let (end, given_up) = match &self.end {
            End::Reached => ("reached", None),
            End::Interrupted => ("interrupted", None),
            End::GivenUp(reason) => ("given_up", Some(reason)),
            End::Failed => ("failed", None),
        };
        json!({
            "pipeline": self.pipeline,
            "plugin": self.plugin,
            "ranges": self.ranges.iter().map(range).collect::<Vec<_>>(),
            "read": self.read,
            "compared": records,
            "differing": differing,
            "changes": changes,
            "differences": differences.iter().map(one).collect::<Vec<_>>(),
            "old": side(self.old),
            "new": side(self.new),
            "end": end,
            "given_up": given_up,
        })
    }

    fn table(&self) -> String {
        let head = [
            "",
            "VERSION",
            "RECORDS",
            "DROPPED",
            "REFUSED",
            "FAILED ON",
            "NS A RECORD",
            "MEMORY",
        ];
        let mut text = Vec::new();
        let mut table = Table::new(&mut text, None, head);
        for (name, side) in [("old", self.old), ("new", self.new)] {
            let counts = side.counts;
            let row = [
                name.to_owned(),
                side.plugin.version(),
                counts.records.to_string(),
                counts.dropped.to_string(),
                counts.refused.to_string(),
                counts.failed.to_string(),
                side.record_nanos().to_string(),
                format!("{} MiB", side.memory_bytes().div_ceil(1 << 20)),
            ];
            let added = table.add(row.each_ref().map(String::as_str));
            added.expect("memory takes what is written");
        }
        table.flush().expect("memory takes what is written");
        String::from_utf8(text).expect("a table is text")
    }
}

fn one(difference: &Difference) -> Value {
    let Difference {
        topic,
        partition,
        offset,
        old,
        new,
    } = difference;
    json!({
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "said": difference::of_record(old, new),
    })
}

fn side(side: &Measured) -> Value {
    let counts = side.counts;
    json!({
        "version": side.plugin.description().version,
        "sha256": side.plugin.digest(),
        "records": counts.records,
        "dropped": counts.dropped,
        "refused": counts.refused,
        "failed": counts.failed,
        "ns_per_record": side.record_nanos(),
        "memory_bytes": side.memory_bytes(),
    })
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison {
            records,
            differing,
            changes,
            differences,
            ..
        } = self.comparison;
        let read = self.ranges.iter().filter(|(_, it)| it.start < it.next);
        let names: Vec<String> = read
            .map(|(partition, range)| format!("{} {range}", plain(&partition.to_string())))
            .collect();
        let more = names.len().saturating_sub(RANGES_SHOWN);
        write!(f, "{} records", self.read)?;
        if !names.is_empty() {
            let shown = names[..names.len() - more].join(", ");
            write!(f, " of {shown}")?;
        }
        if more > 0 {
            write!(f, " and {more} more partitions")?;
        }
        writeln!(f, "\n{}", self.table())?;
        write!(f, "{differing} of {records} records are decided otherwise")?;
        for (change, count) in changes {
            write!(f, "\n{count:>10}  {}", difference::words(*change))?;
        }
        for difference in differences {
            let Difference {
                topic,
                partition,
                offset,
                old,
                new,
            } = difference;
            write!(f, "\n{}/{partition}/{offset}", plain(topic))?;
            for said in difference::of_record(old, new) {
                write!(f, "\n    {}", plain(&said))?;
            }
        }
        match &self.end {
            End::Reached | End::Failed => Ok(()),
            End::Interrupted => write!(f, "\nstopped before the end"),
            End::GivenUp(reason) => {
                write!(f, "\nended early, for one was given up: {}", plain(reason))
            }
        }
    }
}
