//! Three ways to do the same job; only the job itself is timed, not laying the records out before or its results after.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use enrich::Enrich;
use level_filter::LevelFilter;
use tamis_core::batch::{Batch, BatchBuilder};
use tamis_core::id::Partition;
use tamis_core::transform::Transform;
use tamis_host::PluginTransform;
use tamis_sdk::Plugin;
use tamis_sdk::batch::{Answer, Instance};
use tamis_sdk::testing::{self, TestRecord};

use crate::job::Job;
use crate::stopwatch;

/// Records of one batch, and their bytes, as a lane has them by default.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;

/// All records once through the job.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// In the first plugin, or the whole job.
    pub(super) first: Duration,
    /// In the second plugin.
    pub(super) second: Duration,
    /// Records that the second plugin saw.
    pub(super) reached: usize,
    /// What is left, each with a line feed.
    pub(super) out: Vec<u8>,
}

/// One way to do it.
pub(super) trait Side {
    /// Does it once with all `records`.
    fn pass(&mut self, records: &[Vec<u8>]) -> Result<Pass>;
}

/// One or two plugins as a lane runs them.
pub(super) struct Sandbox(pub(super) Vec<PluginTransform>);

impl Side for Sandbox {
    fn pass(&mut self, records: &[Vec<u8>]) -> Result<Pass> {
        let mut pass = Pass::default();
        for records in batches(records) {
            let mut batch = batch(records);
            for (index, plugin) in self.0.iter_mut().enumerate() {
                let rows = batch.rows().len();
                let (applied, time) = stopwatch::work(|| plugin.apply(&mut batch));
                let applied = applied?;
                ensure!(
                    applied.rejected.is_empty(),
                    "rejected: {:?}",
                    applied.rejected
                );
                if index == 0 {
                    pass.first += time;
                } else {
                    pass.second += time;
                    pass.reached += rows;
                }
            }
            for row in batch.rows() {
                pass.out
                    .extend_from_slice(batch.bytes(row.value).context("a value")?);
                pass.out.push(b'\n');
            }
        }
        Ok(pass)
    }
}

/// `records` in batches as a source makes them.
pub(super) fn batches(records: &[Vec<u8>]) -> impl Iterator<Item = &[Vec<u8>]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |record: &&Vec<u8>| {
            bytes += record.len();
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH_RECORDS).take_while(fits).count();
        let (batch, behind) = rest.split_at(count.max(1).min(rest.len()));
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

fn batch(records: &[Vec<u8>]) -> Batch {
    let (source, topic) = (Arc::from("source"), Arc::from("topic"));
    let partition = Arc::new(Partition {
        source,
        topic,
        number: 0,
        split: 0,
    });
    let bytes = records.iter().map(Vec::len).sum();
    let mut builder = BatchBuilder::new(partition, records.len(), bytes);
    for (offset, record) in (0..).zip(records) {
        builder.push(offset, -1, None, Some(record), &[]);
    }
    builder.finish(records.len() as u64)
}

/// The same two plugins compiled for this machine, without a sandbox.
pub(super) struct Native {
    level: Instance<LevelFilter>,
    enrich: Instance<Enrich>,
}

impl Native {
    /// With these settings.
    pub(super) fn new(level: &str, enrich: &str) -> Result<Self> {
        let mut native = Self {
            level: Instance::default(),
            enrich: Instance::default(),
        };
        native
            .level
            .configure(level)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        native
            .enrich
            .configure(enrich)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(native)
    }
}

impl Side for Native {
    fn pass(&mut self, records: &[Vec<u8>]) -> Result<Pass> {
        let mut pass = Pass::default();
        for records in batches(records) {
            let (kept, time) = process(&mut self.level, records)?;
            pass.first += time;
            pass.reached += kept.len();
            let (kept, time) = process(&mut self.enrich, &kept)?;
            pass.second += time;
            for record in kept {
                pass.out.extend_from_slice(&record);
                pass.out.push(b'\n');
            }
        }
        Ok(pass)
    }
}

/// What `plugin` leaves of `records`, and the time that it took.
pub(super) fn process<P: Plugin>(
    plugin: &mut Instance<P>,
    records: &[Vec<u8>],
) -> Result<(Vec<Vec<u8>>, Duration)> {
    let laid: Vec<_> = records
        .iter()
        .map(|record| TestRecord::new(record.clone()))
        .collect();
    let batch = testing::batch(P::WANTS, &laid);
    let (answer, time) = stopwatch::work(|| plugin.process(&batch));
    Ok((left(&answer, records)?, time))
}

/// The values of those that go on.
fn left(answer: &Answer, records: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let (mut rows, mut bytes) = (answer.rows.chunks_exact(5), answer.bytes.as_slice());
    let mut left = Vec::new();
    for (fate, record) in answer.fates.iter().zip(records) {
        match fate {
            0 => left.push(record.clone()),
            1 => {}
            2 => {
                let row = rows.next().context("a row for an output")?;
                ensure!(
                    row[2..].iter().all(|it| *it < 0),
                    "only values are edited here"
                );
                let (value, rest) = bytes.split_at(usize::try_from(row[1])?);
                left.push(value.to_vec());
                bytes = rest;
            }
            _ => bail!("a record is rejected: {}", String::from_utf8_lossy(record)),
        }
    }
    Ok(left)
}

/// The plain program.
pub(super) struct Plain(Job);

impl Plain {
    /// Ready for the first record.
    pub(super) fn new() -> Result<Self> {
        Ok(Self(Job::new()?))
    }
}

impl Side for Plain {
    fn pass(&mut self, records: &[Vec<u8>]) -> Result<Pass> {
        let mut out = Vec::new();
        let (result, first) = stopwatch::work(|| {
            records.iter().try_for_each(|record| {
                if self.0.run(record, &mut out)? {
                    out.push(b'\n');
                }
                Ok(())
            })
        });
        result.map(|()| Pass {
            first,
            out,
            ..Pass::default()
        })
    }
}
