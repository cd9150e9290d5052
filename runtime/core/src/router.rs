//! Which records go to which sinks.

use crate::batch::{Batch, Row};

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

/// Hands each row of `batch` to every one of the `sinks` that takes its route.
pub(crate) fn select(batch: &Batch, sinks: &[Routes]) -> Selection {
    let rows = batch.rows();
    let unrouted = rows.iter().all(|row| row.route.is_none());
    if unrouted && sinks.iter().any(|routes| routes.take(None)) {
        let claim = |routes: &Routes| {
            if routes.take(None) {
                index(rows.len())
            } else {
                0
            }
        };
        let sinks = sinks
            .iter()
            .map(|routes| Rows::All(claim(routes)))
            .collect();
        return Selection {
            sinks,
            unclaimed: Vec::new(),
        };
    }
    let matching = |wanted: &dyn Fn(&Row) -> bool| -> Vec<u32> {
        let matching = rows.iter().enumerate().filter(|(_, row)| wanted(row));
        matching.map(|(position, _)| index(position)).collect()
    };
    let route = |row: &Row| batch.bytes(row.route);
    let claim = |routes: &Routes| Rows::Some(matching(&|row| routes.take(route(row))));
    let unclaimed = matching(&|row| !sinks.iter().any(|routes| routes.take(route(row))));
    Selection {
        sinks: sinks.iter().map(claim).collect(),
        unclaimed,
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
        let selection = select(&batch(routes), sinks);
        let found: Vec<_> = selection
            .sinks
            .iter()
            .map(|rows| rows.slice(0..rows.len()))
            .collect();
        assert_eq!(found, expected, "{routes:?} {sinks:?}");
        assert_eq!(selection.unclaimed, unclaimed, "{routes:?} {sinks:?}");
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

    #[test]
    fn a_record_that_no_sink_takes_is_named() {
        check(&[None, Some("audit")], &[Routes::Unrouted], &[&[0]], &[1]);
        check(&[None, None], &[named(&["audit"])], &[&[]], &[0, 1]);
    }
}
