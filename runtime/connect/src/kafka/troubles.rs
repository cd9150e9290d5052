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
    /// When the present row of refusals began, and its last one.
    refused: Option<(Instant, Instant)>,
    refusal: Option<String>,
}

impl Troubles {
    pub(super) fn new(brokers: String) -> Self {
        Self {
            brokers,
            said: BTreeMap::new(),
            answered: false,
            refused: None,
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

    /// Says that `records` wait `since` then, unless it was said lately why.
    pub(super) fn still_waiting(&mut self, since: Instant, records: usize) {
        self.said.retain(|_, said| said.elapsed() < QUIET);
        if since.elapsed() >= QUIET && self.said.is_empty() {
            warn!(brokers = self.brokers, records, "waiting for kafka");
            let code = RDKafkaErrorCode::NoError as i32;
            self.said.insert(code, Instant::now());
        }
    }

    fn is_final(&mut self, code: RDKafkaErrorCode) -> bool {
        let now = Instant::now();
        let row = self
            .refused
            .filter(|(_, last)| now.duration_since(*last) < QUIET);
        let (since, _) = row.unwrap_or((now, now));
        self.refused = Some((since, now));
        !is_authentication(code) || !self.answered || since.elapsed() >= REFUSED_MAX
    }

    /// Notes that the cluster did what it was asked for.
    pub(super) fn over(&mut self) {
        self.answered = true;
        self.refused = None;
        self.refusal = None;
    }

    /// Why going on is of no use, and what to do about it.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.clone()
    }
}
