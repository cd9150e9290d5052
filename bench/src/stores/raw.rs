//! A loop that writes what is laid ready, and does nothing else: what a client library gets out of a store here.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::RECORDS_MAX;
use crate::stopwatch::Stopwatch;

/// One connection, and records in the form in which the library takes them.
pub(crate) trait RawWriter: Send + 'static {
    /// Sends these records in one request, and waits for the store to have them.
    fn write(&mut self, records: Range<usize>) -> impl Future<Output = Result<()>> + Send;
}

/// Writes so many records over all `writers` at once; returns how long that took.
pub(super) async fn write_all(writers: Vec<impl RawWriter>, records: usize) -> Result<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let watch = Stopwatch::start();
    let mut writing = JoinSet::new();
    for mut writer in writers {
        let next = Arc::clone(&next);
        writing.spawn(async move {
            loop {
                let start = next.fetch_add(RECORDS_MAX, Ordering::Relaxed);
                if start >= records {
                    return Ok(());
                }
                let end = records.min(start + RECORDS_MAX);
                writer.write(start..end).await?;
            }
        });
    }
    while let Some(done) = writing.join_next().await {
        let done: Result<()> = done?;
        done?;
    }
    Ok(watch.elapsed())
}
