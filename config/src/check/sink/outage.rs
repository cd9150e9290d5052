//! Checks what becomes of a sink's records while its store is away.

use super::Beside;
use crate::check::dead_letters;
use crate::problem::Report;
use crate::raw::{RawDeadLetters, RawOnOutage, RawPark};
use crate::spec::{OnOutage, SinkKind};

pub(super) fn check(
    at: &str,
    raw: RawOnOutage,
    kind: Option<&SinkKind>,
    beside: &Beside<'_>,
    report: &mut Report,
) -> OnOutage {
    let RawPark {
        kafka,
        folder,
        after_ms,
    } = match raw {
        RawOnOutage::Wait => return OnOutage::Wait,
        RawOnOutage::Park(park) => park,
    };
    if kind.is_some_and(|kind| !kind.takes_each_alone()) {
        let message = "records of this sink stay in order, and those parked would come later";
        report.add_with_cure(at, message, "set `wait`");
    }
    let letters = RawDeadLetters { kafka, folder };
    let at = format!("{at}.park");
    OnOutage::Park {
        after_ms,
        to: dead_letters::check(&at, letters, beside.source, beside.folder, report),
    }
}
