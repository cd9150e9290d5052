//! What goes wrong between a client and its brokers: said once a minute, and ended where waiting cannot help.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use tokio::time::Instant;
use tracing::warn;

use super::client::{advice, is_authentication};

/// Between two words about the same cause.
const QUIET: Duration = Duration::from_mins(1);
/// How long a cluster that has taken the credentials before may refuse them, as brokers do that are just starting.
const REFUSED_MAX: Duration = Duration::from_secs(10);

/// The troubles of one client.
#[derive(Debug)]
pub(super) struct Troubles {
    brokers: String,
    said: BTreeMap<i32, Instant>,
    answered: bool,
    refused_since: Option<Instant>,
    refusal: Option<String>,
}

impl Troubles {
    pub(super) fn new(brokers: String) -> Self {
        Self {
            brokers,
            said: BTreeMap::new(),
            answered: false,
            refused_since: None,
            refusal: None,
        }
    }

    /// Notes an error.
    pub(super) fn note(&mut self, code: RDKafkaErrorCode, reason: &str) {
        if let Some(advice) = advice(code)
            && self.is_final(code)
        {
            self.refusal = Some(format!("{reason}; {advice}"));
        }
        self.said.retain(|_, said| said.elapsed() < QUIET);
        self.said.entry(code as i32).or_insert_with(|| {
            warn!(brokers = self.brokers, ?code, reason, "waiting for kafka");
            Instant::now()
        });
    }

    fn is_final(&mut self, code: RDKafkaErrorCode) -> bool {
        let since = *self.refused_since.get_or_insert_with(Instant::now);
        !is_authentication(code) || !self.answered || since.elapsed() >= REFUSED_MAX
    }

    /// Notes that the cluster did what it was asked for.
    pub(super) fn over(&mut self) {
        self.answered = true;
        self.refused_since = None;
    }

    /// Why going on is of no use, and what to do about it.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.clone()
    }
}
