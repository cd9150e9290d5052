//! What is going on with a source.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::lock;
use super::store::ms;
use crate::snapshot::Contact;

#[derive(Debug, Default)]
pub(crate) struct SourceGauge {
    pub(crate) room: Waits,
    pub(crate) lanes: Waits,
    pub(crate) commits: Waits,
    /// Of a source that talks to someone.
    talk: Mutex<Option<Talk>>,
}

/// How long batches waited for one thing.
#[derive(Debug, Default)]
pub(crate) struct Waits(AtomicU64);

impl Waits {
    /// Counts the time until what is returned is dropped.
    pub(crate) fn begin(&self) -> Waiting<'_> {
        let begun = Instant::now();
        Waiting { waits: self, begun }
    }

    pub(crate) fn ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Waiting<'a> {
    waits: &'a Waits,
    begun: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let ns = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waits.0.fetch_add(ns, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Talk {
    answered: Option<Instant>,
    member: Option<Instant>,
    group: String,
}

impl SourceGauge {
    /// Notes that this source has someone to talk to.
    pub(crate) fn talks(&self) {
        lock(&self.talk).get_or_insert_default();
    }

    /// Notes that it had an answer.
    pub(crate) fn answered(&self) {
        if let Some(talk) = &mut *lock(&self.talk) {
            talk.answered = Some(Instant::now());
        }
    }

    /// Notes whether it is a member of its group as it is, and what the client says of that.
    pub(crate) fn group(&self, is_member: bool, says: &str) {
        if let Some(talk) = &mut *lock(&self.talk) {
            if is_member {
                talk.member = Some(Instant::now());
            }
            says.clone_into(&mut talk.group);
        }
    }

    pub(crate) fn view(&self, now: Instant) -> Option<Contact> {
        let talk = lock(&self.talk);
        let talk = talk.as_ref()?;
        Some(Contact {
            answered_ms_ago: talk.answered.map(|at| ms(now, at)),
            member_ms_ago: talk.member.map(|at| ms(now, at)),
            group: talk.group.clone(),
        })
    }
}
