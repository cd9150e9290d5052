//! MongoDB: collections as a sink, where a record's id is the `_id` of its document.

mod client;
mod create;
mod date;
mod document;
mod failure;
mod insert;
mod number;
pub mod sink;
mod writer;
