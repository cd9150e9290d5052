//! Which source a specification means.

use std::sync::Arc;

use tamis_config::spec::{LimitsSpec, SourceSpec};
use tamis_core::source::{Source, SourceError};

use crate::Transactions;

/// Bounds of one batch, whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Records.
    pub records_max: usize,
    /// Bytes of keys, values and headers; a single larger record is a batch of its own.
    pub bytes_max: usize,
}

/// Makes a source of `spec`, whose checkpoints go with `transactions` where there are any.
///
/// # Errors
/// When it cannot read what `spec` names, and waiting would not help.
#[expect(
    clippy::unused_async,
    reason = "a source may have to wait for a network to connect"
)]
pub async fn connect(
    spec: &SourceSpec,
    limits: &LimitsSpec,
    transactions: Option<Arc<Transactions>>,
) -> Result<Box<dyn Source>, SourceError> {
    let batch = BatchLimits {
        records_max: limits.batch_records_max,
        bytes_max: limits.batch_bytes_max,
    };
    match spec {
        #[cfg(feature = "kafka")]
        SourceSpec::Kafka(spec) => {
            use std::time::Duration;

            use crate::kafka::source::{KafkaSource, SourceSettings};
            let settings = SourceSettings {
                drain_timeout: Duration::from_millis(limits.drain_timeout_ms),
                commit_interval: Duration::from_millis(limits.commit_interval_ms),
                batch,
            };
            KafkaSource::connect(spec, settings, transactions)
        }
        #[cfg(not(feature = "kafka"))]
        SourceSpec::Kafka(_) => Err(left_out("kafka")),
        #[cfg(feature = "file")]
        SourceSpec::File(spec) => Ok(Box::new(crate::file::source::FileSource::connect(
            spec, batch,
        )?)),
        #[cfg(feature = "file")]
        SourceSpec::Stdin(spec) => Ok(Box::new(crate::stdin::StdinSource::connect(spec, batch))),
        #[cfg(not(feature = "file"))]
        SourceSpec::File(_) | SourceSpec::Stdin(_) => Err(left_out("file")),
    }
}

/// A configuration that asks for what this build has not.
#[cfg(not(all(feature = "kafka", feature = "file")))]
pub(crate) fn left_out(feature: &str) -> SourceError {
    SourceError::Misconfigured(format!("this build of tamis has no {feature}"))
}
