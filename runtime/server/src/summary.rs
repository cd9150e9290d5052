//! The last words of a pipeline.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tamis_core::{PipelineError, StageTotals, Summary, Totals};

use crate::exit::Exit;

/// How one pipeline ended, for a person or a script.
pub(crate) struct Report<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) ended: &'a Result<Summary, PipelineError>,
    pub(crate) totals: Totals,
    pub(crate) took: Duration,
}

impl Report<'_> {
    pub(crate) fn exit(&self) -> Exit {
        match self.ended {
            Ok(summary) if summary.unsettled > 0 => Exit::Unsettled,
            Ok(_) => Exit::Done,
            Err(_) => Exit::Failed,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let Totals {
            taken,
            taken_bytes,
            dropped,
            dead,
            parked,
            retried,
            written,
            stages,
            refused: _,
        } = &self.totals;
        let written: Map<String, Value> = written
            .iter()
            .map(|(sink, count)| (sink.clone(), json!(count)))
            .collect();
        let mut report = json!({
            "pipeline": self.pipeline,
            "taken": taken,
            "taken_bytes": taken_bytes,
            "written": written,
            "dropped": dropped,
            "dead": dead,
            "parked": parked,
            "retried": retried,
            "plugins": plugins(stages),
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
        });
        match self.ended {
            Ok(summary) => report["unsettled_batches"] = json!(summary.unsettled),
            Err(error) => report["error"] = json!(error.to_string()),
        }
        report
    }
}

/// By name, then by version.
fn plugins(stages: &BTreeMap<String, BTreeMap<String, StageTotals>>) -> Value {
    let version = |totals: &StageTotals| {
        let StageTotals {
            records,
            dropped,
            rejected,
            nanos,
            counted,
            bytes: _,
            records_out: _,
            bytes_out: _,
            emitted: _,
            memory_bytes: _,
        } = totals;
        json!({
            "records": records,
            "dropped": dropped,
            "rejected": rejected,
            "ns_per_record": nanos / (*records).max(1),
            "counted": counted,
        })
    };
    let versions = |versions: &BTreeMap<String, StageTotals>| -> Value {
        let each = versions.iter();
        each.map(|(name, totals)| (name.clone(), version(totals)))
            .collect::<Map<String, Value>>()
            .into()
    };
    let each = stages.iter();
    each.map(|(name, of)| (name.clone(), versions(of)))
        .collect::<Map<String, Value>>()
        .into()
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pipeline,
            ended,
            totals,
            took,
        } = self;
        write!(
            f,
            "{pipeline}: {} records taken in {:.1} s",
            totals.taken,
            took.as_secs_f64()
        )?;
        for (sink, written) in &totals.written {
            write!(f, ", {written} written to {sink}")?;
        }
        write!(
            f,
            ", {} dropped by plugins, {} dead letters",
            totals.dropped, totals.dead
        )?;
        if totals.parked > 0 {
            write!(f, ", {} parked", totals.parked)?;
        }
        match ended {
            Ok(summary) if summary.unsettled > 0 => {
                let unsettled = summary.unsettled;
                write!(
                    f,
                    "; {unsettled} batches were not settled and will be read again"
                )
            }
            Ok(_) => Ok(()),
            // Why is in the log.
            Err(_) => write!(f, "; it failed"),
        }
    }
}
