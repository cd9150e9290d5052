//! A candidate on its way: what it has to pass, and what becomes of it.

use std::sync::Arc;

use anyhow::{Context, Error, Result, bail};
use tamis_config::{PipelineSpec, Promote};
use tamis_core::TrialLimits;
use tracing::warn;

use super::candidate::{Candidate, News, Running, Wanted};
use super::handler::{Answer, Asked};
use super::probation::Reason;
use super::shadow::Shadow;
use super::telling::{Telling, Told, apart};
use super::{Deployer, note};
use crate::control::Ended;
use crate::plugin_file::{PluginFile, refuse_downgrade};
use crate::state::{Event, Trigger};

/// A candidate that passed its steps and waits for a person.
pub(super) struct Waiting {
    pub(super) candidate: Candidate,
    limits: TrialLimits,
    telling: Telling,
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
        Answer::give(
            answer,
            note::ended(noted, format!("{plugins} waits; {cure}")),
        );
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

    pub(super) fn refuse(
        &mut self,
        news: Vec<News>,
        by: Trigger,
        telling: &Telling,
        answer: Option<Answer>,
        error: &Error,
    ) {
        let reason = format!("{error:#}");
        // The steps before said how they ended.
        if telling.steps.last().is_none_or(|step| step.ok) {
            warn!(reason, "a version was refused");
        }
        // It runs nowhere, whatever the history says.
        let _noted = self.note(&news, by, Event::Refused, Some(&reason), telling);
        let stays = "it was refused, and what ran goes on";
        Answer::give(answer, Ended::failed(format!("{stays}: {reason}")));
    }

    pub(super) fn give_way(&mut self) {
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
}
