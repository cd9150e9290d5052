//! A part of files of lines: in order, each as one partition.

use std::ops::ControlFlow;
use std::sync::Arc;

use tamis_config::spec::FileSourceSpec;
use tamis_core::batch::Batch;
use tamis_core::id::{OffsetRange, Partition};

use super::source::{BLOCK_BYTES, FileSource, Split, read, splits};
use crate::excerpt::{Bound, ExcerptError, Wanted};
use crate::halt::Halt;
use crate::source::BatchLimits;

/// A part of files, as they are at one moment.
pub(crate) struct FileExcerpt {
    splits: Vec<Split>,
    limits: BatchLimits,
    halt: Halt,
}

impl FileExcerpt {
    /// Finds the files of `spec` that are `wanted`.
    pub(crate) fn open(
        spec: &FileSourceSpec,
        limits: BatchLimits,
        wanted: &Wanted,
        halt: &Halt,
    ) -> Result<Self, ExcerptError> {
        let source = FileSource::connect(spec, limits)?;
        let mut splits = splits(&source.name, &source.files, 1, u64::MAX);
        let names: Vec<_> = splits
            .iter()
            .map(|split| split.partition.topic.to_string())
            .collect();
        splits.retain(|split| {
            let Partition { topic, number, .. } = &*split.partition;
            wanted.topic.as_deref().is_none_or(|it| it == &**topic)
                && wanted.partition.is_none_or(|it| it == *number)
        });
        if splits.is_empty() {
            let names = names.join(", ");
            return Err(ExcerptError::Misconfigured(format!(
                "source.file.paths names no such file; each has the one partition 0, and they are: {names}"
            )));
        }
        for split in &mut splits {
            let size = split.size;
            split.start = offset(wanted.from, 0)?.min(size);
            split.until = offset(wanted.to, size)?.clamp(split.start, size);
        }
        Ok(Self {
            splits,
            limits,
            halt: halt.clone(),
        })
    }

    pub(crate) fn ranges(&self) -> Vec<(Arc<Partition>, OffsetRange)> {
        let range = |split: &Split| {
            let (start, next) = (split.start, split.until);
            (Arc::clone(&split.partition), OffsetRange { start, next })
        };
        self.splits.iter().map(range).collect()
    }

    pub(crate) fn read(
        self,
        take: &mut dyn FnMut(Batch) -> ControlFlow<()>,
    ) -> Result<(), ExcerptError> {
        let mut ended = ControlFlow::Continue(());
        for split in self.splits.iter().filter(|split| split.start < split.until) {
            read(split, self.limits, BLOCK_BYTES, |batch| {
                ended = if self.halt.is_set() {
                    ControlFlow::Break(())
                } else {
                    take(batch)
                };
                ended
            })?;
            self.halt.check()?;
            if ended.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Where `bound` lies in a file.
fn offset(bound: Option<Bound>, open: u64) -> Result<u64, ExcerptError> {
    match bound {
        None => Ok(open),
        Some(Bound::Offset(offset)) => Ok(offset),
        Some(Bound::Time(_)) => {
            let reason = "lines of files have no time before a plugin finds one in them; say from which byte on";
            Err(ExcerptError::Misconfigured(reason.to_owned()))
        }
    }
}
