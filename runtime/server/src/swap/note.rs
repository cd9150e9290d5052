//! What a deployer writes into the history.

use tamis_core::causes;
use tracing::warn;

use super::candidate::{Candidate, News};
use super::telling::Telling;
use super::{Deployer, now_ms};
use crate::control::Ended;
use crate::state::{Entry, Event, Trigger};

/// Whether the disk has it.
pub(super) type Noted = Result<(), Unwritten>;

/// The history could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the history was not written, and a restart runs what ran before: {0}")]
pub(super) struct Unwritten(String);

/// What to say where all else went as it `said`.
pub(super) fn ended(noted: Noted, said: String) -> Ended {
    match noted {
        Ok(()) => Ended::done(said),
        Err(unwritten) => Ended::failed(format!("{said}; but {unwritten}")),
    }
}

impl Deployer {
    pub(super) fn note_promotion(&mut self, candidate: &Candidate, telling: &Telling) -> Noted {
        let became = [
            (&*candidate.news, Event::Promoted),
            (&*candidate.removed, Event::Removed),
        ];
        self.note_all(&became, candidate.by, None, telling)
    }

    /// Of a rollback the version that is taken back is told.
    pub(super) fn note_return(&mut self, candidate: &Candidate, telling: &Telling) -> Noted {
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

    /// Writes into the history what became of `news`.
    pub(super) fn note(
        &mut self,
        news: &[News],
        by: Trigger,
        event: Event,
        reason: Option<&str>,
        telling: &Telling,
    ) -> Noted {
        self.note_all(&[(news, event)], by, reason, telling)
    }

    /// Writes what became of several plugins: all of it or, where the disk refuses, nothing.
    fn note_all(
        &mut self,
        became: &[(&[News], Event)],
        by: Trigger,
        reason: Option<&str>,
        telling: &Telling,
    ) -> Noted {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        let all = became.iter();
        let all = all.flat_map(|(news, event)| news.iter().map(|news| (news, *event)));
        let entries = all.map(|(news, event)| Entry {
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
        });
        state.note_all(entries.collect()).map_err(|error| {
            let (pipeline, error) = (&self.running.spec.name, causes(&error));
            warn!(pipeline, error, "the history was not written");
            Unwritten(error)
        })
    }
}
