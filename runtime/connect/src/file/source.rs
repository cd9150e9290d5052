//! Reads files of lines once, from start to end, on all lanes.
//!
//! A file is split by byte range, and each split is a partition of its own, so one file can feed every lane. Splits are
//! read in the order of the files, as many at a time as there are lanes. What a file holds when the pipeline starts
//! is read; what is added later is not.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tamis_config::spec::FileSourceSpec;
use tamis_core::batch::Batch;
use tamis_core::id::Partition;
use tamis_core::source::{Source, SourceError};
use tamis_core::{Intake, Stopped};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::file::lines::Lines;
use crate::source::BatchLimits;

/// Bytes that are read at once: enough that a read costs nothing beside what it brings.
pub(super) const BLOCK_BYTES: usize = 1 << 20;
/// Splits below this are not worth their seek.
const SPLIT_BYTES_MIN: u64 = 1 << 20;

/// Files of lines, found and ready to read.
#[derive(Debug)]
pub struct FileSource {
    pub(super) name: Arc<str>,
    /// Each with its size.
    pub(super) files: Vec<(Arc<str>, u64)>,
    limits: BatchLimits,
}

impl FileSource {
    /// Finds the files that `spec` names, and tries whether they can be read.
    ///
    /// # Errors
    /// When a path or glob names no file, or one that cannot be read.
    pub fn connect(spec: &FileSourceSpec, limits: BatchLimits) -> Result<Self, SourceError> {
        let mut paths = BTreeSet::new();
        for pattern in &spec.paths {
            paths.extend(find(pattern)?);
        }
        let files = paths.into_iter().map(|path| {
            let size = File::open(&path).and_then(|file| file.metadata());
            let size = size.map_err(|error| unreadable(&path, error))?.len();
            let topic = path.to_str().ok_or_else(|| {
                SourceError::Misconfigured(format!("the name of {} is not UTF-8", path.display()))
            })?;
            Ok((topic.into(), size))
        });
        let files = files.collect::<Result<_, SourceError>>()?;
        Ok(Self {
            name: spec.name.as_str().into(),
            files,
            limits,
        })
    }
}

/// The files that `pattern` names: one with exactly this name, or those that match it as a glob.
fn find(pattern: &str) -> Result<Vec<PathBuf>, SourceError> {
    let exact = Path::new(pattern);
    if exact.is_file() {
        return Ok(vec![exact.to_owned()]);
    }
    let broken = |error| SourceError::Misconfigured(format!("{pattern} is not a glob: {error}"));
    let mut files = Vec::new();
    for path in glob::glob(pattern).map_err(broken)? {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            unreadable(&path, error.into())
        })?;
        if path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(SourceError::Misconfigured(format!(
            "{pattern} names no file"
        )));
    }
    Ok(files)
}

fn unreadable(path: &Path, error: io::Error) -> SourceError {
    SourceError::Misconfigured(format!("{}: {error}", path.display()))
}

#[async_trait]
impl Source for FileSource {
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let splits = splits(&self.name, &self.files, intake.lanes(), SPLIT_BYTES_MIN);
        let readers = intake.lanes().min(splits.len());
        // What a process left behind that was killed; before anything is written, because splits of a file share it.
        for split in splits.iter().filter(|split| split.partition.split == 0) {
            if intake.clear(&split.partition).await.is_err() {
                return Ok(());
            }
        }
        let shared = Arc::new((intake, Mutex::new(splits.into_iter())));
        let mut reading = JoinSet::new();
        for _ in 0..readers {
            let (shared, limits, runtime) = (Arc::clone(&shared), self.limits, Handle::current());
            reading.spawn_blocking(move || {
                let (intake, splits) = &*shared;
                while let Some(split) = open_next(splits, intake) {
                    read(&split, limits, BLOCK_BYTES, |batch| {
                        match runtime.block_on(intake.send(&mut Some(batch))) {
                            Ok(()) if !intake.is_stopping() => ControlFlow::Continue(()),
                            Ok(()) | Err(Stopped) => ControlFlow::Break(()),
                        }
                    })?;
                }
                Ok(())
            });
        }
        while let Some(done) = reading.join_next().await {
            done.map_err(|panic| SourceError::Failed(panic.into()))??;
        }
        Ok(())
    }
}

/// Opens the partition of the next split; one reader at a time, so that this happens in the order of the files.
fn open_next(splits: &Mutex<std::vec::IntoIter<Split>>, intake: &Intake) -> Option<Split> {
    let mut splits = splits
        .lock()
        .expect("no one panics while holding the splits");
    if intake.is_stopping() {
        return None;
    }
    let split = splits.next()?;
    intake.open_unkept(&split.partition);
    intake.notes().log_end(&split.partition, Some(split.until));
    Some(split)
}

/// Lines of a file that start in `[start, until)`.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) partition: Arc<Partition>,
    pub(super) start: u64,
    pub(super) until: u64,
    /// Of the whole file.
    pub(super) size: u64,
}

/// Each of `files` (name and size) in at most `count_max` splits of about `bytes_min` or more.
pub(super) fn splits(
    source: &Arc<str>,
    files: &[(Arc<str>, u64)],
    count_max: usize,
    bytes_min: u64,
) -> Vec<Split> {
    let split = |(topic, size): &(Arc<str>, u64)| {
        let (source, topic, size) = (Arc::clone(source), Arc::clone(topic), *size);
        let count = (size / bytes_min).clamp(1, count_max as u64);
        let bound = move |number| {
            if number == count {
                size
            } else {
                size / count * number
            }
        };
        (0..count).map(move |number| {
            let split = u32::try_from(number).expect("there are few lanes");
            let (source, topic) = (Arc::clone(&source), Arc::clone(&topic));
            let partition = Arc::new(Partition {
                source,
                topic,
                number: 0,
                split,
            });
            Split {
                partition,
                start: bound(number),
                until: bound(number + 1),
                size,
            }
        })
    };
    files.iter().flat_map(split).collect()
}

/// Sends the lines of `split` until they end or `send` breaks off.
pub(super) fn read(
    split: &Split,
    limits: BatchLimits,
    block_bytes: usize,
    mut send: impl FnMut(Batch) -> ControlFlow<()>,
) -> Result<(), SourceError> {
    let path = &split.partition.topic;
    let failed = |error: io::Error| SourceError::Failed(format!("{path}: {error}").into());
    let mut lines = Lines::new(
        Arc::clone(&split.partition),
        limits,
        split.start,
        split.until,
    );
    let mut file = File::open(&**path).map_err(failed)?;
    file.seek(SeekFrom::Start(lines.position()))
        .map_err(failed)?;
    let mut input = file.take(split.size - lines.position());
    let mut block = vec![0; block_bytes];
    while !lines.is_complete() {
        let count = match input.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let mut rest = &block[..count];
        let too_long = |error| SourceError::Misconfigured(format!("{path}: {error}"));
        while let Some(batch) = lines.take(&mut rest).map_err(too_long)? {
            if send(batch).is_break() {
                return Ok(());
            }
        }
    }
    if !lines.is_complete() && lines.position() < split.size {
        let (size, end) = (split.size, lines.position());
        let message = format!("{path} had {size} bytes and now ends at byte {end}");
        return Err(SourceError::Lost(message));
    }
    while let Some(batch) = lines.finish() {
        if send(batch).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
