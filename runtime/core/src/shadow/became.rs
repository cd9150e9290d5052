//! What becomes of one record.

use crate::batch::{Batch, Row, Span};

/// One record of which something else became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: u64,
    /// What became of it.
    pub old: Became,
    /// What becomes of it now.
    pub new: Became,
}

/// What became of one record: nothing at all if it was filtered out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Became {
    /// What goes on.
    pub outputs: Vec<Output>,
    /// Why something of it was refused.
    pub rejected: Vec<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers, in the form of the plugin contract.
    pub headers: Vec<u8>,
    /// Its route.
    pub route: Option<Vec<u8>>,
    /// Its time, in milliseconds since 1970-01-01 UTC; -1 for none.
    pub timestamp_ms: i64,
}

/// What became of one record, where it lies.
pub(super) struct BecameRef<'a> {
    pub(super) batch: &'a Batch,
    pub(super) rows: &'a [Row],
    pub(super) rejected: &'a [String],
}

impl BecameRef<'_> {
    pub(super) fn owned(&self) -> Became {
        let outputs = self.rows.iter().map(|row| Output::of(self.batch, row));
        Became {
            outputs: outputs.collect(),
            rejected: self.rejected.to_vec(),
        }
    }
}

impl PartialEq for BecameRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let parts = |row: &Row| [row.value, row.key, row.headers, row.route];
        let same = |(a, b): (&Row, &Row)| {
            let mut spans = parts(a).into_iter().zip(parts(b));
            a.timestamp_ms == b.timestamp_ms
                && spans.all(|(a, b)| self.batch.bytes(a) == other.batch.bytes(b))
        };
        self.rejected == other.rejected
            && self.rows.len() == other.rows.len()
            && self.rows.iter().zip(other.rows).all(same)
    }
}

impl Output {
    fn of(batch: &Batch, row: &Row) -> Self {
        let owned = |span: Span| batch.bytes(span).map(<[u8]>::to_vec);
        Self {
            value: owned(row.value),
            key: owned(row.key),
            headers: owned(row.headers).unwrap_or_default(),
            route: owned(row.route),
            timestamp_ms: row.timestamp_ms,
        }
    }
}
