//! What a plugin decides about a record.

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes on, with what was set and edited on it.
    Keep,
    /// It ends here, on purpose.
    Drop,
    /// It becomes a dead letter, for this reason.
    Reject(String),
    /// These go on in its place, in this order; what was set and edited on it does not count. None is a drop.
    Emit(Vec<Output>),
}

/// One of the records that go on in the place of another one. It has its key,
/// headers and time unless it is given others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub(crate) value: Part,
    pub(crate) key: Part,
    pub(crate) headers: Part,
    pub(crate) route: Option<String>,
    pub(crate) timestamp_ms: Option<i64>,
}

/// A part of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Same,
    None,
    Bytes(Vec<u8>),
}

impl Output {
    /// An output with this value.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self::with_value(Part::Bytes(value.into()))
    }

    /// An output with the value of the record that it comes from.
    #[must_use]
    pub fn same() -> Self {
        Self::with_value(Part::Same)
    }

    /// An output without a value, which in a compacted topic deletes what has its key.
    #[must_use]
    pub fn tombstone() -> Self {
        Self::with_value(Part::None)
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Part::Bytes(key.into());
        self
    }

    /// Without a key.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.key = Part::None;
        self
    }

    /// With these headers and no others.
    #[must_use]
    pub fn headers<'h>(
        mut self,
        headers: impl IntoIterator<Item = (&'h str, Option<&'h [u8]>)>,
    ) -> Self {
        let mut bytes = Vec::new();
        for (name, value) in headers {
            crate::headers::push(&mut bytes, name, value);
        }
        self.headers = if bytes.is_empty() {
            Part::None
        } else {
            Part::Bytes(bytes)
        };
        self
    }

    /// At this time, in milliseconds since 1970-01-01 UTC. The plugin has to want
    /// [`Metadata::TIMESTAMP`](crate::Metadata::TIMESTAMP).
    #[must_use]
    pub fn timestamp_ms(mut self, timestamp_ms: i64) -> Self {
        self.timestamp_ms = Some(timestamp_ms);
        self
    }

    /// To the sinks that take this route.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.route = Some(route.into());
        self
    }

    fn with_value(value: Part) -> Self {
        Self {
            value,
            key: Part::Same,
            headers: Part::Same,
            route: None,
            timestamp_ms: None,
        }
    }
}
