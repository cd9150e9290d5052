//! Makes runs seen: those of this process once their end is committed, and those of an owner that died in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::control::Stopped;
use crate::delivery::Context;
use crate::id::Partition;
use crate::ledger::Ledger;
use crate::runs::{NamedRun, metadata};
use crate::sink::{RunStore, SinkError};
use crate::source::SourceError;

/// The stores of all sinks with runs, by the name of the sink.
#[derive(Clone, Default)]
pub(crate) struct RunStores(BTreeMap<String, Arc<Store>>);

struct Store {
    context: Context,
    store: Arc<dyn RunStore>,
}

/// Why a partition cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The pipeline has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Going on would leave records where no one sees them.
    #[error(transparent)]
    Impossible(#[from] SourceError),
}

impl RunStores {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, context: Context, store: Arc<dyn RunStore>) {
        let name = context.stage.name.clone();
        self.0.insert(name, Arc::new(Store { context, store }));
    }

    /// Finishes what an owner of `partition` before this one has committed with `metadata` and perhaps not shown; throws away what
    /// it has not committed.
    pub(crate) async fn recover(
        &self,
        partition: &Partition,
        metadata: &str,
    ) -> Result<(), RecoverError> {
        let lost =
            |what: String| SourceError::Lost(format!("the checkpoint of {partition}: {what}"));
        let runs = metadata::read(metadata).map_err(lost)?;
        for NamedRun { sink, run } in &runs {
            let store = self.0.get(sink).ok_or_else(|| {
                lost(format!(
                    "run {} of sink {sink} is committed, but may not be seen yet, and there is no such sink now; start once \
                     with the sink as it was",
                    run.0
                ))
            })?;
            store
                .until_done(|| store.store.reveal(partition, run))
                .await?;
        }
        for store in self.0.values() {
            store.until_done(|| store.store.sweep(partition)).await?;
        }
        Ok(())
    }

    /// Shows what is committed, until `no_more` resolves.
    pub(crate) async fn run(self, ledger: Arc<Ledger>, no_more: oneshot::Receiver<()>) {
        tokio::pin!(no_more);
        loop {
            // Stopped: the next owner shows the rest.
            if self.reveal_all(&ledger).await.is_err() {
                return;
            }
            tokio::select! {
                biased;
                () = ledger.wants_reveal() => {}
                _no_more = &mut no_more => break,
            }
        }
        let _stopped = self.reveal_all(&ledger).await;
    }

    async fn reveal_all(&self, ledger: &Arc<Ledger>) -> Result<(), Stopped> {
        while let Some(due) = ledger.next_to_reveal() {
            for NamedRun { sink, run } in &due.runs {
                let store = &self.0[sink];
                store
                    .until_done(|| store.store.reveal(&due.partition, run))
                    .await?;
            }
            ledger.revealed(&due);
        }
        Ok(())
    }
}

impl Store {
    /// Tries until it works, or the pipeline has ended.
    async fn until_done<F>(&self, work: impl Fn() -> F) -> Result<(), Stopped>
    where
        F: Future<Output = Result<(), SinkError>>,
    {
        let mut tries = self.context.tries();
        while let Err(error) = work().await {
            self.context.failed(error, &mut tries).await?;
        }
        Ok(())
    }
}
