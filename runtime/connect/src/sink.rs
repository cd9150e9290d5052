//! Which store a specification means.

use tamis_config::spec::{SinkKind, SinkSpec};
use tamis_core::Destination;
use tamis_core::sink::SinkError;

/// Makes a store of `spec`, for a pipeline with this many `lanes`. `owner` is who has the partitions.
///
/// # Errors
/// When the store cannot be reached, or refuses.
#[cfg_attr(
    not(feature = "file"),
    expect(unused_variables, reason = "only files have a store for each lane")
)]
pub fn connect(spec: &SinkSpec, lanes: usize, owner: &str) -> Result<Destination, SinkError> {
    match &spec.kind {
        #[cfg(feature = "file")]
        SinkKind::File(spec) => {
            use std::time::Duration;

            use tamis_core::RunLimits;

            let limits = RunLimits {
                bytes_max: spec.run.bytes_max,
                records_max: spec.run.records_max,
                age_max: Duration::from_millis(spec.run.age_ms_max),
            };
            let (sinks, store) = crate::file::sink::connect(spec, lanes, owner)?;
            Ok(Destination::Runs(sinks, store, limits))
        }
        #[cfg(not(feature = "file"))]
        SinkKind::File(_) => Err(left_out("file")),
    }
}

/// Tidies up behind an `owner` that will not come back: what it has staged and not shown stays.
#[cfg_attr(
    not(feature = "file"),
    expect(unused_variables, reason = "only files are staged")
)]
pub fn forget(spec: &SinkSpec, owner: &str) {
    match &spec.kind {
        #[cfg(feature = "file")]
        SinkKind::File(spec) => crate::file::sink::forget(spec, owner),
        #[cfg(not(feature = "file"))]
        SinkKind::File(_) => {}
    }
}

/// A configuration that asks for what this build has not.
#[cfg(not(all(feature = "kafka", feature = "file")))]
pub(crate) fn left_out(feature: &str) -> SinkError {
    SinkError::Misconfigured(format!("this build of tamis has no {feature}").into())
}
