//! `TAMIS_FAILPOINT=STEP:N`: the process dies when it reaches a step for the Nth time, so that a test sees what is left behind.

use std::env;
use std::fmt;
use std::io::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The variable that asks for it.
const VARIABLE: &str = "TAMIS_FAILPOINT";
/// What the engine says its steps under.
const TARGET: &str = "tamis::step";
const STEPS: [&str; 8] = [
    "taken",
    "written",
    "staged",
    "sent",
    "committed",
    "revealed",
    "draining",
    "buried",
];

/// Where to die.
#[derive(Debug)]
pub(crate) struct Failpoint {
    step: String,
    /// At which time the step is reached.
    count: u64,
    seen: AtomicU64,
}

/// The failpoint that the environment asks for.
///
/// # Errors
/// What is wrong with the variable, and its form.
pub(crate) fn from_environment() -> Result<Option<Failpoint>, String> {
    let Some(wanted) = env::var_os(VARIABLE) else {
        return Ok(None);
    };
    let wanted = wanted.to_string_lossy();
    wanted
        .parse()
        .map(Some)
        .map_err(|reason| format!("{VARIABLE}={wanted}: {reason}"))
}

impl Failpoint {
    /// The layer that watches for it, whatever the log shows.
    pub(crate) fn layer<S>(self) -> impl Layer<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.with_filter(Targets::new().with_target(TARGET, LevelFilter::DEBUG))
    }

    /// Whether this is the event to die at.
    fn is_hit(&self, reached: &Reached) -> bool {
        reached.step == self.step && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.count
    }
}

impl FromStr for Failpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(step, count)| {
            let count = count.parse().ok().filter(|count| *count > 0)?;
            STEPS.contains(&step).then(|| Self {
                step: step.to_owned(),
                count,
                seen: AtomicU64::new(0),
            })
        });
        let form = || {
            format!(
                "must be STEP:N, such as committed:3; N is 1 or more, STEP one of {}",
                STEPS.join(", ")
            )
        };
        parsed.ok_or_else(form)
    }
}

impl<S: Subscriber> Layer<S> for Failpoint {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        let mut reached = Reached::default();
        event.record(&mut reached);
        if self.is_hit(&reached) {
            let (step, count) = (&self.step, self.count);
            // One write, so that no other thread's line gets into it. Whether it could be written changes nothing.
            let line = format!("failpoint {step}:{count} unsettled={}\n", reached.unsettled);
            let _written = std::io::stderr().lock().write_all(line.as_bytes());
            // As hard as SIGKILL: nothing is dropped, flushed or committed.
            std::process::abort();
        }
    }
}

/// The fields of an event.
#[derive(Debug, Default)]
struct Reached {
    step: String,
    unsettled: u64,
}

impl Visit for Reached {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "step" {
            value.clone_into(&mut self.step);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "unsettled" {
            self.unsettled = value;
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_hit_once_at_the_count_of_its_own_step() {
        let failpoint: Failpoint = "staged:2".parse().unwrap();
        let hits: Vec<_> = ["staged", "taken", "staged", "staged"]
            .map(|step| {
                let step = step.to_owned();
                failpoint.is_hit(&Reached { step, unsettled: 1 })
            })
            .into();
        assert_eq!(hits, [false, false, true, false]);
    }

    #[test]
    fn anything_but_a_step_and_a_number_is_refused_with_the_form() {
        for wrong in [
            "",
            "staged",
            "staged:",
            "staged:0",
            "staged:-1",
            "stagd:1",
            ":1",
        ] {
            let reason = wrong.parse::<Failpoint>().unwrap_err();
            assert!(reason.contains("STEP:N"), "{wrong}: {reason}");
            assert!(reason.contains("committed, revealed"), "{wrong}: {reason}");
        }
    }
}
