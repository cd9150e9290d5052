//! A compiled plugin with settings, and what it makes of records.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::Value;
use tamis_config::{PluginLimits, PluginSettings};
use tamis_core::batch::{Batch, BatchBuilder, Row, Span};
use tamis_core::id::Partition;
use tamis_core::transform::{Applied, Transform};
use tamis_host::{
    Engine, Failure, Grants, OnQuarantine, Plugin, PluginTransform, Settings, StartError,
};

use super::records::Record;
use crate::exit::Misuse;
use crate::{run, wiring};

/// As a source makes batches unless it is told otherwise.
const BATCH_RECORDS: usize = 1_024;
const BATCH_BYTES: usize = 1 << 20;

/// The plugin in the file at `path`, with all that a pipeline can grant.
pub(super) fn load(engine: &Engine, path: &Path) -> Result<Arc<Plugin>> {
    let plugin = Plugin::load(engine, path, Grants { clock: true })?;
    Ok(Arc::new(plugin))
}

/// The settings in the file at `path`; none without one.
pub(super) fn settings(path: Option<&Path>) -> Result<PluginSettings> {
    let Some(path) = path else {
        return Ok(PluginSettings::default());
    };
    let settings = tamis_config::load_settings(path, &run::environment());
    settings.map_err(|problems| Misuse(problems.to_string()).into())
}

/// `plugin` as a lane has it, within the limits that a pipeline has unless it says others.
pub(super) fn start(
    plugin: &Arc<Plugin>,
    settings: PluginSettings,
) -> Result<PluginTransform, StartError> {
    let name = plugin.description().name.clone();
    let limits = wiring::limits(PluginLimits::default());
    let settings = Settings {
        mask: wiring::mask(&settings.secrets),
        json: Value::Object(settings.expanded).to_string(),
    };
    let stop = OnQuarantine::Stop;
    PluginTransform::new(Arc::clone(plugin), &name, settings, limits, stop)
}

/// As [`start`], where it has to: says which file to look into.
pub(super) fn started(
    plugin: &Arc<Plugin>,
    file: &Path,
    settings: Option<&Path>,
) -> Result<PluginTransform> {
    start(plugin, self::settings(settings)?).map_err(|error| match error {
        StartError::Settings { .. } => {
            let from = settings.map_or("no settings".into(), |path| path.display().to_string());
            let file = file.display();
            let cure = format!(
                "`tamis plugin inspect {file}` shows what it takes, --settings FILE gives it"
            );
            Misuse(format!("{from}: {error}; {cure}")).into()
        }
        StartError::Failed(_) => anyhow!("{}: {error}", file.display()),
    })
}

/// What became of records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Those that go on, each with the index of the one that it was made of.
    pub(super) out: Vec<(usize, Record)>,
    /// The indexes of those that were refused, and why.
    pub(super) refused: Vec<(usize, String)>,
    pub(super) dropped: u64,
}

/// What `stage` makes of `records`, in batches, as in a pipeline.
pub(super) fn apply(stage: &mut impl Transform, records: &[Record]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for range in batches(records) {
        let mut batch = batch(records, range);
        let applied = stage.apply(&mut batch)?;
        outcome.add(&batch, applied);
    }
    Ok(outcome)
}

/// How a fresh instance of `stage` fails on `records`, if it does; all of them are one batch.
pub(super) fn failure(
    stage: &mut PluginTransform,
    records: &[Record],
) -> Result<Option<Failure>, StartError> {
    if records.is_empty() {
        return Ok(None);
    }
    let tried = stage.try_once(&mut batch(records, 0..records.len()))?;
    Ok(tried.err())
}

/// `records` in the batches that a source makes of them.
pub(super) fn batches(records: &[Record]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &records[start..];
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += size(record);
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH_RECORDS).take_while(fits).count();
        let range = start..start + count.max(1).min(rest.len());
        start = range.end;
        (!range.is_empty()).then_some(range)
    })
}

/// The records `range`, whose offsets are their indexes.
pub(super) fn batch(records: &[Record], range: Range<usize>) -> Batch {
    let partition = Partition {
        source: "source".into(),
        topic: "topic".into(),
        number: 0,
        split: 0,
    };
    let bytes = records[range.clone()].iter().map(size).sum();
    let mut batch = BatchBuilder::new(Arc::new(partition), range.len(), bytes);
    for index in range.clone() {
        let Record {
            value,
            key,
            headers,
            timestamp_ms,
            route: _,
        } = &records[index];
        let time = timestamp_ms.unwrap_or(-1);
        batch.push(
            index as u64,
            time,
            key.as_deref(),
            value.as_deref(),
            headers,
        );
    }
    batch.finish(range.end as u64)
}

fn size(record: &Record) -> usize {
    let length = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
    length(&record.value) + length(&record.key) + record.headers.len()
}

impl Outcome {
    pub(super) fn add(&mut self, batch: &Batch, applied: Applied) {
        let made = batch
            .rows()
            .iter()
            .map(|row| (index(row.offset), record(batch, row)));
        self.out.extend(made);
        applied.said.say(batch);
        self.dropped += applied.dropped;
        let refused = applied.rejected.into_iter();
        self.refused
            .extend(refused.map(|it| (index(it.offset), it.reason)));
    }

    /// Bytes of the values that go on.
    pub(super) fn value_bytes(&self) -> usize {
        let values = self
            .out
            .iter()
            .filter_map(|(_, record)| record.value.as_ref());
        values.map(Vec::len).sum()
    }

    /// A line for each that goes on, as a file could have it.
    pub(super) fn lines(&self, whole: bool) -> impl Iterator<Item = Vec<u8>> {
        let out = self.out.iter();
        out.map(move |(_, record)| record.line(whole))
    }

    /// A line for each that is refused.
    pub(super) fn refusals(&self) -> impl Iterator<Item = String> {
        let line = |(index, reason): &(usize, String)| {
            format!("line {}: {}", index + 1, crate::dead::plain(reason))
        };
        self.refused.iter().map(line)
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("offsets are indexes here")
}

fn record(batch: &Batch, row: &Row) -> Record {
    let owned = |span: Span| batch.bytes(span).map(<[u8]>::to_vec);
    let route = owned(row.route).map(|route| String::from_utf8_lossy(&route).into_owned());
    let flat = owned(row.headers).unwrap_or_default();
    Record {
        value: owned(row.value),
        key: owned(row.key),
        headers: flat,
        timestamp_ms: (row.timestamp_ms != -1).then_some(row.timestamp_ms),
        route,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_by_records_and_by_bytes() {
        let check = |sizes: &[usize], expected: &[usize]| {
            let records: Vec<_> = sizes
                .iter()
                .map(|size| Record::of(vec![b'x'; *size]))
                .collect();
            let lengths: Vec<_> = batches(&records).map(|range| range.len()).collect();
            assert_eq!(lengths, expected);
        };
        check(&[], &[]);
        check(&[1; 2_500], &[1_024, 1_024, 452]);
        check(&[BATCH_BYTES, 1, BATCH_BYTES + 1, 1], &[1, 1, 1, 1]);
    }
}
