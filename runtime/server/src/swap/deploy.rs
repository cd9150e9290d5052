//! A candidate on its way: what it has to pass, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};
use tamis_config::{PipelineSpec, Promote};
use tamis_core::{Trial, TrialCost, TrialLimits, TrialState, causes};
use tokio::time::Instant;
use tracing::warn;

use super::candidate::{Candidate, News, Running, Wanted};
use super::handler::Answer;
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

/// A candidate that has live records.
pub(super) struct Probation {
    candidate: Candidate,
    trial: Arc<Trial>,
    begun: Instant,
    due: Instant,
    telling: Telling,
    answer: Option<Answer>,
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

    /// Returns when there is something to decide about it; never without one.
    pub(super) async fn ended(probation: Option<&Self>) {
        let Some(Self { trial, due, .. }) = probation else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            _ = trial.ended() => {}
            () = tokio::time::sleep_until(*due) => {}
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
        answer: Option<Answer>,
    ) {
        if let Some(busy) = self.is_busy() {
            return Answer::give(answer, busy);
        }
        self.give_way();
        let news = News::of(&self.running, &wanted);
        let compiled = self.compile(spec, wanted, by, &mut telling).await;
        let compiled = compiled.and_then(|candidate| {
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
        let policy = &candidate.spec.swap;
        let limits = shadow.trial_limits(policy);
        let waits = match policy.promote {
            Promote::Auto => false,
            Promote::IfSame => !shadow.is_same(),
            Promote::Manual => true,
        };
        if !waits {
            let reason = Reason::News(limits);
            return self.switch(candidate, reason, telling, answer).await;
        }
        let (pipeline, plugins) = (&self.running.spec.name, candidate.names().join(", "));
        let cure = format!("`tamis plugin promote {pipeline} {plugins}` has it run");
        self.note(&candidate.news, by, Event::Shadowed, None, &telling);
        Answer::give(answer, Ended::done(format!("{plugins} waits; {cure}")));
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
            let newest = match &self.state {
                Some(state) => state.newest(&news.plugin),
                None => Some(&*running).filter(|version| !version.is_empty()),
            };
            refuse_downgrade(candidate.spec.trust.as_ref(), &news.semver, newest)
                .with_context(|| format!("plugin {}", news.plugin))?;
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

    /// Has all lanes go on with `candidate`.
    async fn switch(
        &mut self,
        candidate: Candidate,
        reason: Reason,
        mut telling: Telling,
        answer: Option<Answer>,
    ) {
        let probation = Duration::from_millis(candidate.spec.swap.probation_ms);
        let trial = match &reason {
            Reason::News(limits) if !probation.is_zero() => Some(Arc::new(Trial::new(*limits))),
            Reason::News(_) | Reason::Return => None,
        };
        if trial.is_some() {
            let (news, by) = (&candidate.news, candidate.by);
            self.note(news, by, Event::OnProbation, None, &telling);
        }
        let work = async {
            let candidate = Arc::new(candidate);
            let (part, of_lanes) = (Arc::clone(&candidate), trial.clone());
            let chains = apart(move || part.chains(of_lanes.as_ref())).await?;
            let pauses = self.swapper.swap(chains).await?;
            let candidate = Arc::into_inner(candidate).expect("what was done apart is done");
            let each: Vec<_> = pauses.iter().map(|it| it.as_micros() as u64).collect();
            let (lanes, longest) = (each.len(), each.iter().max().unwrap_or(&0));
            let said = format!("{lanes} lanes, the longest pause was {longest} µs");
            Ok(Told {
                detail: Some(serde_json::json!({ "pause_us": each })),
                ..Told::new(candidate, said)
            })
        };
        let candidate = match telling.step("switch", work).await {
            Ok(candidate) => candidate,
            Err(error) => return Answer::give(answer, Ended::failed(format!("{error:#}"))),
        };
        let Some(trial) = trial else {
            return self.take_over(candidate, &reason, &telling, answer);
        };
        let begun = Instant::now();
        self.on_probation = Some(Probation {
            candidate,
            trial,
            begun,
            due: begun + probation,
            telling,
            answer,
        });
    }

    /// Decides about what is on probation.
    pub(super) async fn end_probation(&mut self) {
        let Some(mut probation) = self.on_probation.take() else {
            return;
        };
        let trial = Arc::clone(&probation.trial);
        let cost = trial.cost();
        if trial.state() == TrialState::Running && cost.records == 0 {
            probation.due = Instant::now() + LOOK_AGAIN;
            self.on_probation = Some(probation);
            return;
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
        match telling.step_since(begun, "probation", work).await {
            Ok(()) => {
                let limits = TrialLimits {
                    rejected_per_million_max: 0,
                    record_nanos_max: None,
                };
                self.take_over(candidate, &Reason::News(limits), &telling, answer);
            }
            Err(error) => {
                let (reason, news) = (format!("{error:#}"), &candidate.news);
                let (by, event) = (Trigger::Rollback, Event::RolledBack);
                self.note(news, by, event, Some(&reason), &telling);
                let back = "it was taken back, and what ran before runs";
                Answer::give(answer, Ended::failed(format!("{back}: {reason}")));
            }
        }
    }

    /// Makes `candidate`, which all lanes have, what runs.
    fn take_over(
        &mut self,
        candidate: Candidate,
        reason: &Reason,
        telling: &Telling,
        answer: Option<Answer>,
    ) {
        match reason {
            Reason::News(_) => {
                self.note(
                    &candidate.news,
                    candidate.by,
                    Event::Promoted,
                    None,
                    telling,
                );
                let removed = &candidate.removed;
                self.note(removed, candidate.by, Event::Removed, None, telling);
            }
            Reason::Return => {
                // Told of the version that is taken back.
                let back = candidate.news.iter().map(|news| News {
                    plugin: news.plugin.clone(),
                    semver: self.running.version_of(&news.plugin),
                    sha256: news.from.clone().unwrap_or_default(),
                    from: Some(news.sha256.clone()),
                });
                let back: Vec<_> = back.collect();
                let why = Some("a person took it back");
                self.note(&back, candidate.by, Event::RolledBack, why, telling);
            }
        }
        let runs = candidate.versions().join(", ");
        self.running = Arc::new(candidate.into_running());
        self.watch.set(self.files().collect::<Vec<_>>());
        Answer::give(answer, Ended::done(format!("it runs: {runs}")));
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
        self.note(&news, by, Event::Refused, Some(&reason), telling);
        let stays = "it was refused, and what ran goes on";
        Answer::give(answer, Ended::failed(format!("{stays}: {reason}")));
    }

    fn give_way(&mut self) {
        if let Some(Waiting { candidate, .. }) = self.waiting.take() {
            let plugins = candidate.names().join(", ");
            warn!(
                plugins,
                "what waited to be promoted gives way to another version"
            );
        }
    }

    /// Has what waits or is on probation run, for good.
    pub(super) async fn promote(&mut self, plugin: &str, answer: Answer) {
        if let Some(waiting) = self.waiting.take_if(|it| it.candidate.is_about(plugin)) {
            let Waiting {
                mut candidate,
                limits,
                telling,
            } = waiting;
            candidate.by = Trigger::Promote;
            let reason = Reason::News(limits);
            return self.switch(candidate, reason, telling, Some(answer)).await;
        }
        match &self.on_probation {
            Some(probation) if probation.candidate.is_about(plugin) => {
                probation.trial.pass();
                self.end_probation().await;
                answer.end(Ended::done("its probation is over, and it runs"));
            }
            Some(_) | None => answer.end(Ended::failed(format!("no version of {plugin} waits"))),
        }
    }

    /// Goes back to the version of `plugin` that ran before.
    pub(super) async fn roll_back(&mut self, plugin: &str, mut telling: Telling, answer: Answer) {
        if let Some(probation) = &self.on_probation
            && probation.candidate.is_about(plugin)
        {
            probation.trial.fail("a person took it back".to_owned());
            self.end_probation().await;
            return answer.end(Ended::done("it was taken back, and what ran before runs"));
        }
        if let Some(busy) = self.is_busy() {
            return answer.end(busy);
        }
        self.give_way();
        let candidate = match self.before(plugin) {
            Ok((spec, wanted)) => {
                let by = Trigger::Rollback;
                self.compile(spec, wanted, by, &mut telling).await
            }
            Err(error) => Err(error),
        };
        match candidate {
            Ok(candidate) => {
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

    /// Writes into the history what became of `news`. A disk that refuses is said, and holds up nothing.
    fn note(
        &mut self,
        news: &[News],
        by: Trigger,
        event: Event,
        reason: Option<&str>,
        telling: &Telling,
    ) {
        let Some(state) = &mut self.state else {
            return;
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
            if let Err(error) = state.note(entry) {
                let (plugin, error) = (&news.plugin, causes(&error));
                warn!(plugin, ?event, error, "the history was not written");
            }
        }
    }
}
