//! Which dead letters are meant.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tamis_connect::dead::marker::Marker;
use tamis_connect::dead_folder::letter::DeadLetter;

use crate::cli::dead::{Offsets, SelectArguments};

/// What the command line says of them.
#[derive(Debug, Default)]
pub(super) struct Select {
    /// All of them where it is empty.
    ids: BTreeSet<String>,
    stage: Option<String>,
    /// In small letters.
    reason: Option<String>,
    topic: Option<String>,
    partition: Option<i32>,
    offsets: Option<Offsets>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// At most so many.
    pub(super) limit: u64,
    /// Whether those that were replayed are meant, too.
    pub(super) all: bool,
}

impl Select {
    pub(super) fn new(arguments: &SelectArguments, ids: &[String]) -> Self {
        let SelectArguments {
            stage,
            reason,
            topic,
            partition,
            offsets,
            since,
            until,
            limit,
            all,
            // Which stores are read, not what of them.
            parked: _,
        } = arguments;
        Self {
            ids: ids.iter().cloned().collect(),
            stage: stage.clone(),
            reason: reason.as_ref().map(|reason| reason.to_lowercase()),
            topic: topic.clone(),
            partition: *partition,
            offsets: *offsets,
            since: *since,
            until: *until,
            limit: limit.unwrap_or(u64::MAX),
            all: *all,
        }
    }

    pub(super) fn takes(&self, letter: &DeadLetter) -> bool {
        self.names(&letter.id, &letter.stage)
            && self.topic.as_ref().is_none_or(|it| *it == letter.topic)
            && self.partition.is_none_or(|it| it == letter.partition)
            && self
                .offsets
                .is_none_or(|it| (it.start..it.next).contains(&letter.offset))
            && self
                .reason
                .as_ref()
                .is_none_or(|it| letter.reason.to_lowercase().contains(it))
            && self.takes_time(letter.timestamp())
    }

    /// Whether `mark` may be that of a letter that is meant.
    pub(super) fn takes_mark(&self, mark: &Marker) -> bool {
        self.names(&mark.id, &mark.stage)
    }

    fn names(&self, id: &str, stage: &str) -> bool {
        (self.ids.is_empty() || self.ids.contains(id))
            && self.stage.as_ref().is_none_or(|it| it == stage)
    }

    /// A record without a time is neither before nor after one.
    fn takes_time(&self, time: Option<Timestamp>) -> bool {
        self.since
            .is_none_or(|since| time.is_some_and(|time| time >= since))
            && self
                .until
                .is_none_or(|until| time.is_some_and(|time| time < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead::pass::tests::letter;

    fn check(change: impl FnOnce(&mut SelectArguments), ids: &[&str], expected: bool) {
        let mut arguments = SelectArguments::default();
        change(&mut arguments);
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let mut letter = letter("s/t/0/1/0", "mask");
        letter.reason = "Not JSON: Zeile 1".to_owned();
        letter.time = Some("2023-01-18T04:05:06Z".to_owned());
        let taken = Select::new(&arguments, &ids).takes(&letter);
        assert_eq!(taken, expected, "{arguments:?} {ids:?}");
    }

    #[test]
    fn a_letter_is_meant_where_all_that_is_said_is_so() {
        let time = |text: &str| Some(text.parse().unwrap());
        check(|_| {}, &[], true);
        check(|_| {}, &["x", "s/t/0/1/0"], true);
        check(|_| {}, &["x"], false);
        check(|it| it.stage = Some("mask".into()), &[], true);
        check(|it| it.stage = Some("mas".into()), &[], false);
        check(|it| it.reason = Some("json: zeile".into()), &[], true);
        check(|it| it.reason = Some("xml".into()), &[], false);
        check(|it| it.topic = Some("t".into()), &[], true);
        check(|it| it.topic = Some("s".into()), &[], false);
        check(|it| it.partition = Some(0), &[], true);
        check(|it| it.partition = Some(1), &[], false);
        let offsets = |start, next| Some(Offsets { start, next });
        check(|it| it.offsets = offsets(1, 2), &[], true);
        check(|it| it.offsets = offsets(0, 1), &[], false);
        check(|it| it.offsets = offsets(2, 3), &[], false);
        check(|it| it.since = time("2023-01-18T04:05:06Z"), &[], true);
        check(|it| it.since = time("2023-01-18T04:05:07Z"), &[], false);
        check(|it| it.until = time("2023-01-18T04:05:06Z"), &[], false);
        check(|it| it.until = time("2023-01-18T04:05:07Z"), &[], true);
    }
}
