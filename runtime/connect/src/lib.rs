//! Sources and sinks: everything of Tamis that touches the world outside of the process.
//!
//! A checked specification goes in, a component of the engine comes out: [`source::connect`], [`sink::connect`] and
//! [`dead::connect`] are the only places that list what there is. Each connector sits behind a cargo feature.

pub mod condition;
pub mod dead;
pub mod dead_folder;
#[cfg(any(feature = "elasticsearch", feature = "mongodb", feature = "mysql"))]
mod destinations;
#[cfg(feature = "elasticsearch")]
pub mod elasticsearch;
pub mod excerpt;
#[cfg(feature = "file")]
pub mod file;
pub mod halt;
#[cfg(feature = "kafka")]
pub mod kafka;
mod late;
#[cfg(feature = "mongodb")]
pub mod mongodb;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(all(any(test, fuzzing), feature = "file"))]
pub mod oracle;
#[cfg(any(feature = "elasticsearch", feature = "mongodb", feature = "mysql"))]
mod parts;
pub mod sink;
pub mod source;
pub mod stamp;
#[cfg(feature = "file")]
pub mod stdin;

/// What a transactional sink shares with its source.
#[cfg(feature = "kafka")]
pub use kafka::transaction::Transactions;

/// Without Kafka there are none.
#[cfg(not(feature = "kafka"))]
#[derive(Debug)]
pub enum Transactions {}

mod disk;
mod field;
mod json;
mod template;
#[cfg(test)]
#[cfg(feature = "file")]
mod testing;
