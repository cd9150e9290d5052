//! Commits checkpoints: one request at a time, and never more than the pipeline says is settled.
//!
//! librdkafka tells the outcome of a commit only to whoever waits for it, so each request waits in a thread of its own: the
//! polling thread must go on while a broker is away. What was committed is read back: a request can fail and have an effect, or
//! succeed for some partitions alone, and what is committed is shown, which cannot be undone.
//!
//! With a sink that writes in transactions each checkpoint goes with the transaction of its partition instead, as soon as that
//! is complete: the sink waits for it before it goes on.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tamis_core::{Checkpoint, Intake};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use super::{Consumer, context};
use crate::kafka::client::code;
use crate::kafka::transaction::Transactions;

/// How long reading back may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Between two looks for an answer.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Between two looks for a transaction that is complete.
const TRANSACTION_INTERVAL: Duration = Duration::from_millis(5);
/// Between two looks for a run that is staged, which no one sees before it is committed.
const RUN_INTERVAL: Duration = Duration::from_millis(50);
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// The commits of one member.
pub(super) struct Commits {
    transactions: Option<Arc<Transactions>>,
    interval: Duration,
    /// When all checkpoints are committed again.
    due: Instant,
    /// When those that make a run seen are.
    run_due: Instant,
    under_way: Option<Request>,
}

/// A commit that is under way. librdkafka bounds how long that may be.
struct Request {
    checkpoints: Vec<Checkpoint>,
    /// What the group has committed now.
    answer: oneshot::Receiver<KafkaResult<TopicPartitionList>>,
}

impl Commits {
    pub(super) fn new(interval: Duration, transactions: Option<Arc<Transactions>>) -> Self {
        let interval = match transactions {
            Some(_) => interval.min(TRANSACTION_INTERVAL),
            None => interval,
        };
        Self {
            transactions,
            interval,
            due: Instant::now() + interval,
            run_due: Instant::now(),
            under_way: None,
        }
    }

    /// Between two commits.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// Takes the answer if it came, and asks anew when it is time to.
    pub(super) fn turn(&mut self, consumer: &Arc<Consumer>, intake: &Intake) {
        // What was refused stays a checkpoint that is not committed, so it is part of the next request.
        let _answer = self.take_answer(consumer, intake);
        let now = Instant::now();
        if self.under_way.is_some() || now < self.due.min(self.run_due) {
            return;
        }
        let mut checkpoints = intake.checkpoints();
        if now < self.due {
            checkpoints.retain(|checkpoint| !checkpoint.metadata.is_empty());
        } else {
            self.due = now + self.interval;
        }
        self.run_due = now + RUN_INTERVAL.min(self.interval);
        self.ask(consumer, checkpoints);
    }

    /// Commits `checkpoints` and waits for the answer.
    pub(super) fn now(
        &mut self,
        consumer: &Arc<Consumer>,
        intake: &Intake,
        checkpoints: Vec<Checkpoint>,
        deadline: Instant,
    ) -> Result<(), Refused> {
        let mut checkpoints = Some(checkpoints);
        while Instant::now() < deadline {
            if self.under_way.is_none()
                && let Some(checkpoints) = checkpoints.take()
            {
                self.ask(consumer, checkpoints);
                if self.under_way.is_none() {
                    return Err(Refused::ForGood);
                }
            }
            context::poll(consumer, LOOK_AGAIN);
            match self.take_answer(consumer, intake) {
                // The answer to the request before is of no interest.
                Some(answer) if checkpoints.is_none() => {
                    if answer.is_err() {
                        context::poll(consumer, TRY_AGAIN);
                    }
                    return answer;
                }
                Some(_) | None => {}
            }
        }
        Err(Refused::ForGood)
    }

    /// Waits for the request that is under way. librdkafka may hold it back until there is a coordinator, and then sends it in the
    /// name of the generation that is there by then: it must not outlive the generation that it was made in.
    pub(super) fn finish(&mut self, consumer: &Arc<Consumer>, intake: &Intake) {
        while self.under_way.is_some() && !intake.is_ended() {
            context::poll(consumer, LOOK_AGAIN);
            // Whoever is interested in it has closed the partition by now.
            let _answer = self.take_answer(consumer, intake);
        }
    }

    /// Begins to commit those of `checkpoints` that can be.
    fn ask(&mut self, consumer: &Arc<Consumer>, mut checkpoints: Vec<Checkpoint>) {
        if let Some(transactions) = &self.transactions {
            checkpoints.retain(
                |Checkpoint {
                     partition, next, ..
                 }| {
                    transactions.is_ready(&partition.topic, partition.number, *next)
                },
            );
        }
        if checkpoints.is_empty() {
            return;
        }
        let (to, answer) = oneshot::channel();
        let (member, list) = (Arc::clone(consumer), list(&checkpoints));
        // The generation that the checkpoints were settled in; in that of a later moment they may be another member's.
        let transactions = self.transactions.clone();
        let transactions = transactions.map(|it| (it, member.group_metadata()));
        let commit = move || {
            let result = match transactions {
                Some((transactions, Some(group))) => Ok(transactions.commit(&list, &group)),
                Some((_, None)) => Err(KafkaError::Canceled),
                None => member
                    .commit(&list, CommitMode::Sync)
                    .and_then(|()| member.committed_offsets(list, ANSWER_WAIT)),
            };
            // Given back before anyone is told, so that the polling thread is the one that closes the consumer.
            drop(member);
            let _no_one_waits = to.send(result);
        };
        match thread::Builder::new()
            .name("kafka-commit".to_owned())
            .spawn(commit)
        {
            Ok(_) => {
                self.under_way = Some(Request {
                    checkpoints,
                    answer,
                });
            }
            Err(error) => note(consumer, RDKafkaErrorCode::Fail, &error.to_string()),
        }
    }

    /// Tells the pipeline what was committed, if there is an answer.
    fn take_answer(&mut self, consumer: &Consumer, intake: &Intake) -> Option<Result<(), Refused>> {
        let answer = match self.under_way.as_mut()?.answer.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Closed) => Err(KafkaError::Canceled),
        };
        let Request { checkpoints, .. } = self.under_way.take()?;
        match answer {
            Ok(list) => {
                consumer.context().troubles().over();
                let mut all = Ok(());
                for checkpoint in checkpoints {
                    if is_in(&list, &checkpoint) {
                        intake.committed(&checkpoint);
                    } else {
                        all = Err(Refused::ForNow);
                    }
                }
                Some(all)
            }
            Err(error) => {
                note(consumer, code(&error), &error.to_string());
                Some(Err(Refused::of(code(&error))))
            }
        }
    }
}

/// What a refused commit asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another try.
    ForNow,
    /// Nothing: the partitions are another member's, or time is up.
    ForGood,
}

impl Refused {
    fn of(code: RDKafkaErrorCode) -> Self {
        use RDKafkaErrorCode as Code;
        match code {
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            // What a member that is fenced gets for all that it asks for after that.
            | Code::Fatal
            | Code::FencedMemberEpoch
            | Code::StaleMemberEpoch
            // The group goes on without this generation: brokers take its commits for as long as they wait for members.
            | Code::RebalanceInProgress => Self::ForGood,
            _ => Self::ForNow,
        }
    }
}

fn note(consumer: &Consumer, code: RDKafkaErrorCode, reason: &str) {
    consumer.context().troubles().note(code, reason);
}

fn list(checkpoints: &[Checkpoint]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(checkpoints.len());
    for checkpoint in checkpoints {
        let partition = &checkpoint.partition;
        let mut element = list.add_partition(&partition.topic, partition.number);
        element
            .set_offset(offset(checkpoint))
            .expect("an offset can be represented");
        if !checkpoint.metadata.is_empty() {
            element.set_metadata(&checkpoint.metadata);
        }
    }
    list
}

/// Whether the group has committed just this.
fn is_in(list: &TopicPartitionList, checkpoint: &Checkpoint) -> bool {
    let partition = &checkpoint.partition;
    list.find_partition(&partition.topic, partition.number)
        .is_some_and(|found| {
            found.offset() == offset(checkpoint) && found.metadata() == checkpoint.metadata
        })
}

fn offset(checkpoint: &Checkpoint) -> Offset {
    let next = i64::try_from(checkpoint.next);
    Offset::Offset(next.expect("it came from an offset, which is signed"))
}
