//! One live plugin: a store with a memory limit and a deadline for each call; never shared.

use std::fmt;

use tamis_core::Mask;
use wasmtime::Store;

use crate::contract::{self, Answer, Description, Exports, Guest, Input, Prepared, SettingsError};
use crate::engine::Engine;
use crate::failure::{Cause, Failure, Limits};
use crate::limits::{Limiter, PluginLimits};

/// What a call other than `process` may hand to the host: names, a JSON schema, an error.
const WORDS_BYTES_MAX: usize = 1 << 20;
/// Bytes that a row of an answer takes beside what it points at: five lengths and a time.
const ROW_BYTES: usize = 28;

/// Runs until its first failure; then it must be dropped, since nobody knows what it left behind.
pub(crate) struct Instance {
    exports: Exports,
    store: Store<Guest>,
    limits: PluginLimits,
    description: Description,
    memory_bytes_at_start: usize,
    fresh: bool,
}

/// What a plugin is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A JSON object.
    pub json: String,
    /// What of it must not be read in the plugin's last words, nor in why it refuses them.
    pub mask: Mask,
}

impl From<String> for Settings {
    /// Settings without a secret.
    fn from(json: String) -> Self {
        let mask = Mask::default();
        Self { json, mask }
    }
}

/// Why a plugin did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// It refused its settings.
    Settings {
        /// JSON pointer to the field; empty for the settings as a whole.
        field: String,
        /// Why.
        message: String,
    },
    /// It failed before its first batch.
    Failed(Failure),
}

impl Instance {
    /// Instantiates a plugin and asks who it is.
    pub(crate) fn new(
        engine: &Engine,
        prepared: &Prepared,
        limits: &PluginLimits,
    ) -> Result<Self, Failure> {
        let limiter = Limiter::new(limits.memory_bytes_max);
        let mut store = Store::new(
            engine.wasmtime(),
            Guest {
                limiter,
                message: None,
                mask: Mask::default(),
            },
        );
        store.limiter(|guest| &mut guest.limiter);
        arm(&mut store, limits, WORDS_BYTES_MAX);
        let exports = prepared.instantiate(&mut store);
        let exports =
            exports.map_err(|error| explain(&mut store, limits, WORDS_BYTES_MAX, &error))?;
        let description = contract::describe(&exports, &mut store);
        let description =
            description.map_err(|error| explain(&mut store, limits, WORDS_BYTES_MAX, &error))?;
        let limits = limits.clone();
        Ok(Self {
            exports,
            store,
            limits,
            description,
            memory_bytes_at_start: 0,
            fresh: true,
        })
    }

    /// What it said of itself.
    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    /// Hands the settings over.
    pub(crate) fn configure(
        &mut self,
        Settings { json, mask }: &Settings,
    ) -> Result<(), StartError> {
        arm(&mut self.store, &self.limits, WORDS_BYTES_MAX);
        self.store.data_mut().mask = mask.clone();
        match contract::configure(&self.exports, &mut self.store, json) {
            Ok(Ok(())) => {}
            Ok(Err(SettingsError { field, message })) => {
                let (field, message) = (mask.hide(field), mask.hide(message));
                return Err(StartError::Settings { field, message });
            }
            Err(error) => {
                return Err(StartError::Failed(explain(
                    &mut self.store,
                    &self.limits,
                    WORDS_BYTES_MAX,
                    &error,
                )));
            }
        }
        self.memory_bytes_at_start = self.memory_bytes();
        Ok(())
    }

    /// Hands a batch over.
    pub(crate) fn process(&mut self, input: Input<'_>) -> Result<Answer, Failure> {
        let records = input.value_lengths.len();
        let outputs = usize::try_from(self.limits.outputs_per_record_max).unwrap_or(usize::MAX);
        // A rejected record has a row where no output is allowed.
        let rows = outputs.max(1).saturating_mul(ROW_BYTES).saturating_add(1);
        let bytes = records
            .saturating_mul(rows)
            .saturating_add(self.limits.output_bytes_max);
        arm(&mut self.store, &self.limits, bytes);
        self.fresh = false;
        let bytes_max = self.limits.output_bytes_max;
        contract::process(&self.exports, &mut self.store, input)
            .map_err(|error| explain(&mut self.store, &self.limits, bytes_max, &error))
    }

    /// Whether it has not seen a batch yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether it has grown so far into its memory limit that it is better replaced: linear memory never shrinks. What counts is the
    /// half of what its start left: a language runtime takes some ten MiB before its first batch.
    pub(crate) fn is_outgrown(&self) -> bool {
        let start = self.memory_bytes_at_start;
        let left = self.limits.memory_bytes_max.saturating_sub(start);
        self.memory_bytes() > start + left / 2
    }

    /// Bytes in all its memories.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory_bytes()
    }
}

/// Gives the next call its time, and the number of bytes that it may hand to the host.
fn arm(store: &mut Store<Guest>, limits: &PluginLimits, bytes: usize) {
    store.set_epoch_deadline(Engine::ticks_in(limits.batch_time));
    store.set_hostcall_fuel(bytes);
    store.data_mut().limiter.take_refused();
}

/// The failure of a call that could hand over `output_bytes`.
fn explain(
    store: &mut Store<Guest>,
    limits: &PluginLimits,
    output_bytes: usize,
    error: &wasmtime::Error,
) -> Failure {
    let guest = store.data_mut();
    let held = Limits {
        time: limits.batch_time,
        memory_bytes: limits.memory_bytes_max,
        output_bytes,
    };
    let cause = Cause::of(error, guest.limiter.take_refused(), held);
    Failure {
        cause,
        message: guest.message.take(),
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings { field, message } if field.is_empty() => {
                write!(f, "the settings were refused: {message}")
            }
            Self::Settings { field, message } => write!(f, "settings{field}: {message}"),
            Self::Failed(failure) => {
                write!(f, "it did not start: {failure}")?;
                match failure.cause {
                    Cause::Memory(_) => f.write_str(
                        "; raise memory_bytes_max in its limits, `tamis plugin inspect` shows what it takes to start",
                    ),
                    Cause::Time(_)
                    | Cause::Table(_)
                    | Cause::Output(_)
                    | Cause::Outputs(_)
                    | Cause::Malformed(_)
                    | Cause::Trap(_) => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for StartError {}
