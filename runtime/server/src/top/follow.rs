//! Looks at one pipeline again and again.

use std::time::Duration;

use tokio::time::timeout;

use crate::plugin::live::Live;
use crate::telemetry::Status;

/// A process that does not answer within this is told to be stuck.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// What is known of one pipeline.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) name: String,
    /// The look before, of the same process.
    pub(super) before: Option<Status>,
    pub(super) now: Option<Status>,
    /// Why there was no answer to the last look.
    pub(super) gone: Option<String>,
}

pub(super) struct Follower {
    pub(super) live: Live,
    seen: Seen,
}

impl Follower {
    pub(super) fn new(live: Live) -> Self {
        let seen = Seen {
            name: live.pipeline.clone(),
            before: None,
            now: None,
            gone: None,
        };
        Self { live, seen }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// Looks once.
    pub(super) async fn look(&mut self) {
        let answer = match timeout(ANSWER_WAIT, self.live.status()).await {
            Ok(Ok((status, _))) => Ok(status),
            Ok(Err(error)) => Err(format!("{error:#}")),
            Err(_) => {
                let seconds = ANSWER_WAIT.as_secs();
                Err(format!("its process gives no answer within {seconds} s"))
            }
        };
        self.seen.take(answer);
    }
}

impl Seen {
    pub(super) fn take(&mut self, answer: Result<Status, String>) {
        match answer {
            Ok(status) => {
                // Another process begins to count anew.
                let is_same = |it: &Status| it.snapshot.uptime_ms <= status.snapshot.uptime_ms;
                self.before = self.now.take().filter(is_same);
                self.now = Some(status);
                self.gone = None;
            }
            Err(why) => {
                self.before = None;
                self.gone = Some(why);
            }
        }
    }
}
