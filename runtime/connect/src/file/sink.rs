//! Writes records as lines of files that are seen whole or not at all.
//!
//! A run's files are written below `.staging` in the root. Staging makes them safe, with a manifest that
//! says where they belong; the store moves them there once that is committed, under `topic-partition-start-next.ndjson`, with
//! offsets of 20 digits, so that names sort by offset. Disk is waited for in place: the engine gives each of these sinks a
//! thread.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use memchr::memchr;
use tamis_config::spec::{Compression, FileFormat, FileSinkSpec};
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Record, Records, RunSink, RunStore, SinkError, StagedRun, Verdict};
use tracing::warn;

use super::manifest::{self, Entry, Manifest};
use super::path::{PathTemplate, file_prefix};
use super::staged::{Encoder, StagedFile};
use super::store::FileStore;
use crate::disk;

/// Files that stay open between two writes, over all lanes: a quarter of what a process may open by default.
const HANDLES_MAX: usize = 256;
/// Bytes of lines that the files of a lane may hold in memory together.
const HELD_BYTES_MAX: usize = 32 << 20;

/// One sink for each of `lanes` lanes, and their store. `owner` is who has the partitions: a consumer group, or a pipeline.
///
/// # Errors
/// When the root cannot be made or written to, or a time format is wrong.
pub fn connect(spec: &FileSinkSpec, lanes: usize, owner: &str) -> Result<Connected, SinkError> {
    let store = FileStore::connect(&spec.root, owner)?;
    let sink = |_| Ok(Box::new(FileSink::new(spec, lanes, &store)?) as Box<dyn RunSink>);
    let sinks = (0..lanes).map(sink).collect::<Result<_, SinkError>>()?;
    Ok((sinks, store))
}

/// Removes the empty folders in which `owner` has staged runs.
pub fn forget(spec: &FileSinkSpec, owner: &str) {
    super::store::forget(&spec.root, owner);
}

/// A sink for each lane, and their store.
pub type Connected = (Vec<Box<dyn RunSink>>, Arc<dyn RunStore>);

/// The files of one lane.
struct FileSink {
    layout: Layout,
    encoder: Encoder,
    /// By partition.
    open: BTreeMap<Partition, Run>,
    /// Bytes of lines that were added since all lines were written.
    held_bytes: usize,
}

/// Which record goes into which file.
struct Layout {
    store: Arc<FileStore>,
    template: PathTemplate,
    extension: &'static str,
    paths_max: usize,
    block_bytes: usize,
}

impl FileSink {
    fn new(spec: &FileSinkSpec, lanes: usize, store: &Arc<FileStore>) -> Result<Self, SinkError> {
        let encoder = Encoder::new(spec.compression, HANDLES_MAX / lanes);
        let encoder = encoder.map_err(|error| SinkError::Misconfigured(error.into()))?;
        let template = PathTemplate::new(&spec.path);
        let layout = Layout {
            store: Arc::clone(store),
            template: template.map_err(|error| SinkError::Misconfigured(error.into()))?,
            extension: extension(spec.format, spec.compression),
            paths_max: spec.paths_max,
            block_bytes: encoder.block_bytes(),
        };
        Ok(Self {
            layout,
            encoder,
            open: BTreeMap::new(),
            held_bytes: 0,
        })
    }

    /// Writes what is full, before anything new is taken.
    fn relieve(&mut self, partition: &Partition) -> Result<(), SinkError> {
        let written = self.write_full(partition);
        let files = self.open.values().flat_map(|run| &run.files);
        written.map_err(|error| self.layout.store.judge(error, files))
    }

    fn write_full(&mut self, partition: &Partition) -> Result<(), SinkError> {
        if self.held_bytes >= HELD_BYTES_MAX {
            for file in self.open.values_mut().flat_map(|run| &mut run.files) {
                file.write(&mut self.encoder)?;
                file.shrink();
            }
            self.held_bytes = 0;
        }
        let Some(run) = self.open.get_mut(partition) else {
            return Ok(());
        };
        while let Some(file) = run.full.last() {
            run.files[*file].write(&mut self.encoder)?;
            run.full.pop();
        }
        Ok(())
    }
}

#[async_trait]
impl RunSink for FileSink {
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let Some(first) = records.iter().next() else {
            return Ok(Vec::new());
        };
        let partition = first.partition();
        self.relieve(partition)?;
        let run = match self.open.remove(partition) {
            Some(run) => run,
            None => Run::begin(&self.layout, partition)?,
        };
        let run = self.open.entry(partition.clone()).or_insert(run);
        let (layout, held_bytes) = (&self.layout, &mut self.held_bytes);
        // From here on nothing can fail: lines go to memory alone.
        let verdicts = records
            .iter()
            .map(|record| match run.take(&record, layout) {
                Ok(bytes) => {
                    *held_bytes += bytes;
                    Verdict::Written
                }
                Err(reason) => Verdict::Rejected(reason),
            });
        Ok(verdicts.collect())
    }

    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<Option<StagedRun>, SinkError> {
        let Self {
            layout,
            open,
            encoder,
            ..
        } = self;
        let run = open.get_mut(partition).expect("only an open run is cut");
        let safe = run.make_safe(encoder).and_then(|()| {
            let manifest = Manifest::new(partition, range, run.entries(layout, partition, range));
            manifest.write(&run.manifest())
        });
        safe.map_err(|error| layout.store.judge(error, &run.files))?;
        let staged = StagedRun(run.name.clone());
        open.remove(partition);
        Ok(Some(staged))
    }

    async fn abandon(&mut self, partition: &Partition) {
        let Some(mut run) = self.open.remove(partition) else {
            return;
        };
        let manifest = run.manifest();
        for file in &mut run.files {
            file.close(&mut self.encoder);
        }
        for path in run.files.iter().map(|file| &file.path).chain([&manifest]) {
            // The next owner discards it.
            if let Err(error) = disk::remove(path) {
                warn!(path = %path.display(), %error, "abandoned file is left behind");
            }
        }
    }
}

/// The files of one partition since its last run ended.
struct Run {
    name: String,
    /// Where it is staged.
    folder: PathBuf,
    files: Vec<StagedFile>,
    by_folder: HashMap<String, usize>,
    /// The file of the last record, and the period in which others have the same.
    last: Option<(i64, usize)>,
    /// Files that have a block to write.
    full: Vec<usize>,
}

impl Run {
    fn begin(layout: &Layout, partition: &Partition) -> Result<Self, SinkError> {
        Ok(Self {
            name: layout.store.new_run(),
            folder: layout.store.make_folder(partition)?,
            files: Vec::new(),
            by_folder: HashMap::new(),
            last: None,
            full: Vec::new(),
        })
    }

    fn make_safe(&mut self, encoder: &mut Encoder) -> Result<(), SinkError> {
        // All are written before the first one is waited for, so that the disk gets them together.
        let mut files = self.files.iter_mut();
        files.try_for_each(|file| file.write(encoder))?;
        let mut files = self.files.iter_mut();
        files.try_for_each(|file| file.sync(encoder))
    }

    /// Adds `record` to its file; returns the bytes of its line, or why it can never be one.
    fn take(&mut self, record: &Record<'_>, layout: &Layout) -> Result<usize, String> {
        let value = record.value().ok_or("a tombstone has no line to write")?;
        if memchr(b'\n', value).is_some() {
            return Err("its value holds a line feed, which one line cannot".to_owned());
        }
        let index = self.locate(record, layout)?;
        let bytes = value.len() + 1;
        let held = self.files[index].push(value);
        if held >= layout.block_bytes && held - bytes < layout.block_bytes {
            self.full.push(index);
        }
        Ok(bytes)
    }

    /// Index of the file of `record`.
    fn locate(&mut self, record: &Record<'_>, layout: &Layout) -> Result<usize, String> {
        let period = layout.template.period(record);
        if let Some((last, index)) = self.last
            && period == Some(last)
        {
            return Ok(index);
        }
        let folder = layout
            .template
            .render(record)
            .map_err(|error| error.to_string())?;
        let index = match self.by_folder.get(&folder) {
            Some(index) => *index,
            None => self.add_file(folder, layout)?,
        };
        self.last = period.map(|period| (period, index));
        Ok(index)
    }

    fn add_file(&mut self, folder: String, layout: &Layout) -> Result<usize, String> {
        let index = self.files.len();
        if index >= layout.paths_max {
            return Err(format!(
                "its run has {index} paths already, which is paths_max"
            ));
        }
        let path = self.folder.join(self.staged_name(index));
        self.files.push(StagedFile::new(path, folder.clone()));
        self.by_folder.insert(folder, index);
        Ok(index)
    }

    fn staged_name(&self, index: usize) -> String {
        manifest::part_name(&self.name, index)
    }

    fn manifest(&self) -> PathBuf {
        self.folder.join(manifest::file_name(&self.name))
    }

    /// What the manifest says of the files.
    fn entries(&self, layout: &Layout, partition: &Partition, range: OffsetRange) -> Vec<Entry> {
        let (prefix, OffsetRange { start, next }) = (file_prefix(partition), range);
        let name = format!("{prefix}-{start:020}-{next:020}.{}", layout.extension);
        let entry = |(index, file): (usize, &StagedFile)| Entry {
            staged: self.staged_name(index),
            path: if file.folder.is_empty() {
                name.clone()
            } else {
                format!("{}/{name}", file.folder)
            },
        };
        self.files.iter().enumerate().map(entry).collect()
    }
}

fn extension(format: FileFormat, compression: Compression) -> &'static str {
    match (format, compression) {
        (FileFormat::Ndjson, Compression::None) => "ndjson",
        (FileFormat::Ndjson, Compression::Gzip(_)) => "ndjson.gz",
        (FileFormat::Ndjson, Compression::Zstd(_)) => "ndjson.zst",
    }
}

#[cfg(test)]
mod tests;
