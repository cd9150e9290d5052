//! A candidate on its way: what it has to pass, and what becomes of it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use tamis_config::{PipelineSpec, Promote};
use tamis_core::{Stopped, Trial, TrialCost, TrialLimits, TrialState, causes};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::warn;

use super::candidate::{Candidate, News, Running, Wanted};
use super::handler::{Answer, Asked};
use super::shadow::Shadow;
use super::telling::{Telling, Told, apart};
use super::{Deployer, now_ms};
use crate::control::Ended;
use crate::plugin_file::{PluginFile, refuse_downgrade};
use crate::state::{Entry, Event, Trigger};

/// Until it is looked again whether a candidate on probation has had a record.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A candidate that passed its steps and waits for a person.
pub(super) struct Waiting {
    pub(super) candidate: Candidate,
    limits: TrialLimits,
    telling: Telling,
}

/// A candidate that the lanes go on with, one after the other, and that has to prove itself where it is on trial.
pub(super) struct Probation {
    candidate: Candidate,
    /// None where there is no way back.
    trial: Option<Arc<Trial>>,
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
enum Reason {
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
    /// Takes `wanted` through all steps. What waits gives way to it.
    pub(super) async fn deploy(
        &mut self,
        spec: PipelineSpec,
        wanted: Vec<Wanted>,
        by: Trigger,
        mut telling: Telling,
        ask: Asked,
    ) {
        let Asked { promote, answer } = ask;
        if let Some(busy) = self.is_busy() {
            return Answer::give(answer, busy);
        }
        let mut news = News::of(&self.running, &wanted);
        let compiled = self.compile(spec, wanted, by, &mut telling).await;
        let compiled = compiled.and_then(|candidate| {
            news.clone_from(&candidate.news);
            self.refuse_downgrades(&candidate)?;
            Ok(candidate)
        });
        let tried = match compiled {
            Ok(candidate) => self.try_out(candidate, &mut telling).await,
            Err(error) => Err(error),
        };
        let (candidate, shadow) = match tried {
            Ok(tried) => tried,
            Err(error) => return self.refuse(news, by, &telling, answer, &error),
        };
        self.give_way();
        let policy = &candidate.spec.swap;
        let limits = shadow.trial_limits(policy);
        let waits = match promote.unwrap_or(policy.promote) {
            Promote::Auto => false,
            Promote::IfSame => !shadow.is_same(),
            Promote::Manual => true,
        };
        if !waits {
            let reason = Reason::News(limits);
            return self.switch(candidate, reason, telling, answer).await;
        }
        let (pipeline, names) = (&self.running.spec.name, candidate.names(&self.running));
        let plugins = names.join(", ");
        let first = names.first().copied().unwrap_or("PLUGIN");
        let cure = format!("`tamis plugin promote {pipeline} {first}` has it run");
        let noted = self.note(&candidate.news, by, Event::Shadowed, None, &telling);
        Answer::give(answer, ended(noted, format!("{plugins} waits; {cure}")));
        self.waiting = Some(Waiting {
            candidate,
            limits,
            telling,
        });
    }

    /// Refuses code that is older than code that ran under its name, unless it may be. A person who wants it back says so.
    fn refuse_downgrades(&self, candidate: &Candidate) -> Result<()> {
        // The code that runs, be it set anew, is what someone went back to.
        let others = candidate.news.iter();
        for news in others.filter(|news| news.from.as_ref() != Some(&news.sha256)) {
            let running = self.running.version_of(&news.plugin);
            let newest = self.state.as_ref().and_then(|it| it.newest(&news.plugin));
            // Also what runs: the history may not know of it.
            let present = Some(&*running).filter(|version| !version.is_empty());
            for older in [newest, present] {
                refuse_downgrade(candidate.spec.trust.as_ref(), &news.semver, older)
                    .with_context(|| format!("plugin {}", news.plugin))?;
            }
        }
        Ok(())
    }

    async fn compile(
        &self,
        spec: PipelineSpec,
        wanted: Vec<Wanted>,
        by: Trigger,
        telling: &mut Telling,
    ) -> Result<Candidate> {
        let (running, engine) = (Arc::clone(&self.running), self.engine.clone());
        let work = apart(move || Candidate::compile(&running, spec, wanted, by, &engine));
        let work = async {
            let candidate = work.await?;
            let said = candidate.versions().join(", ");
            Ok(Told::new(candidate, said))
        };
        telling.step("compile", work).await
    }

    /// What can be known of a candidate without live records.
    async fn try_out(
        &self,
        candidate: Candidate,
        telling: &mut Telling,
    ) -> Result<(Candidate, Shadow)> {
        if let Some(state) = &self.state {
            for file in &candidate.files {
                let kept = state.keep(&file.sha256(), &file.bytes, file.signature.as_deref());
                kept.context("the state folder takes no file")?;
            }
        }
        let candidate = Arc::new(candidate);
        let part = Arc::clone(&candidate);
        let work = apart(move || part.instantiate());
        let work = async { Ok(Told::new(work.await?, "it starts")) };
        let probes = telling.step("instantiate", work).await?;
        let part = Arc::clone(&candidate);
        let work = apart(move || part.configure(probes));
        let work = async { Ok(Told::new(work.await?, "it takes its settings")) };
        telling.step("configure", work).await?;

        let (running, part) = (Arc::clone(&self.running), Arc::clone(&candidate));
        let taken = self.swapper.recent();
        let work = apart(move || {
            let shadow = Shadow::run(&running, &part, &taken)?;
            match shadow.objection(&part.spec.swap) {
                Some(objection) => bail!("{objection} ({shadow})"),
                None => Ok(shadow),
            }
        });
        let work = async {
            let shadow = work.await?;
            let (said, detail) = (shadow.to_string(), Some(shadow.json()));
            Ok(Told {
                value: shadow,
                said,
                detail,
            })
        };
        let shadow = telling.step("shadow", work).await?;
        let candidate = Arc::into_inner(candidate).expect("what was done apart is done");
        Ok((candidate, shadow))
    }

    /// Has all lanes go on with `candidate`. Of what counts from now on the history is told first.
    async fn switch(
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
            Err(error) => {
                let (news, by) = (candidate.news.clone(), candidate.by);
                return self.refuse(news, by, &telling, answer, &error);
            }
        };
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
    async fn end_probation(&mut self) -> Option<Ended> {
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

    fn note_promotion(&mut self, candidate: &Candidate, telling: &Telling) -> Noted {
        let (by, event) = (candidate.by, Event::Promoted);
        self.note(&candidate.news, by, event, None, telling)?;
        self.note(&candidate.removed, by, Event::Removed, None, telling)
    }

    /// Of a rollback the version that is taken back is told.
    fn note_return(&mut self, candidate: &Candidate, telling: &Telling) -> Noted {
        let back = candidate.news.iter().map(|news| News {
            plugin: news.plugin.clone(),
            semver: self.running.version_of(&news.plugin),
            sha256: news.from.clone().unwrap_or_default(),
            from: Some(news.sha256.clone()),
        });
        let back: Vec<_> = back.collect();
        let why = Some("a person took it back");
        self.note(&back, candidate.by, Event::RolledBack, why, telling)
    }

    /// Makes `candidate`, which all lanes have, what runs.
    fn take_over(&mut self, candidate: Candidate, noted: Noted) -> Ended {
        let runs = candidate.versions().join(", ");
        let swap = self.running.spec.swap.clone();
        self.running = Arc::new(candidate.into_running(swap));
        self.watch.set(self.files().collect::<Vec<_>>());
        ended(noted, format!("it runs: {runs}"))
    }

    fn refuse(
        &mut self,
        news: Vec<News>,
        by: Trigger,
        telling: &Telling,
        answer: Option<Answer>,
        error: &Error,
    ) {
        let reason = format!("{error:#}");
        // It runs nowhere, whatever the history says.
        let _noted = self.note(&news, by, Event::Refused, Some(&reason), telling);
        let stays = "it was refused, and what ran goes on";
        Answer::give(answer, Ended::failed(format!("{stays}: {reason}")));
    }

    fn give_way(&mut self) {
        if let Some(Waiting { candidate, .. }) = self.waiting.take() {
            let plugins = candidate.names(&self.running).join(", ");
            warn!(
                plugins,
                "what waited to be promoted gives way to another version"
            );
        }
    }

    /// Has what waits or is on probation run, for good.
    pub(super) async fn promote(&mut self, plugin: &str, answer: Answer) {
        let running = Arc::clone(&self.running);
        let waiting = self
            .waiting
            .take_if(|it| it.candidate.is_about(&running, plugin));
        if let Some(waiting) = waiting {
            let Waiting {
                mut candidate,
                limits,
                telling,
            } = waiting;
            candidate.by = Trigger::Promote;
            let reason = Reason::News(limits);
            return self.switch(candidate, reason, telling, Some(answer)).await;
        }
        let probation = self.on_probation.as_ref();
        let probation = probation.filter(|it| it.candidate.is_about(&self.running, plugin));
        let Some(probation) = probation else {
            return answer.end(Ended::failed(format!("no version of {plugin} waits")));
        };
        if let Some(trial) = &probation.trial {
            trial.pass();
        }
        let ended = self.end_probation().await;
        answer.end(ended.unwrap_or_else(|| Ended::done("it runs as soon as all lanes have it")));
    }

    /// Goes back to the version of `plugin` that ran before.
    pub(super) async fn roll_back(&mut self, plugin: &str, mut telling: Telling, answer: Answer) {
        if let Some(probation) = &self.on_probation
            && probation.candidate.is_about(&self.running, plugin)
            && let Some(trial) = &probation.trial
        {
            trial.fail("a person took it back".to_owned());
            self.end_probation().await;
            return answer.end(Ended::done("it was taken back, and what ran before runs"));
        }
        if let Some(busy) = self.is_busy() {
            return answer.end(busy);
        }
        let candidate = match self.before(plugin) {
            Ok((spec, wanted)) => {
                let by = Trigger::Rollback;
                self.compile(spec, wanted, by, &mut telling).await
            }
            Err(error) => Err(error),
        };
        match candidate {
            Ok(candidate) => {
                self.give_way();
                let reason = Reason::Return;
                self.switch(candidate, reason, telling, Some(answer)).await;
            }
            Err(error) => answer.end(Ended::failed(format!("{error:#}"))),
        }
    }

    /// The chain with the version of `plugin` that ran before.
    fn before(&self, plugin: &str) -> Result<(PipelineSpec, Vec<Wanted>)> {
        let Running { spec, plugins } = &*self.running;
        let Some(index) = spec.plugins.iter().position(|it| it.name == plugin) else {
            bail!(self.no_plugin(plugin));
        };
        let Some(state) = &self.state else {
            bail!("there is no state folder, so what ran before is not known; see --state");
        };
        let before = state.before(plugin);
        let before = before.with_context(|| format!("no version of {plugin} ran before"))?;
        let kept = state.kept(&before.sha256)?;
        let file = PluginFile::kept(&spec.plugins[index].path, kept);
        let mut wanted: Vec<_> = (0..plugins.len()).map(Wanted::Kept).collect();
        wanted[index] = Wanted::Other(spec.plugins[index].clone(), Arc::new(file));
        Ok((spec.clone(), wanted))
    }

    /// Writes into the history what became of `news`.
    fn note(
        &mut self,
        news: &[News],
        by: Trigger,
        event: Event,
        reason: Option<&str>,
        telling: &Telling,
    ) -> Noted {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        for news in news {
            let entry = Entry {
                version: Entry::FORM,
                at_ms: now_ms(),
                plugin: news.plugin.clone(),
                semver: news.semver.clone(),
                sha256: news.sha256.clone(),
                event,
                from: news.from.clone(),
                by,
                reason: reason.map(str::to_owned),
                steps: telling.steps.clone(),
            };
            state.note(entry).map_err(|error| {
                let (plugin, error) = (&news.plugin, causes(&error));
                warn!(plugin, ?event, error, "the history was not written");
                Unwritten(error)
            })?;
        }
        Ok(())
    }
}

/// Whether the disk has it.
type Noted = Result<(), Unwritten>;

/// The history could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the history was not written, and a restart runs what ran before: {0}")]
struct Unwritten(String);

/// What to say where all else went as it `said`.
fn ended(noted: Noted, said: String) -> Ended {
    match noted {
        Ok(()) => Ended::done(said),
        Err(unwritten) => Ended::failed(format!("{said}; but {unwritten}")),
    }
}
