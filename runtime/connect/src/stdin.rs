//! Reads lines from the standard input until it ends or the pipeline stops.
//!
//! It cannot be read again: what was read and not written when a pipeline fails is gone. A thread of its own reads,
//! because a read cannot be interrupted; it is left behind when the pipeline stops.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use tamis_config::spec::StdinSourceSpec;
use tamis_core::Intake;
use tamis_core::id::Partition;
use tamis_core::source::{Source, SourceError};
use tokio::sync::mpsc;

use crate::file::lines::{LineTooLong, Lines};
use crate::source::BatchLimits;

/// Bytes that are read at once; a pipe holds as many.
const BLOCK_BYTES: usize = 64 << 10;
/// Blocks that wait to be cut into lines.
const BLOCKS_MAX: usize = 16;

type Blocks = mpsc::Receiver<io::Result<Vec<u8>>>;

/// The standard input, one partition of the topic `stdin`.
pub struct StdinSource {
    name: Arc<str>,
    input: Box<dyn Read + Send>,
    limits: BatchLimits,
}

impl StdinSource {
    /// The standard input of this process.
    #[must_use]
    pub fn connect(spec: &StdinSourceSpec, limits: BatchLimits) -> Self {
        Self {
            name: spec.name.as_str().into(),
            input: Box::new(io::stdin()),
            limits,
        }
    }
}

#[async_trait]
impl Source for StdinSource {
    async fn run(self: Box<Self>, intake: Intake) -> Result<(), SourceError> {
        let Self {
            name,
            input,
            limits,
        } = *self;
        let failed = |error: io::Error| SourceError::Failed(error.into());
        let (to, mut blocks) = mpsc::channel(BLOCKS_MAX);
        let reader = thread::Builder::new().name("stdin".to_owned());
        reader.spawn(move || read(input, &to)).map_err(failed)?;
        let partition = Arc::new(Partition {
            source: name,
            topic: "stdin".into(),
            number: 0,
            split: 0,
        });
        intake.open_unkept(&partition);
        let mut lines = Lines::new(partition, limits, 0, u64::MAX);
        while let Some(block) = next(&mut blocks, &mut lines, &intake).await {
            let block = block.map_err(failed)?;
            let mut rest = &block[..];
            let too_long =
                |error: LineTooLong| SourceError::Misconfigured(format!("stdin: {error}"));
            while let Some(batch) = lines.take(&mut rest).map_err(too_long)? {
                if intake.send(&mut Some(batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        let ended = blocks.is_closed() && blocks.is_empty();
        // Stopped within a line: a part of it would pass for the whole.
        let rest = |lines: &mut Lines| if ended { lines.finish() } else { lines.flush() };
        while let Some(batch) = rest(&mut lines) {
            if intake.send(&mut Some(batch)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// The next block of the input; `None` when it has ended or the pipeline stops.
async fn next(
    blocks: &mut Blocks,
    lines: &mut Lines,
    intake: &Intake,
) -> Option<io::Result<Vec<u8>>> {
    if intake.is_stopping() {
        return None;
    }
    if let Ok(block) = blocks.try_recv() {
        return Some(block);
    }
    // More may be long in coming: what is here does not wait for it.
    intake.send(&mut lines.flush()).await.ok()?;
    tokio::select! {
        biased;
        () = intake.stopping() => None,
        block = blocks.recv() => block,
    }
}

/// Reads blocks until the input ends or fails, or no one wants them any more.
fn read(mut input: impl Read, to: &mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = vec![0; BLOCK_BYTES];
        let read = match input.read(&mut block) {
            Ok(0) => return,
            Ok(count) => {
                block.truncate(count);
                Ok(block)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if to.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
