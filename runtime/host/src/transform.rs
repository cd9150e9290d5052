//! A plugin as a step of a lane: hands batches over, and when it fails, finds the records that it fails on.

mod effects;
mod lift;
mod lower;
mod search;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tamis_core::batch::Batch;
use tamis_core::transform::{Applied, Said, Stage, Transform, TransformError, Why};
use tracing::warn;

use crate::failure::Failure;
use crate::instance::{Instance, Settings, StartError};
use crate::limits::{OnQuarantine, PluginLimits};
use crate::load::Plugin;

use effects::Effects;
use lift::{Outcome, Place};
use lower::Lowered;
use search::Undecided;

/// Past this an answer could not be pointed into: the rows of a batch have four times as much, see the search.
const OUTPUT_BYTES_MAX: usize = 512 << 20;

/// A plugin with its settings, in one lane.
pub struct PluginTransform {
    plugin: Arc<Plugin>,
    stage: Stage,
    settings: Settings,
    limits: PluginLimits,
    on_quarantine: OnQuarantine,
    /// None between a failure and the next batch.
    instance: Option<Instance>,
    /// The most that an instance had: it is largest right before it is replaced.
    memory_bytes: usize,
    /// Why it is quarantined, once it is.
    quarantine: Option<String>,
    lowered: Lowered,
}

/// Why rows have no outcome.
enum Stopped {
    /// The instance failed on them; `fresh` when they were the first that it saw.
    Failed { failure: Failure, fresh: bool },
    /// There is no instance to give them to.
    NotStarted(StartError),
}

impl PluginTransform {
    /// Makes an instance of `plugin` for the stage `name` and configures it with `settings`.
    ///
    /// # Errors
    /// When the plugin refuses its settings, or fails before its first batch.
    pub fn new(
        plugin: Arc<Plugin>,
        name: &str,
        settings: impl Into<Settings>,
        mut limits: PluginLimits,
        on_quarantine: OnQuarantine,
    ) -> Result<Self, StartError> {
        limits.output_bytes_max = limits.output_bytes_max.min(OUTPUT_BYTES_MAX);
        let version = plugin.version();
        let mut transform = Self {
            plugin,
            stage: Stage {
                name: name.to_owned(),
                version,
            },
            settings: settings.into(),
            limits,
            on_quarantine,
            instance: None,
            memory_bytes: 0,
            quarantine: None,
            lowered: Lowered::default(),
        };
        let instance = transform.start()?;
        transform.memory_bytes = instance.memory_bytes();
        transform.instance = Some(instance);
        Ok(transform)
    }

    /// Hands `batch` once to a fresh instance. No guilty record is searched for, and nothing is quarantined.
    ///
    /// # Errors
    /// Where no instance starts; within, where the plugin fails on the batch, which then is as it was.
    pub fn try_once(&mut self, batch: &mut Batch) -> Result<Result<Applied, Failure>, StartError> {
        self.instance = None;
        match self.ask(batch, 0..batch.rows().len(), 0) {
            Ok((outcome, effects)) => Ok(Ok(self.commit(batch, outcome, effects))),
            Err(Stopped::Failed { failure, .. }) => Ok(Err(failure)),
            Err(Stopped::NotStarted(error)) => Err(error),
        }
    }

    /// The most bytes that an instance of it has had in its memories, be it this one or one that was replaced.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    fn start(&self) -> Result<Instance, StartError> {
        let mut instance = self
            .plugin
            .instantiate(&self.limits)
            .map_err(StartError::Failed)?;
        instance.configure(&self.settings)?;
        Ok(instance)
    }

    /// What becomes of the rows `range`, whose new bytes will lie behind `base` others, `None` when all are kept;
    /// and what the plugin wants done.
    fn ask(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        base: usize,
    ) -> Result<(Option<Outcome>, Effects), Stopped> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.start().map_err(Stopped::NotStarted)?,
        };
        let fresh = instance.is_fresh();
        let wants = self.plugin.description().wants;
        let input = self.lowered.lower(batch, range.clone(), wants);
        let place = Place {
            buffer: batch.next_buffer(),
            base,
        };
        let lifted = instance.process(input).and_then(|answer| {
            let (rows, numbers) = (&batch.rows()[range], batch.numbers());
            let lifted = lift::lift(answer, rows, numbers, place, &self.limits);
            lifted.map_err(Failure::from)
        });
        self.memory_bytes = self.memory_bytes.max(instance.memory_bytes());
        let lifted = lifted.map_err(|failure| Stopped::Failed { failure, fresh })?;
        self.instance = (!instance.is_outgrown()).then_some(instance);
        Ok(lifted)
    }

    /// Gives up on the plugin, in the midst of `batch`.
    fn quarantine(
        &mut self,
        batch: &mut Batch,
        undecided: Undecided,
    ) -> Result<Applied, TransformError> {
        let Undecided {
            outcome,
            effects,
            rest,
            reason,
        } = undecided;
        let Stage { name, version } = &self.stage;
        let (partition, range, then) = (batch.partition(), batch.range(), self.on_quarantine);
        warn!(%name, %version, %partition, %range, ?then, reason, "plugin quarantined");
        self.instance = None;
        self.quarantine = Some(reason.clone());
        self.without(batch, outcome, effects, rest, &reason)
    }

    /// What becomes of a batch whose rows from `rest` on find the plugin quarantined. A bypass is for the whole batch:
    /// it passes as it came, what was decided of it is forgotten.
    fn without(
        &self,
        batch: &mut Batch,
        mut outcome: Outcome,
        effects: Effects,
        rest: usize,
        reason: &str,
    ) -> Result<Applied, TransformError> {
        match self.on_quarantine {
            OnQuarantine::Stop => Err(TransformError {
                stage: self.stage.clone(),
                reason: format!("the plugin is quarantined: {reason}"),
            }),
            OnQuarantine::Bypass => Ok(self.nothing()),
            OnQuarantine::DeadLetter => {
                for row in &batch.rows()[rest..] {
                    let reason = format!("the plugin is quarantined: {reason}");
                    outcome.reject(row, Why::Quarantined, reason);
                }
                Ok(self.commit(batch, Some(outcome), effects))
            }
        }
    }

    /// What is applied where all is kept.
    fn nothing(&self) -> Applied {
        let memory_bytes = self.instance.as_ref().map_or(0, Instance::memory_bytes);
        Applied {
            memory_bytes: memory_bytes as u64,
            ..Applied::default()
        }
    }

    /// Puts what is left in the place of the rows of `batch`, and does what the plugin wanted done.
    fn commit(&self, batch: &mut Batch, outcome: Option<Outcome>, mut effects: Effects) -> Applied {
        let mut applied = self.nothing();
        if let Some(outcome) = outcome {
            batch.replace(outcome.rows, Some(Bytes::from(outcome.bytes)));
            let memory_bytes = applied.memory_bytes;
            applied = Applied {
                memory_bytes,
                ..outcome.applied
            };
        }
        applied.counted = std::mem::take(&mut effects.counts);
        if effects.has_lines() {
            let (plugin, stage) = (Arc::clone(&self.plugin), self.stage.clone());
            applied.said = Said::new(move |batch| effects.log(&stage, batch, plugin.log_budget()));
        }
        applied
    }
}

impl Transform for PluginTransform {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        if batch.rows().is_empty() {
            return Ok(self.nothing());
        }
        if let Some(reason) = &self.quarantine {
            return self.without(batch, Outcome::default(), Effects::default(), 0, reason);
        }
        match self.decide(batch) {
            Ok((outcome, effects)) => Ok(self.commit(batch, outcome, effects)),
            Err(undecided) => self.quarantine(batch, *undecided),
        }
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        if batch.rows().is_empty() {
            return Ok(self.nothing());
        }
        if let Some(reason) = &self.quarantine {
            return Err(format!("the plugin is quarantined: {reason}"));
        }
        match self.ask(batch, 0..batch.rows().len(), 0) {
            Ok((outcome, effects)) => Ok(self.commit(batch, outcome, effects)),
            Err(Stopped::Failed { failure, .. }) => Err(failure.to_string()),
            Err(Stopped::NotStarted(error)) => Err(error.to_string()),
        }
    }
}

impl fmt::Debug for PluginTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginTransform")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
