//! The last words of a pipeline.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use tamis_core::{PipelineError, Summary};

/// How one pipeline ended, for a person or a script.
pub(crate) struct Report<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) ended: &'a Result<Summary, PipelineError>,
    pub(crate) took: Duration,
}

impl Report<'_> {
    pub(crate) fn json(&self) -> Value {
        let seconds = (self.took.as_secs_f64() * 1000.0).round() / 1000.0;
        match self.ended {
            Ok(Summary { totals, unsettled }) => {
                let written: serde_json::Map<String, Value> = totals
                    .written
                    .iter()
                    .map(|(sink, n)| (sink.clone(), json!(n)))
                    .collect();
                json!({
                    "pipeline": self.pipeline,
                    "taken": totals.taken,
                    "written": written,
                    "dropped": totals.dropped,
                    "dead": totals.dead,
                    "retried": totals.retried,
                    "unsettled_batches": unsettled,
                    "seconds": seconds,
                })
            }
            Err(error) => json!({
                "pipeline": self.pipeline,
                "error": error.to_string(),
                "seconds": seconds,
            }),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pipeline,
            ended,
            took,
        } = self;
        let Summary { totals, unsettled } = match ended {
            Ok(summary) => summary,
            Err(error) => return write!(f, "{pipeline}: stopped: {error}"),
        };
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
        if *unsettled > 0 {
            write!(
                f,
                "; {unsettled} batches were not settled and will be read again"
            )?;
        }
        Ok(())
    }
}
