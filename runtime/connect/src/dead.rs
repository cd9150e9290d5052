//! Which stores of dead letters a specification means.

use std::sync::Arc;

use tamis_config::spec::DeadLettersSpec;
use tamis_core::DeadLetters;
use tamis_core::sink::{Sink, SinkError};

use crate::dead_folder::DeadFolder;

pub mod letters;
pub mod marker;
pub mod read;

/// Makes the stores of `spec`: with both, the folder takes what the topic refuses.
///
/// # Errors
/// When a store cannot be reached, or refuses, or there is none.
#[expect(
    clippy::unused_async,
    reason = "a store may have to wait for a network to connect"
)]
pub async fn connect(spec: &DeadLettersSpec) -> Result<DeadLetters, SinkError> {
    let mut stores: Vec<Arc<dyn Sink>> = Vec::new();
    if let Some(topic) = &spec.kafka {
        #[cfg(feature = "kafka")]
        stores.push(Arc::new(crate::kafka::dead_topic::DeadTopic::connect(
            topic,
        )?));
        #[cfg(not(feature = "kafka"))]
        return Err(crate::sink::left_out(&format!(
            "kafka, which topic {} needs",
            topic.topic
        )));
    }
    if let Some(folder) = &spec.folder {
        stores.push(Arc::new(DeadFolder::connect(folder)?));
    }
    let mut stores = stores.into_iter();
    let first = stores
        .next()
        .ok_or_else(|| SinkError::Misconfigured("dead letters need a topic or a folder".into()))?;
    Ok(DeadLetters {
        first,
        second: stores.next(),
    })
}

#[cfg(test)]
#[cfg(all(feature = "file", feature = "kafka"))]
mod tests;
