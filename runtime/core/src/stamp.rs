//! Which versions of which plugins made a record what it is.

use std::sync::Arc;

use crate::batch::Batch;
use crate::transform::Stage;

/// Header of a record in a topic: its stamp, as [`Stamp::text`] has it.
pub const HEADER: &str = "tamis-plugins";

/// The plugins that a batch went through, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamp(Option<Arc<str>>);

impl Stamp {
    /// That of `stages`, in order. A name has no `@`, a version neither that nor a comma.
    pub(crate) fn of<'a>(stages: impl Iterator<Item = &'a Stage>) -> Self {
        let mut text = String::new();
        for Stage { name, version } in stages {
            if !text.is_empty() {
                text.push(',');
            }
            text.extend([name, "@", version]);
        }
        Self((!text.is_empty()).then(|| text.into()))
    }

    /// `NAME@VERSION,NAME@VERSION`; `None` where there was no plugin.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// `NAME@VERSION` of each plugin, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.text().into_iter().flat_map(|text| text.split(','))
    }
}

/// Writes the stamp of a batch into its records, where the form of the values allows it.
pub trait Stamper: Send + Sync {
    /// Does so for every row of `batch`.
    fn stamp(&self, batch: &mut Batch);
}
