//! What goes wrong between a client and its brokers: said once a minute, and ended where waiting cannot help.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use tokio::time::Instant;
use tracing::warn;

use super::client::{advice, advice_on_tls, is_authentication};

/// Between two words about the same cause.
const QUIET: Duration = Duration::from_mins(1);
/// How long a cluster that has taken the credentials before may refuse them, as brokers do that are just starting; and how long
/// certificates may be refused that were fine before, while someone replaces them.
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

    /// Those of a client that takes the place of this one.
    pub(super) fn anew(&self) -> Self {
        Self {
            answered: self.answered,
            ..Self::new(self.brokers.clone())
        }
    }

    /// Notes an error.
    pub(super) fn note(&mut self, code: RDKafkaErrorCode, reason: &str) {
        let of_tls = advice_on_tls(reason);
        let may_pass = is_authentication(code) || of_tls.is_some();
        if let Some(advice) = advice(code).or(of_tls)
            && self.is_final(may_pass)
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

    fn is_final(&mut self, may_pass: bool) -> bool {
        let now = Instant::now();
        let row = self
            .refused
            .filter(|(_, last)| now.duration_since(*last) < QUIET);
        let (since, _) = row.unwrap_or((now, now));
        self.refused = Some((since, now));
        !may_pass || !self.answered || since.elapsed() >= REFUSED_MAX
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

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "ssl://kafka:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed";
    const CUT: &str =
        "ssl://kafka:9093/1: SSL handshake failed: SSL transport error: Connection timed out";

    fn troubles() -> Troubles {
        Troubles::new("kafka:9093".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_is_refused_ends_it_and_a_cut_connection_does_not() {
        let mut troubles = troubles();
        troubles.note(RDKafkaErrorCode::SSL, CUT);
        assert_eq!(troubles.refusal(), None);
        troubles.note(RDKafkaErrorCode::SSL, REFUSED);
        let refusal = troubles.refusal().unwrap();
        assert!(refusal.contains("ssl.ca.location"), "{refusal}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_fine_before_may_be_refused_for_a_while() {
        let mut troubles = troubles();
        troubles.over();
        troubles.note(RDKafkaErrorCode::SSL, REFUSED);
        assert_eq!(troubles.refusal(), None);
        tokio::time::advance(REFUSED_MAX).await;
        troubles.note(RDKafkaErrorCode::SSL, REFUSED);
        assert!(troubles.refusal().is_some());
        let mut next = troubles.anew();
        next.note(RDKafkaErrorCode::SSL, REFUSED);
        assert_eq!(next.refusal(), None);
        troubles.over();
        assert_eq!(troubles.refusal(), None);
    }
}
