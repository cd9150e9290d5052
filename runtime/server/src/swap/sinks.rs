//! Sinks with other settings, for a pipeline that runs.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tamis_config::PipelineSpec;
use tamis_core::Swapper;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::telling::{Told, apart};
use crate::wiring;

/// How long it may take to connect to stores: one that is away is no reason to leave the one that there is.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Connects the sinks of `spec`, and has the pipeline go on with them once nothing is in flight to those before. It may drain for as
/// long as at its end.
///
/// # Errors
/// Where one of them cannot be had, or a store before takes too long; then nothing has changed.
pub(super) async fn exchange(swapper: &Swapper, spec: PipelineSpec) -> Result<Told<()>> {
    let patience = Duration::from_millis(spec.limits.shutdown_timeout_ms);
    let sinks = apart(move || {
        let connecting =
            wiring::outlets(&spec.sinks, spec.limits.lanes, wiring::owner(&spec), None);
        let connected =
            Handle::current().block_on(async { timeout(CONNECT_WAIT, connecting).await });
        connected.context("a store of the new sinks is away")?
    });
    let sinks = sinks.await.context("the sinks stay as they were")?;
    let paused = swapper.exchange(sinks, patience).await;
    let paused = paused.context("the sinks stay as they were")?;
    let said = format!(
        "sinks are set anew; no record was taken for {} ms",
        paused.as_millis()
    );
    Ok(Told::new((), said))
}
