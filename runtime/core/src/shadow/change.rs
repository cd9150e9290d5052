//! In what something that becomes of a record differs from what became of it.

use crate::batch::{Row, Span};

use super::became::BecameRef;

/// What is decided about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It goes on, as one record or more.
    Kept,
    /// It is filtered out.
    Dropped,
    /// Something of it is refused.
    Refused,
}

/// One thing that is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// What was decided, and what is now; nothing else is told then.
    Fate(Fate, Fate),
    /// How many records are made of it.
    Outputs,
    /// The value of one of them.
    Value,
    /// The key.
    Key,
    /// The headers.
    Headers,
    /// The route.
    Route,
    /// The time.
    Time,
    /// Why it is refused.
    Reason,
}

/// All that differs between `old` and `new`.
pub(super) fn between(old: &BecameRef<'_>, new: &BecameRef<'_>) -> Vec<Change> {
    let (was, is) = (fate(old), fate(new));
    if was != is {
        return vec![Change::Fate(was, is)];
    }
    let mut changes = Vec::new();
    if old.rejected != new.rejected {
        changes.push(Change::Reason);
    }
    if old.rows.len() != new.rows.len() {
        changes.push(Change::Outputs);
        return changes;
    }
    let differs = |part: fn(&Row) -> Span| {
        let mut rows = old.rows.iter().zip(new.rows);
        rows.any(|(one, other)| old.batch.bytes(part(one)) != new.batch.bytes(part(other)))
    };
    let times = |rows: &[Row]| rows.iter().map(|row| row.timestamp_ms).collect::<Vec<_>>();
    let parts = [
        (Change::Value, differs(|row| row.value)),
        (Change::Key, differs(|row| row.key)),
        (Change::Headers, differs(|row| row.headers)),
        (Change::Route, differs(|row| row.route)),
        (Change::Time, times(old.rows) != times(new.rows)),
    ];
    let changed = parts.into_iter().filter(|(_, differs)| *differs);
    changes.extend(changed.map(|(change, _)| change));
    changes
}

fn fate(became: &BecameRef<'_>) -> Fate {
    if !became.rejected.is_empty() {
        Fate::Refused
    } else if became.rows.is_empty() {
        Fate::Dropped
    } else {
        Fate::Kept
    }
}
