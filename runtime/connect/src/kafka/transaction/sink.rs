//! The sink of one lane that writes in transactions. It fills them; the source commits them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tamis_config::spec::KafkaSinkSpec;
use tamis_core::id::{OffsetRange, Partition};
use tamis_core::sink::{Records, RunSink, RunStore, SinkError, StagedRun, Verdict};
use tokio::task::spawn_blocking;

use super::Transactions;
use super::one::{Added, Transaction};
use crate::kafka::placing::{Placed, Placer};

/// Between two tries to add a record while there is no room for it.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// Writes runs as transactions.
pub struct TransactionSink {
    transactions: Arc<Transactions>,
    placer: Placer,
    /// Of the partitions that this lane has had records of.
    taken: BTreeMap<Partition, Arc<Transaction>>,
}

/// A sink for each of `lanes` lanes, and what shows their runs: nothing, since the commit does.
#[must_use]
pub fn connect(
    spec: &KafkaSinkSpec,
    transactions: &Arc<Transactions>,
    lanes: usize,
) -> (Vec<Box<dyn RunSink>>, Arc<dyn RunStore>) {
    let sink = || {
        let sink = TransactionSink {
            transactions: Arc::clone(transactions),
            placer: Placer::new(spec),
            taken: BTreeMap::new(),
        };
        Box::new(sink) as Box<dyn RunSink>
    };
    (
        std::iter::repeat_with(sink).take(lanes).collect(),
        Arc::new(Committed),
    )
}

#[async_trait]
impl RunSink for TransactionSink {
    async fn append(&mut self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let Some(first) = records.iter().next() else {
            return Ok(Vec::new());
        };
        let transaction = self.transaction(first.partition());
        refused(&transaction)?;
        if !transaction.takes_records().await {
            return Ok(vec![Verdict::Written; records.len()]);
        }
        let mut verdicts = Vec::with_capacity(records.len());
        for place in self.placer.place(transaction.producer(), records).await? {
            verdicts.push(match place {
                Ok(placed) => add(&transaction, placed).await?,
                Err(nowhere) => nowhere,
            });
        }
        Ok(verdicts)
    }

    async fn stage(
        &mut self,
        partition: &Partition,
        range: OffsetRange,
    ) -> Result<Option<StagedRun>, SinkError> {
        let transaction = self.transaction(partition);
        let staging = Arc::clone(&transaction);
        let staged = spawn_blocking(move || staging.stage(range.next)).await;
        refused(&transaction)?;
        if staged.map_err(|error| SinkError::Unavailable(error.into()))? {
            Ok(None)
        } else {
            Err(SinkError::Unavailable(
                "the brokers have not taken all of a transaction yet".into(),
            ))
        }
    }

    async fn abandon(&mut self, partition: &Partition) {
        self.taken.remove(partition);
        self.transactions
            .release(&partition.topic, partition.number);
    }
}

impl TransactionSink {
    /// That of this generation of `partition`: it is there before the first record, and until the partition is abandoned.
    fn transaction(&mut self, partition: &Partition) -> Arc<Transaction> {
        if let Some(taken) = self.taken.get(partition) {
            return Arc::clone(taken);
        }
        let transaction = self.transactions.get(&partition.topic, partition.number);
        let transaction = transaction.expect("a partition is owned before it is opened");
        self.taken
            .insert(partition.clone(), Arc::clone(&transaction));
        transaction
    }
}

async fn add(
    transaction: &Transaction,
    (mut message, partition): Placed<'_>,
) -> Result<Verdict, SinkError> {
    let mut record = message.record(partition, ());
    loop {
        record = match transaction.add(record) {
            Added::Yes => return Ok(Verdict::Written),
            Added::Refused(code) => return Ok(Verdict::Rejected(code.to_string())),
            Added::Full(record) => record,
        };
        refused(transaction)?;
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

fn refused(transaction: &Transaction) -> Result<(), SinkError> {
    match transaction.refusal() {
        Some(refusal) => Err(SinkError::Misconfigured(refusal.into())),
        None => Ok(()),
    }
}

/// What is committed is seen.
struct Committed;

#[async_trait]
impl RunStore for Committed {
    async fn reveal(&self, _partition: &Partition, _run: &StagedRun) -> Result<(), SinkError> {
        unreachable!("a transaction gives no name to show it by")
    }

    async fn staged(&self, _partition: &Partition) -> Result<Vec<StagedRun>, SinkError> {
        // The transaction of an owner before was ended when the partition was owned.
        Ok(Vec::new())
    }

    async fn discard(&self, _partition: &Partition, _run: &StagedRun) -> Result<(), SinkError> {
        unreachable!("there is no run to discard")
    }
}
