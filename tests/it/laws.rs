//! The laws of every sink, on the real store of each; see [`tamis_tests::laws`].

mod mongodb;
