//! The laws of every sink, on the real store of each; see [`tamis_tests::laws`].

mod elasticsearch;
mod files;
mod kafka;
mod mongodb;
