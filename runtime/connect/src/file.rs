//! Files of lines, as a source and as a sink.

pub mod sink;
pub mod source;

pub(crate) mod excerpt;
pub(crate) mod lines;
pub(crate) mod manifest;
mod path;
mod staged;
mod store;
