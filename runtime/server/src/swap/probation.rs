//! A candidate that lanes go on with: until all of them have, and until it has proven itself.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Error, Result};
use tamis_core::{Stopped, Trial, TrialCost, TrialLimits, TrialState};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Deployer;
use super::candidate::Candidate;
use super::handler::Answer;
use super::note::{self, Noted};
use super::telling::{Telling, Told, apart};
use crate::control::Ended;
use crate::state::{Event, Trigger};

/// Until it is looked again whether a candidate on probation has had a record.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A candidate that the lanes go on with, one after the other, and that has to prove itself where it is on trial.
pub(super) struct Probation {
    pub(super) candidate: Candidate,
    /// None where there is no way back.
    pub(super) trial: Option<Arc<Trial>>,
    /// Since when the lanes switch, or since when all of them have.
    begun: Instant,
    phase: Phase,
    telling: Telling,
    answer: Option<Answer>,
}

enum Phase {
    /// A lane that waits for a store switches late.
    Switching(JoinHandle<Result<Vec<Duration>, Stopped>>),
    /// It is decided about it then.
    Due(Instant),
}

/// What happened to a candidate.
pub(super) enum Moment {
    /// All lanes have it; how long each of them paused for that.
    Switched(Result<Vec<Duration>, Stopped>),
    /// It can be decided about it.
    Decided,
}

/// What a candidate takes the place of the present version for.
pub(super) enum Reason {
    /// It is new.
    News(TrialLimits),
    /// It ran before, and a person wants it back.
    Return,
}

impl Probation {
    /// Its plugins, with their versions.
    pub(super) fn versions(&self) -> Vec<String> {
        self.candidate.versions()
    }

    /// Returns when something happens to it; never without one.
    pub(super) async fn next(probation: Option<&mut Self>) -> Moment {
        let Some(Self { trial, phase, .. }) = probation else {
            return pending().await;
        };
        let decided = async {
            match trial {
                Some(trial) => drop(trial.ended().await),
                None => pending().await,
            }
        };
        let goes_on = async {
            match phase {
                Phase::Switching(switching) => {
                    Moment::Switched(switching.await.unwrap_or(Err(Stopped)))
                }
                Phase::Due(due) => {
                    tokio::time::sleep_until(*due).await;
                    Moment::Decided
                }
            }
        };
        tokio::select! {
            biased;
            () = decided => Moment::Decided,
            moment = goes_on => moment,
        }
    }
}

impl Deployer {
    /// Has all lanes go on with `candidate`. Of what counts from now on the history is told first.
    pub(super) async fn switch(
        &mut self,
        candidate: Candidate,
        reason: Reason,
        telling: Telling,
        answer: Option<Answer>,
    ) {
        let probation = Duration::from_millis(candidate.spec.swap.probation_ms);
        let trial = match &reason {
            Reason::News(limits) if !probation.is_zero() => Some(Arc::new(Trial::new(*limits))),
            Reason::News(_) | Reason::Return => None,
        };
        let candidate = Arc::new(candidate);
        let (part, of_lanes) = (Arc::clone(&candidate), trial.clone());
        let chains = apart(move || part.chains(of_lanes.as_ref())).await;
        let candidate = Arc::into_inner(candidate).expect("what was done apart is done");
        let chains = match chains {
            Ok(chains) => chains,
            // Of one that ran before it says nothing bad: only the settings have changed since.
            Err(error) if matches!(reason, Reason::Return) => {
                return Answer::give(answer, Ended::failed(format!("{error:#}")));
            }
            Err(error) => {
                let (news, by) = (candidate.news.clone(), candidate.by);
                return self.refuse(news, by, &telling, answer, &error);
            }
        };
        self.give_way();
        let noted = match (&reason, &trial) {
            (Reason::Return, _) => self.note_return(&candidate, &telling),
            (Reason::News(_), None) => self.note_promotion(&candidate, &telling),
            (Reason::News(_), Some(_)) => {
                let event = Event::OnProbation;
                self.note(&candidate.news, candidate.by, event, None, &telling)
            }
        };
        if let Err(unwritten) = noted {
            return Answer::give(
                answer,
                Ended::failed(format!("nothing has changed: {unwritten}")),
            );
        }
        let swapper = self.swapper.clone();
        self.on_probation = Some(Probation {
            candidate,
            trial,
            begun: Instant::now(),
            phase: Phase::Switching(tokio::spawn(async move { swapper.swap(chains).await })),
            telling,
            answer,
        });
    }

    /// Takes what happened to what is on its way.
    pub(super) async fn go_on(&mut self, moment: Moment) {
        match moment {
            Moment::Switched(pauses) => self.end_switch(pauses).await,
            Moment::Decided => drop(self.end_probation().await),
        }
    }

    async fn end_switch(&mut self, pauses: Result<Vec<Duration>, Stopped>) {
        let Some(mut probation) = self.on_probation.take() else {
            return;
        };
        let told = pauses.map_err(Error::new).map(|pauses| {
            let each: Vec<_> = pauses.iter().map(|it| it.as_micros() as u64).collect();
            let (lanes, longest) = (each.len(), each.iter().max().unwrap_or(&0));
            let said = format!("{lanes} lanes, the longest pause was {longest} µs");
            Told {
                detail: Some(serde_json::json!({ "pause_us": each })),
                ..Told::new((), said)
            }
        });
        let (begun, work) = (probation.begun, async { told });
        let switched = probation.telling.step_since(begun, "switch", work).await;
        if let Err(error) = switched {
            return Answer::give(probation.answer, Ended::failed(format!("{error:#}")));
        }
        if probation.trial.is_none() {
            let ended = self.take_over(probation.candidate, Ok(()));
            return Answer::give(probation.answer, ended);
        }
        probation.begun = Instant::now();
        let lasts = Duration::from_millis(probation.candidate.spec.swap.probation_ms);
        probation.phase = Phase::Due(probation.begun + lasts);
        self.on_probation = Some(probation);
    }

    /// Decides about what is on trial; what came of it, unless it is too early for that.
    pub(super) async fn end_probation(&mut self) -> Option<Ended> {
        let mut probation = self.on_probation.take()?;
        let Some(trial) = probation.trial.clone() else {
            self.on_probation = Some(probation);
            return None;
        };
        let cost = trial.cost();
        if trial.state() == TrialState::Running && cost.records == 0 {
            probation.phase = Phase::Due(Instant::now() + LOOK_AGAIN);
            self.on_probation = Some(probation);
            return None;
        }
        trial.pass();
        let Probation {
            candidate,
            begun,
            mut telling,
            answer,
            ..
        } = probation;
        let state = trial.state();
        let work = async {
            let TrialCost {
                records,
                rejected,
                nanos,
            } = cost;
            let each = nanos / records.max(1);
            let said = format!("{records} records, {rejected} refused, {each} ns a record");
            match state {
                TrialState::Failed(reason) => Err(Error::msg(reason)),
                TrialState::Passed | TrialState::Running => Ok(Told::new((), said)),
            }
        };
        let ended = match telling.step_since(begun, "probation", work).await {
            Ok(()) => {
                let noted = self.note_promotion(&candidate, &telling);
                self.take_over(candidate, noted)
            }
            Err(error) => {
                let (reason, news) = (format!("{error:#}"), &candidate.news);
                let (by, event) = (Trigger::Rollback, Event::RolledBack);
                // What a restart runs does not depend on it: it was never promoted.
                let _noted = self.note(news, by, event, Some(&reason), &telling);
                let back = "it was taken back, and what ran before runs";
                Ended::failed(format!("{back}: {reason}"))
            }
        };
        Answer::give(answer, ended.clone());
        Some(ended)
    }

    /// Makes `candidate`, which all lanes have, what runs.
    fn take_over(&mut self, candidate: Candidate, noted: Noted) -> Ended {
        let runs = candidate.versions().join(", ");
        self.running = Arc::new(candidate.into_running(&self.running.spec));
        self.watch.set(self.files().collect::<Vec<_>>());
        note::ended(noted, format!("it runs: {runs}"))
    }
}
