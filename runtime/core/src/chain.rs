//! The stages of one lane, in order; and after a swap those before them, until the new ones have proven themselves.

use std::sync::Arc;

use tokio::time::Instant;

use crate::batch::Batch;
use crate::tap::{Eyes, Tap};
use crate::transform::{Applied, Stage, Transform, TransformError};
use crate::trial::{Trial, TrialState};

mod versions;

use versions::Versions;

/// Takes each batch through one order of stages, never through parts of two.
pub(crate) struct Chain {
    /// All that are in use, wherever they stand.
    stages: Vec<Box<dyn Transform>>,
    /// Indexes of those that decide, or did before the trial.
    order: Vec<usize>,
    on_trial: Option<OnTrial>,
    tap: Tap,
}

/// New stages that decide, while those before them stand by.
struct OnTrial {
    trial: Arc<Trial>,
    order: Vec<usize>,
}

/// What one stage did with a batch.
#[derive(Debug)]
pub(crate) struct Done {
    stage: usize,
    pub(crate) applied: Applied,
    pub(crate) records: usize,
    pub(crate) bytes: u64,
    pub(crate) records_out: usize,
    pub(crate) bytes_out: u64,
    pub(crate) nanos: u64,
}

/// The stages that a lane is to have.
pub struct NextChain {
    /// In order.
    pub links: Vec<Link>,
    /// Where the present ones stand by: until when.
    pub trial: Option<Arc<Trial>>,
}

/// One of them.
pub enum Link {
    /// The present stage with this index in the order; each at most once.
    Kept(usize),
    /// A new one.
    New(Box<dyn Transform>),
}

#[cfg(test)]
impl Done {
    /// What a stage did with so many records, of which it dropped and rejected some.
    pub(crate) fn of(records: usize, dropped: u64, rejected: u64) -> Self {
        let rejection = |offset| crate::transform::Rejection {
            offset,
            number: 0,
            why: crate::transform::Why::Refused,
            reason: String::new(),
        };
        let applied = Applied {
            dropped,
            rejected: (0..rejected).map(rejection).collect(),
            ..Applied::default()
        };
        Self {
            stage: 0,
            applied,
            records,
            bytes: 0,
            records_out: 0,
            bytes_out: 0,
            nanos: 1,
        }
    }
}

impl Chain {
    pub(crate) fn new(stages: Vec<Box<dyn Transform>>) -> Self {
        Self {
            order: (0..stages.len()).collect(),
            stages,
            on_trial: None,
            tap: Tap::default(),
        }
    }

    /// Lets those look who do so at `tap`.
    pub(crate) fn tapped(self, tap: Tap) -> Self {
        Self { tap, ..self }
    }

    /// The stage that did something.
    pub(crate) fn stage(&self, done: &Done) -> &Stage {
        self.stages[done.stage].stage()
    }

    /// Takes `batch` through the stages, and says what each of them did. Nothing of what they want done is done yet.
    pub(crate) fn apply(&mut self, batch: &mut Batch) -> Result<Vec<Done>, TransformError> {
        drop(self.end_trial());
        let eyes = self.tap.eyes();
        let done = match self.on_trial.take() {
            None => run(&mut self.stages, &self.order, batch, eyes.as_ref()),
            Some(on_trial) => {
                let done = self.try_out(&on_trial, batch, eyes.as_ref());
                self.on_trial = Some(on_trial);
                done
            }
        }?;
        if let Some(eyes) = eyes {
            eyes.at_the_end(batch, &done);
        }
        Ok(done)
    }

    /// One batch of a trial.
    fn try_out(
        &mut self,
        OnTrial { trial, order: new }: &OnTrial,
        batch: &mut Batch,
        eyes: Option<&Eyes>,
    ) -> Result<Vec<Done>, TransformError> {
        let (old, stages) = (&self.order, &mut self.stages);
        // What both begin with works once, whoever decides, and no one is on trial for what it refuses or takes.
        let both = old.iter().zip(new).take_while(|(old, new)| old == new);
        let (both, new) = new.split_at(both.count());
        let mut all = run(stages, both, batch, eyes)?;
        let old = &old[both.len()..];
        let mut versions = Versions {
            stages,
            old,
            new,
            trial,
        };
        all.extend(versions.decide(batch)?);
        Ok(all)
    }

    /// Takes the stages out that lost a trial that has ended.
    fn end_trial(&mut self) -> Vec<Box<dyn Transform>> {
        let state = self.on_trial.as_ref().map(|it| it.trial.state());
        match state {
            None | Some(TrialState::Running) => Vec::new(),
            Some(TrialState::Passed) => {
                self.order = self.on_trial.take().expect("it was there").order;
                self.let_go()
            }
            Some(TrialState::Failed(_)) => {
                self.on_trial = None;
                self.let_go()
            }
        }
    }

    /// Puts `next` in the place of what is there; what is not needed any more is returned.
    ///
    /// # Panics
    /// Where a trial goes on, or a link is none of the present ones.
    pub(crate) fn switch(&mut self, next: NextChain) -> Vec<Box<dyn Transform>> {
        let mut replaced = self.end_trial();
        assert!(self.on_trial.is_none(), "one trial at a time");
        let mut order = Vec::with_capacity(next.links.len());
        for link in next.links {
            match link {
                Link::Kept(index) => order.push(self.order[index]),
                Link::New(stage) => {
                    order.push(self.stages.len());
                    self.stages.push(stage);
                }
            }
        }
        match next.trial {
            Some(trial) => self.on_trial = Some(OnTrial { trial, order }),
            None => {
                self.order = order;
                replaced.extend(self.let_go());
            }
        }
        replaced
    }

    /// The names of those that decide now; on trial, the new ones.
    pub(crate) fn deciding(&self) -> Vec<&str> {
        let order = self.on_trial.as_ref().map_or(&self.order, |it| &it.order);
        let names = order.iter().map(|index| &*self.stages[*index].stage().name);
        names.collect()
    }

    /// Takes the stages out that are not in the order.
    fn let_go(&mut self) -> Vec<Box<dyn Transform>> {
        let mut slots: Vec<_> = self.stages.drain(..).map(Some).collect();
        let used = self.order.iter().map(|index| slots[*index].take());
        self.stages = used
            .map(|stage| stage.expect("each stage stands once"))
            .collect();
        self.order = (0..self.stages.len()).collect();
        slots.into_iter().flatten().collect()
    }
}

/// Takes `batch` through the stages of `order`, before the eyes of those who look.
fn run(
    stages: &mut [Box<dyn Transform>],
    order: &[usize],
    batch: &mut Batch,
    eyes: Option<&Eyes>,
) -> Result<Vec<Done>, TransformError> {
    pass(stages, order, batch, eyes, |stage, batch| {
        stage.apply(batch)
    })
}

/// As [`run`], but gives up at the first failure; `batch` is then in a state between.
fn attempt(
    stages: &mut [Box<dyn Transform>],
    order: &[usize],
    batch: &mut Batch,
) -> Result<Vec<Done>, String> {
    pass(stages, order, batch, None, |stage, batch| {
        let attempted = stage.attempt(batch);
        attempted.map_err(|reason| format!("{}: {reason}", stage.stage().name))
    })
}

fn pass<E>(
    stages: &mut [Box<dyn Transform>],
    order: &[usize],
    batch: &mut Batch,
    eyes: Option<&Eyes>,
    by: impl Fn(&mut dyn Transform, &mut Batch) -> Result<Applied, E>,
) -> Result<Vec<Done>, E> {
    let mut all = Vec::with_capacity(order.len());
    for index in order {
        let stage = &mut *stages[*index];
        let mark = eyes.and_then(|eyes| eyes.in_front(stage.stage(), batch));
        let (records, bytes, begun) = (batch.rows().len(), batch.live_bytes(), Instant::now());
        let applied = by(stage, batch)?;
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some((eyes, mark)) = eyes.zip(mark) {
            eyes.behind(stage.stage(), &mark, batch, &applied);
        }
        all.push(Done {
            stage: *index,
            applied,
            records,
            bytes,
            records_out: batch.rows().len(),
            bytes_out: batch.live_bytes(),
            nanos,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
