//! A store whose records are parked while it is away, also when it is away at the start.

use std::sync::Arc;

use async_trait::async_trait;
use tamis_config::spec::SinkKind;
use tamis_core::sink::{Records, Sink, SinkError, Verdict};
use tokio::sync::OnceCell;

use crate::sink::keyed;

/// Connects when it is first written to.
pub(crate) struct Late {
    kind: SinkKind,
    sink: OnceCell<Arc<dyn Sink>>,
}

impl Late {
    pub(crate) fn new(kind: SinkKind) -> Self {
        Self {
            kind,
            sink: OnceCell::new(),
        }
    }
}

#[async_trait]
impl Sink for Late {
    async fn write(&self, records: &Records) -> Result<Vec<Verdict>, SinkError> {
        let sink = self.sink.get_or_try_init(|| keyed(&self.kind)).await?;
        sink.write(records).await
    }
}
