//! Which records go to which sinks.

use std::fmt;
use std::sync::Arc;

use crate::batch::{Batch, Row};
use crate::sink::Record;

/// Which records a sink takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routes {
    /// Those that no plugin gave a route.
    Unrouted,
    /// Those with one of these routes.
    Named(Vec<String>),
    /// All of them.
    All,
}

impl Routes {
    fn take(&self, route: Option<&[u8]>) -> bool {
        match self {
            Self::Unrouted => route.is_none(),
            Self::Named(names) => {
                route.is_some_and(|route| names.iter().any(|name| name.as_bytes() == route))
            }
            Self::All => true,
        }
    }
}

/// What a record must be like.
pub trait Condition: Send + Sync {
    /// Whether `record` is so.
    fn holds(&self, record: Record<'_>) -> bool;
}

/// Which records a sink takes: those of its routes that are as its condition says.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) routes: Routes,
    pub(crate) condition: Option<Arc<dyn Condition>>,
}

impl Claim {
    /// Whether its routes take this one; its condition may not.
    pub(crate) fn has_route(&self, route: Option<&[u8]>) -> bool {
        self.routes.take(route)
    }

    fn takes(&self, batch: &Batch, row: &Row) -> bool {
        let condition = self.condition.as_ref();
        self.routes.take(batch.bytes(row.route))
            && condition.is_none_or(|condition| condition.holds(Record::of(batch, row)))
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.routes.fmt(f)
    }
}

/// Indexes of rows of a batch, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rows {
    /// All of this many.
    All(u32),
    /// These.
    Some(Vec<u32>),
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(count) => *count as usize,
            Self::Some(indexes) => indexes.len(),
        }
    }

    /// The rows with these positions among them.
    pub(crate) fn slice(&self, positions: std::ops::Range<usize>) -> Vec<u32> {
        match self {
            Self::All(_) => positions.map(index).collect(),
            Self::Some(indexes) => indexes[positions].to_vec(),
        }
    }
}

/// What goes where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// For each sink the rows that it takes.
    pub(crate) sinks: Vec<Rows>,
    /// Rows that no sink takes.
    pub(crate) unclaimed: Vec<u32>,
}

/// Hands each row of `batch` to every one of the sinks whose claim it fits.
pub(crate) fn select(batch: &Batch, claims: &[Claim]) -> Selection {
    let rows = batch.rows();
    let unrouted = rows.iter().all(|row| row.route.is_none());
    let unconditional = claims.iter().all(|claim| claim.condition.is_none());
    if unrouted && unconditional && claims.iter().any(|claim| claim.routes.take(None)) {
        let count = |claim: &Claim| {
            if claim.routes.take(None) {
                index(rows.len())
            } else {
                0
            }
        };
        return Selection {
            sinks: claims.iter().map(|claim| Rows::All(count(claim))).collect(),
            unclaimed: Vec::new(),
        };
    }
    let mut claimed = vec![false; rows.len()];
    let mut select = |claim: &Claim| {
        let mut taken = Vec::new();
        for (position, row) in rows.iter().enumerate() {
            if claim.takes(batch, row) {
                claimed[position] = true;
                taken.push(index(position));
            }
        }
        Rows::Some(taken)
    };
    let sinks = claims.iter().map(&mut select).collect();
    let unclaimed = (0..rows.len()).filter(|position| !claimed[*position]);
    Selection {
        sinks,
        unclaimed: unclaimed.map(index).collect(),
    }
}

fn index(position: usize) -> u32 {
    u32::try_from(position).expect("a batch has few rows")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::{BatchBuilder, Span};
    use crate::id::Partition;

    /// A batch whose records have these routes.
    fn batch(routes: &[Option<&str>]) -> Batch {
        let partition = Partition {
            source: "s".into(),
            topic: "t".into(),
            number: 0,
            split: 0,
        };
        let mut batch = BatchBuilder::new(Arc::new(partition), 0, 0);
        (0..)
            .zip(routes)
            .for_each(|(offset, _)| batch.push(offset, -1, None, Some(b""), &[]));
        let mut batch = batch.finish(routes.len() as u64);
        let (mut rows, mut text) = (batch.rows().to_vec(), Vec::new());
        for (row, route) in rows.iter_mut().zip(routes) {
            if let Some(route) = route {
                row.route = Span::new(batch.next_buffer(), text.len(), route.len());
                text.extend_from_slice(route.as_bytes());
            }
        }
        batch.replace(rows, Some(text.into()));
        batch
    }

    fn named(names: &[&str]) -> Routes {
        Routes::Named(names.iter().map(ToString::to_string).collect())
    }

    fn check(routes: &[Option<&str>], sinks: &[Routes], expected: &[&[u32]], unclaimed: &[u32]) {
        check_claims(
            routes,
            &sinks.iter().map(of_route).collect::<Vec<_>>(),
            expected,
            unclaimed,
        );
    }

    fn of_route(routes: &Routes) -> Claim {
        Claim {
            routes: routes.clone(),
            condition: None,
        }
    }

    fn check_claims(
        routes: &[Option<&str>],
        claims: &[Claim],
        expected: &[&[u32]],
        unclaimed: &[u32],
    ) {
        let selection = select(&batch(routes), claims);
        let found: Vec<_> = selection
            .sinks
            .iter()
            .map(|rows| rows.slice(0..rows.len()))
            .collect();
        assert_eq!(found, expected, "{routes:?} {claims:?}");
        assert_eq!(selection.unclaimed, unclaimed, "{routes:?} {claims:?}");
    }

    #[test]
    fn each_record_goes_to_every_sink_that_takes_its_route() {
        let (audit, trace) = (Some("audit"), Some("trace"));
        check(
            &[None, None],
            &[Routes::Unrouted, Routes::All],
            &[&[0, 1], &[0, 1]],
            &[],
        );
        check(
            &[None, None],
            &[Routes::Unrouted, named(&["audit"])],
            &[&[0, 1], &[]],
            &[],
        );
        check(
            &[None, audit],
            &[Routes::Unrouted, named(&["audit"])],
            &[&[0], &[1]],
            &[],
        );
        check(
            &[audit, trace],
            &[named(&["audit", "trace"]), Routes::All],
            &[&[0, 1], &[0, 1]],
            &[],
        );
    }

    /// Holds for records of this offset or later.
    struct From(u64);

    impl Condition for From {
        fn holds(&self, record: Record<'_>) -> bool {
            record.id().offset >= self.0
        }
    }

    #[test]
    fn a_condition_narrows_what_a_route_brings() {
        let later = |routes: Routes, offset| Claim {
            routes,
            condition: Some(Arc::new(From(offset))),
        };
        let (audit, all) = (Some("audit"), of_route(&Routes::All));
        check_claims(
            &[None, None, None],
            &[later(Routes::Unrouted, 1), all.clone()],
            &[&[1, 2], &[0, 1, 2]],
            &[],
        );
        check_claims(
            &[audit, None, audit],
            &[later(named(&["audit"]), 1), later(Routes::All, 2)],
            &[&[2], &[2]],
            &[0, 1],
        );
    }

    #[test]
    fn a_record_that_no_sink_takes_is_named() {
        check(&[None, Some("audit")], &[Routes::Unrouted], &[&[0]], &[1]);
        check(&[None, None], &[named(&["audit"])], &[&[]], &[0, 1]);
    }
}
