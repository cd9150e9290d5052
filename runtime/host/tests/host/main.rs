//! The sandbox against real guests, the hostile ones of `tests/hostile`.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod contract;
mod effects;
mod failures;
mod fates;
mod hostile;
mod languages;
mod load;
mod quarantine;
mod raw;
mod support;
mod tools;
