//! Makes runs seen: those of this process once their end is committed, and those of an owner that died in between; and throws
//! away what no one needs any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::control::Stopped;
use crate::delivery::Context;
use crate::error::causes;
use crate::id::Partition;
use crate::ledger::{Ledger, ToReveal, Waste};
use crate::runs::NamedRun;
use crate::runs::metadata::{self, Named};
use crate::sink::{BoxError, RunStore, SinkError, StagedRun};
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
    /// There is nothing of a run that the checkpoint names. Where the group has committed something else meanwhile, another member
    /// has shown the run: begin anew with that. Where it has not, the run is lost.
    #[error(transparent)]
    Gone(SourceError),
}

impl RunStores {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, context: Context, store: Arc<dyn RunStore>) {
        let name = context.stage.name.clone();
        self.0.insert(name, Arc::new(Store { context, store }));
    }

    /// Finishes what an owner of `partition` before this one has committed with `metadata` and perhaps not shown; notes what there
    /// is of it, to be discarded once a commit of this member was taken: until then an owner that it does not know of may
    /// be at work on just that.
    pub(crate) async fn recover(
        &self,
        ledger: &Ledger,
        partition: &Partition,
        metadata: &str,
    ) -> Result<(), RecoverError> {
        let lost =
            |what: String| SourceError::Lost(format!("the checkpoint of {partition}: {what}"));
        let Named { runs, leave_marks } = metadata::read(metadata).map_err(lost)?;
        for NamedRun { sink, run } in &runs {
            let store = self.0.get(sink).ok_or_else(|| {
                lost(format!(
                    "run {} of sink {sink} is committed, but may not be seen yet, and there is no such sink now; start once \
                     with the sink as it was",
                    run.0
                ))
            })?;
            if let Some(gone) = store.reveal(partition, run).await?
                && leave_marks
            {
                return Err(RecoverError::Gone(lost(causes(&*gone))));
            }
        }
        ledger.inherit(partition, self.staged(partition).await?);
        Ok(())
    }

    /// Throws away what there is of `partition`, which no one else has.
    pub(crate) async fn clear(&self, partition: &Partition) -> Result<(), Stopped> {
        let runs = self.staged(partition).await?;
        self.discard(partition, &runs).await
    }

    /// What there is of `partition` in all stores.
    async fn staged(&self, partition: &Partition) -> Result<Vec<NamedRun>, Stopped> {
        let mut all = Vec::new();
        for (sink, store) in &self.0 {
            let staged = store.until_done(|| store.store.staged(partition)).await?;
            let named = staged.into_iter().map(|run| NamedRun {
                sink: sink.clone(),
                run,
            });
            all.extend(named);
        }
        Ok(all)
    }

    async fn discard(&self, partition: &Partition, runs: &[NamedRun]) -> Result<(), Stopped> {
        for NamedRun { sink, run } in runs {
            let store = &self.0[sink];
            store
                .until_done(|| store.store.discard(partition, run))
                .await?;
        }
        Ok(())
    }

    /// Shows what is committed and discards what no one needs any more, until `no_more` resolves.
    pub(crate) async fn run(self, ledger: Arc<Ledger>, no_more: oneshot::Receiver<()>) {
        tokio::pin!(no_more);
        loop {
            // Stopped: the next owner shows the rest.
            if self.work(&ledger).await.is_err() {
                return;
            }
            tokio::select! {
                biased;
                () = ledger.wants_show() => {}
                _no_more = &mut no_more => break,
            }
        }
        let _stopped = self.work(&ledger).await;
    }

    async fn work(&self, ledger: &Arc<Ledger>) -> Result<(), Stopped> {
        loop {
            if let Some(due) = ledger.next_to_reveal() {
                self.reveal(ledger, &due).await?;
            } else if let Some(Waste { partition, runs }) = ledger.next_waste() {
                self.discard(&partition, &runs).await?;
            } else {
                return Ok(());
            }
        }
    }

    async fn reveal(&self, ledger: &Ledger, due: &ToReveal) -> Result<(), Stopped> {
        for NamedRun { sink, run } in &due.runs {
            let store = &self.0[sink];
            if let Some(gone) = store.reveal(&due.partition, run).await? {
                // The next owner may have shown all of them.
                if !store.context.still_owns(&due.owner).await? {
                    return Ok(());
                }
                return Err(store.context.stop(causes(&*gone)));
            }
        }
        ledger.revealed(due);
        Ok(())
    }
}

impl Store {
    /// Shows a run; returns the store's words where there is nothing of it.
    async fn reveal(
        &self,
        partition: &Partition,
        run: &StagedRun,
    ) -> Result<Option<BoxError>, Stopped> {
        let reveal = move || async move {
            match self.store.reveal(partition, run).await {
                Err(SinkError::Gone(gone)) => Ok(Some(gone)),
                done => done.map(|()| None),
            }
        };
        self.until_done(reveal).await
    }

    /// Tries until it works, or the pipeline has ended.
    async fn until_done<T, F>(&self, work: impl Fn() -> F) -> Result<T, Stopped>
    where
        F: Future<Output = Result<T, SinkError>>,
    {
        let mut tries = self.context.tries();
        loop {
            let call = self.context.gauge.call();
            let ended = work().await;
            drop(call);
            match ended {
                Ok(done) => return Ok(done),
                Err(error) => self.context.failed(error, &mut tries).await?,
            }
        }
    }
}
